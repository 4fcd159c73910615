"""Arch Linux ARM."""

from aimager.definitions import Architecture, Distro, Keyring, Mirrors

DISTRO = Distro(
    id="archlinuxarm",
    name="Arch Linux ARM",
    aliases=("alarm", "archarm"),
    vendor="archarm",
    architectures=(Architecture.aarch64, Architecture.armv7h),
    mirrors=Mirrors(
        path="archlinuxarm/$arch/$repo",
        url="http://mirror.archlinuxarm.org/$arch/$repo",
    ),
    base_repositories=("core", "extra", "alarm", "aur"),
    keyrings=(
        Keyring(
            name="archlinuxarm",
            package="archlinuxarm-keyring",
            # The build system's key, since archlinuxarm-keyring 20240419-1.
            master_keys=("68B3537F39A313B3E574D06777193F152BDBE6A6",),
        ),
    ),
    lends=True,
)
