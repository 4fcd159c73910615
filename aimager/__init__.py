"""A rootless, cross-distribution, cross-architecture builder of Arch Linux images.

The modules in this folder itself are the ground: errors, files, archives, processes.

May import: nothing.
"""
