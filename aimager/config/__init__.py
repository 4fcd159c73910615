"""From the words `name=value` of a command line to a build.

May import: packages, distros, definitions, model, the ground.
"""
