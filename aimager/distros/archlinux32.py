"""Arch Linux 32, for PCs without 64-bit mode."""

from aimager.definitions import Architecture, Distro, Keyring, Mirrors

DISTRO = Distro(
    id="archlinux32",
    name="Arch Linux 32",
    aliases=("arch32",),
    architectures=(Architecture.i686, Architecture.pentium4, Architecture.i486),
    mirrors=Mirrors(
        path="archlinux32/$arch/$repo",
        url="https://mirror.archlinux32.org/$arch/$repo",
    ),
    # As in its pacman.conf of 2018, and of a user in 2023.
    base_repositories=("core", "extra", "community"),
    keyrings=(
        Keyring(
            name="archlinux32",
            package="archlinux32-keyring",
            # As listed, in August 2026, for archlinux32-keyring 20251214-1.0 by a user of the
            # port; not compared with the project's own pages. The third expired in January 2026.
            master_keys=(
                "194E37A47A4C671807BACB37B1117BC1094EA6E9",  # Erich Eckner
                "CE0BDE71A759A87F23F0F7D8B61DBCE10901C163",  # Balló György
                "A0B250C0FC9FC079EC04ADB7A50C0F20AEC3AF00",  # Polichronucci
                "D92CDDC155BCC8F550B5FCEC30AB721FE7400FCD",  # Tyler Dence
                "C426F2CED2D759ECEA1FA78A4BA3B2E330891150",  # Andreas Baumann
            ),
        ),
    ),
    archive="https://archive.archlinux32.org/packages/$initial/$name",
    lends=True,
    # Measured at its mirror in August 2026, with archlinux32-keyring 20251214-1.0; 194E37A4 expires
    # on 2026-12-31.
    trouble="too few of its master keys that have not expired vouch for its packager"
    " 80EC18799E8BCD375C6E64ABE4D41569196B1160, who signed nine of base's packages; as others"
    " expire, more packagers follow. trust-key=FINGERPRINT trusts a packager whom you know",
)
