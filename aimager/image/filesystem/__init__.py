"""File systems with a tree in them, made without mounting anything."""
