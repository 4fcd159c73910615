"""Overlays that are unpacked in a namespace, by the host's tar in a root of the host's programs."""

import os
import tarfile
from dataclasses import dataclass
from pathlib import Path

from aimager.archive import pack_tree
from aimager.sandbox.chroot import chroot
from aimager.sandbox.tree import Tree
from aimager.system.configure import ImageRoot
from aimager.system.customize import unpack_overlay
from aimager.toolbox import Toolbox
from tests.support.jailed import show_host
from tests.support.trees import EPOCH, TOOLS, make_tree


@dataclass(frozen=True)
class Place:
    """A folder for the trees."""

    work: Path


def attributes(tree: Path) -> dict[str, dict[str, str]]:
    """The extended attributes in a tree, as hexadecimal digits, by path; all but a host's own."""
    found = {}
    for path in sorted(tree.rglob("*")):
        names = os.listxattr(path, follow_symlinks=False)
        kept = {
            name: os.getxattr(path, name, follow_symlinks=False).hex()
            for name in names
            if not name.startswith(("trusted.", "security.selinux"))
        }
        if kept:
            found[str(path.relative_to(tree))] = kept
    return found


def lay_over_a_list(place: Place) -> None:
    """Lay a file over a root whose access list is for a group that is not known there."""
    archive, root = place.work / "site.tar", place.work / "root"
    with tarfile.open(archive, "w", format=tarfile.PAX_FORMAT) as members:
        member = tarfile.TarInfo("tmp/listed")
        member.pax_headers = {"SCHILY.acl.access": "user::rw-,group:nobody-knows:r--,mask::r--"}
        members.addfile(member)
    show_host(root)
    with chroot(Tree(root)) as image, (place.work / "log").open("wb") as log:
        unpack_overlay(ImageRoot(image, Toolbox(None, log), EPOCH), archive)


def lay_over(place: Place) -> list[dict[str, dict[str, str]]]:
    """The attributes of a tree, and of what becomes of it as an overlay of a root."""
    packed, archive, root = place.work / "packed", place.work / "site.tar", place.work / "root"
    make_tree(packed / "srv")
    os.setxattr(packed / "srv/etc/shadow", "user.note", b"kept")
    pack_tree(TOOLS, packed, archive, epoch=EPOCH)
    show_host(root)
    (root / "srv/var").mkdir(parents=True)
    with chroot(Tree(root)) as image, (place.work / "log").open("wb") as log:
        unpack_overlay(ImageRoot(image, Toolbox(None, log), EPOCH), archive)
    return [attributes(packed / "srv"), attributes(root / "srv")]
