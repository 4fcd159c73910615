"""The variables of what is done with an image once it is made."""

from aimager.config.paths import read_device, read_file_name
from aimager.config.variable import Group, Variable, of_path

FLASH = (
    Variable(
        "device",
        Group.others,
        "for flash: the card or disk that is written to, all of whose data is lost; or a file in"
        " its place",
        "",
        "device=/dev/sdX",
        parser=of_path(read_device),
        paths=True,
        describes_build=False,
    ),
    Variable(
        "device-again",
        Group.others,
        "for flash: the same device once more, where it is not removable, or is mounted; that is"
        " then unmounted",
        "",
        "device-again=/dev/sdX",
        parser=of_path(read_device),
        paths=True,
        describes_build=False,
    ),
    Variable(
        "image",
        Group.others,
        "an image file, in place of that of the build; for flash also one that is compressed",
        "",
        "image=disk.img.zst",
        parser=of_path(read_file_name),
        paths=True,
        describes_build=False,
    ),
)
