"""The tasks that make no product: one module or folder each.

May import: graph, system, products, packages, sandbox, config, distros, boards, stand_in,
model, the ground.
"""
