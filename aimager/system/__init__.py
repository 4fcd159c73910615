"""The installed system: its packages, settings and boot loaders' files."""
