"""pacman's world: mirrors, databases, locks, downloads, keys.

May import: sandbox, model, the ground.
"""
