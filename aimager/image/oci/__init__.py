"""Images of the Open Container Initiative: what container engines load and registries keep."""
