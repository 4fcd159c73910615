"""Arch Linux for RISC-V."""

from aimager.definitions import Architecture, Distro, Mirrors
from aimager.distros.archlinux import KEYRING

DISTRO = Distro(
    id="archriscv",
    name="Arch Linux RISC-V",
    aliases=("archlinuxriscv",),
    architectures=(Architecture.riscv64,),
    mirrors=Mirrors(
        path="archriscv/repo/$repo",
        url="https://riscv.mirror.pkgbuild.com/repo/$repo",
    ),
    # Its packages are signed with the key of a packager of Arch Linux, Felix Yan, for whom
    # Arch Linux's own master keys vouch.
    keyrings=(KEYRING,),
    lends=True,
)
