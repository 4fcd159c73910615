"""Disk images of an installed system, and what tells of them."""
