"""A stand-in for the mirrors of Arch Linux and its ports, made of Debian's packages.

It lets every step of a build run for real where no Arch mirror can be reached: real programs,
kernels and boot loaders, packed, signed and served as the real mirrors do it.

May import: sandbox, the ground.
"""

from aimager.stand_in.mirror import fingerprint, make_mirror
from aimager.stand_in.server import serve

__all__ = ["fingerprint", "make_mirror", "serve"]
