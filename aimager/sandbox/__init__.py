"""Namespaces of a build's own, and the (borrowed) programs that run in them.

May import: model, the ground.
"""
