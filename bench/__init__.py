"""How near builds are to what the machine can do: ``python -m bench`` measures, side by side.

May import: graph, packages, stand_in, sandbox, model, the ground.
"""
