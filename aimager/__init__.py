"""A rootless, cross-distribution, cross-architecture builder of Arch Linux images."""
