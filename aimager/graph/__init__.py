"""doit's side: plans, paths, tasks, and what a run prints.

May import: stages, products, packages, sandbox, distros, model, the ground.
"""
