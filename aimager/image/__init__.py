"""Disk images of an installed system, and the files that describe them."""
