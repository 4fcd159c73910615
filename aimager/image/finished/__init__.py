"""A finished disk image, read and changed without mounting it: ``doit personalise``."""
