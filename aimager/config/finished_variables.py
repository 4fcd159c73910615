"""The variables of what is done with an image once it is made."""

from aimager.config.parse import YES_OR_NO, read_address, read_yes
from aimager.config.paths import read_device, read_file_name, read_new_file
from aimager.config.personal import read_image
from aimager.config.variable import Group, Variable, of_name, of_path

FINISHED = (
    Variable(
        "image",
        Group.others,
        "for flash and boot: an image file, in place of that of the build; for personalise: the"
        " image to start from, with in-place=yes also a card's device; flash and personalise take"
        " compressed ones, too",
        "",
        "image=disk.img",
        parser=of_path(read_image),
        paths=True,
        describes_build=False,
    ),
    Variable(
        "to",
        Group.others,
        "for personalise: the copy to write",
        "HOSTNAME.img beside the image",
        "to=kiosk-7.img",
        parser=of_path(read_new_file),
        paths=True,
        describes_build=False,
    ),
    Variable(
        "in-place",
        Group.others,
        "for personalise: yes: change the image itself, and make no copy",
        "no",
        "in-place=yes",
        choices=YES_OR_NO,
        parser=of_name(read_yes),
        describes_build=False,
    ),
    Variable(
        "manifest",
        Group.others,
        "for verify: the manifest.json of the image that is built again and compared",
        "",
        "manifest=published/manifest.json",
        parser=of_path(read_file_name),
        paths=True,
        describes_build=False,
    ),
    Variable(
        "url",
        Group.others,
        "for os-list: the address below which the results' folders are",
        "their place on this machine",
        "url=https://images.example.org",
        parser=of_name(read_address),
        describes_build=False,
    ),
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
)
