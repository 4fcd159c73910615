"""Arch Linux."""

from aimager.definitions import Architecture, Distro, Keyring, Mirrors

KEYRING = Keyring(
    name="archlinux",
    package="archlinux-keyring",
    master_keys=(  # archlinux.org/master-keys
        "2AC0A42EFB0B5CBC7A0402ED4DC95B6D7BE9892E",  # David Runge
        "3572FA2A1B067F22C58AF155F8B821B42A6FDCD7",  # Leonidas Spyropoulos
        "69E6471E3AE065297529832E6BA0F5A2037F4F41",  # Johannes Löthberg
        "99B6618472A3B3B814185BAED7D3D823B88BDB9B",  # Christian Heusel
        "D8AFDDA07A5B6EDFA7D8CCDAD6D055F927843F1C",  # Levente Polyak
    ),
)

DISTRO = Distro(
    id="archlinux",
    name="Arch Linux",
    aliases=("arch",),
    vendor="arch",
    architectures=(Architecture.x86_64,),
    mirrors=Mirrors(
        path="archlinux/$repo/os/$arch",
        url="https://geo.mirror.pkgbuild.com/$repo/os/$arch",
    ),
    archive="https://archive.archlinux.org/packages/$initial/$name",
    keyrings=(KEYRING,),
    lends=True,
)
