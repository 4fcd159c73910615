"""The tasks that make no product, one module or folder each."""
