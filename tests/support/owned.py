"""A root with users, to which files are added as a build adds them."""

import os
from dataclasses import dataclass, field
from pathlib import Path

from aimager.errors import AimagerError
from aimager.model.settings import AddedFile, AuthorizedKeys
from aimager.sandbox.tree import Tree
from aimager.system.customize import add_file
from aimager.system.ssh_keys import lay_ssh_keys
from tests.support.hostile_root import QuietRoot

PASSWD = """\
root:x:0:0::/root:/bin/sh
bin:x:1:1::/:/bin/false
http:x:33:33::/srv/http:/bin/false
postgres:x:88:88::/var/lib/postgres:/bin/false
alice:x:1000:985::/home/alice:/bin/sh
bob:x:1001:1001::/home/alice/bob/:/bin/sh
carol:x:1002:1002::/home/carol:/bin/sh
broken
jane.doe:x:1003:1003::/home/jane.doe:/bin/sh
twin:x:1004:1004::/home/alice:/bin/sh
"""
GROUP = "root:x:0:\nhttp:x:33:\nusers:x:985:alice\nbroken\n"
HOMES = {
    "root": (0, 0),
    "srv/http": (0, 0),
    "var/lib/postgres": (88, 88),
    "home/alice": (1000, 985),
    "home/alice/bob": (1001, 1001),
    "home/jane.doe": (1003, 1003),
}


@dataclass(frozen=True)
class Adding:
    """Files to add to a root below ``work``, and links that are in it."""

    work: Path
    files: tuple[AddedFile, ...]
    links: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Authorizing:
    """Keys for users of a root below ``work``, where files are and folders have modes."""

    work: Path
    keys: tuple[AuthorizedKeys, ...]
    texts: dict[str, str] = field(default_factory=dict)
    modes: dict[str, int] = field(default_factory=dict)


def authorize(asked: Authorizing) -> list[str]:
    """The mode, owner, path and lines of all files with keys, or why there are none."""
    root = asked.work / "root"
    _make_root(root)
    tree = Tree(root)
    for path, text in asked.texts.items():
        tree.write(path, text)
    for path, mode in asked.modes.items():
        tree.chmod(path, mode)
    try:
        lay_ssh_keys(tree, asked.keys)
    except AimagerError as error:
        return [error.message]
    told = []
    for place in sorted((*root.rglob(".ssh"), *root.rglob("authorized_keys"))):
        status = place.stat()
        lines = place.read_text().split("\n")[:-1] if place.is_file() else []
        owner = f"{status.st_uid}:{status.st_gid}"
        told.append(f"{status.st_mode & 0o7777:o} {owner} {place.relative_to(root)} {lines}")
    return told


def _make_root(root: Path) -> None:
    for name, numbers in HOMES.items():
        (root / name).mkdir(parents=True, mode=0o755)
        os.chown(root / name, *numbers)
    (root / "etc").mkdir()
    (root / "etc/passwd").write_text(PASSWD)
    (root / "etc/group").write_text(GROUP)
    (root / "etc/motd").write_text("old")
    os.chown(root / "etc/motd", 7, 7)


def add(adding: Adding) -> list[str]:
    """What becomes of each file and of the folders it lies in, or why not: mode, owner, path."""
    root = adding.work / "root"
    _make_root(root)
    before = {path for path in root.rglob("*") if path.is_dir()}
    for place, target in adding.links.items():
        (root / place).symlink_to(target)
    image, told = QuietRoot(root), []
    for file in adding.files:
        try:
            add_file(image, file)
        except AimagerError as error:
            told.append(error.message)
    for path in sorted(root.rglob("*")):
        if path not in before and not path.is_symlink() and path.name not in ("passwd", "group"):
            status = path.stat()
            owner = f"{status.st_uid}:{status.st_gid}"
            told.append(f"{status.st_mode & 0o7777:o} {owner} {path.relative_to(root)}")
    ordinary = ("755 0:0 run", "644 7:7 etc/motd")
    return [line for line in told if line not in ordinary]
