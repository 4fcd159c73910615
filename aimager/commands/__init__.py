"""The tasks that make no product: one module or folder each.

May import: cluster, graph, image, system, products, packages, sandbox, config, distros, stand_in,
model, the ground.
"""
