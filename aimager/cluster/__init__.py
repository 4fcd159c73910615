"""Heavy tasks on other machines, by dask.distributed: who sends them, and who does them.

May import: graph, system, products, packages, config, sandbox, model, the ground.
"""
