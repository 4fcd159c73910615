"""The installed system: packages, settings, boot loaders' files, first boot.

May import: packages, sandbox, model, the ground.
"""
