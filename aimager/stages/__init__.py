"""The tasks that make a product: one module each, a frozen dataclass with ``run()``.

May import: image, system, products, packages, sandbox, model, the ground.
"""
