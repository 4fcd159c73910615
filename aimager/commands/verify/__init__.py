"""Building a published image once more, and comparing: ``doit verify``."""
