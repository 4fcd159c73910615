"""Disk images of an installed system, and the files that describe them.

May import: system, packages, sandbox, model, the ground.
"""
