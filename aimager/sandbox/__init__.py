"""Namespaces of a build's own, and the programs that run in them."""
