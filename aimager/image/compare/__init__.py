"""What differs between two images, manifests or lock files: ``doit diff``."""
