"""What can be built: frozen values that read and write nothing.

May import: the ground.
"""
