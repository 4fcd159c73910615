"""A root archive of the user's to start from: what it holds, and whether a build can use it.

Its content is not verified, and nothing of it is run here.
"""

import json
import re
import tarfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from tarfile import (  # type: ignore[attr-defined]
    EOFHeaderError,
    HeaderError,
    ReadError,
)
from typing import Self

from aimager import files
from aimager.codec import decode, encode
from aimager.compression import opened
from aimager.errors import CommandError, ConfigError, ImageError
from aimager.model.lock import Lock, LockedPackage
from aimager.packages.local_database import InstalledPackage, read_local_database, read_record
from aimager.sandbox.chroot import IMAGE
from aimager.sandbox.owners import HeldIds, held_ids, refuse_list, refuse_owner
from aimager.sandbox.tree import Tree
from aimager.system.caches import find_caches
from aimager.system.sysprep import empty_logs, remove_identity

_DESC = re.compile(r"var/lib/pacman/local/[^/]+/desc")
_LARGEST_DESC = 16 << 20
_ACCESS_LISTS = ("SCHILY.acl.access", "SCHILY.acl.default")
_LATEST = 0xFFFFFFFF  # what a superblock of ext4 can tell, in 2106
_CHUNK = 1 << 20
_ANY = "any"

# What pacman says of what stands in the way (its util.c and callback.c).
_BROKEN = re.compile(r"(?:installing|removing) (\S+).* breaks dependency '(.+)' required by (\S+)")
_IN_THE_WAY = re.compile(r"^(\S+): (/.*) exists in filesystem$", re.MULTILINE)


@dataclass(frozen=True)
class ReusedRoot:
    """What an archive holds: ``packages`` by name, and files of ``size`` bytes in all.

    ``sha256`` is the archive's own.
    """

    sha256: str
    size: int
    packages: tuple[InstalledPackage, ...]

    def missing(self, lock: Lock) -> tuple[LockedPackage, ...]:
        """The packages of ``lock`` that it does not hold, or not in that version."""
        held = {str(package) for package in self.packages}
        return tuple(package for package in lock.packages if str(package) not in held)

    def epoch(self, lock: Lock) -> int:
        """The newest build date, in seconds, of all packages with those of ``lock`` added."""
        replaced = {package.name for package in self.missing(lock)}
        kept = (package.build_date for package in self.packages if package.name not in replaced)
        return max(lock.epoch, *kept)

    def is_in(self, tree: Tree) -> bool:
        """Whether ``tree`` holds these packages, and no others."""
        return {p.name: p for p in self.packages} == read_local_database(tree)


def write_reused(root: ReusedRoot) -> str:
    """It as text, the same for equal archives."""
    return json.dumps(encode(root), indent=1, sort_keys=True) + "\n"


def read_reused(path: Path) -> ReusedRoot:
    """What `write_reused` wrote."""
    root: ReusedRoot = decode(ReusedRoot, json.loads(path.read_text()))
    return root


class _Member(tarfile.TarInfo):
    """A member; damage between two of them, which tarfile takes for the end, is an error."""

    @classmethod
    def fromtarfile(cls, tarfile: tarfile.TarFile) -> Self:
        try:
            return super().fromtarfile(tarfile)
        except EOFHeaderError:
            raise
        except HeaderError as error:
            raise ReadError(str(error)) from error


def look_into(archive: Path, architectures: Sequence[str]) -> ReusedRoot:
    """What ``archive`` holds, all of which is read.

    :raises ConfigError: when no build that takes packages for ``architectures`` can start from it
    :raises HostError: when this machine lacks the id of an owner
    """
    word = f"reuse-root-tar={archive.name}"
    try:
        with (
            opened(archive) as stream,
            tarfile.open(fileobj=stream, mode="r|", tarinfo=_Member) as members,
        ):
            root = _read(members, word, files.sha256(archive), held_ids())
            while stream.read(_CHUNK):
                pass  # tarfile stops at the archive's end, before the compression's checksum
    except (ImageError, tarfile.TarError) as error:
        reason = error.message if isinstance(error, ImageError) else str(error)
        raise ConfigError(
            f"{word} is not a complete tar archive: {reason}",
            hint="tar --list shows whether it can be read; its suffix says how it is compressed",
        ) from error
    if not root.packages:
        raise ConfigError(
            f"{word} has no local pacman database in var/lib/pacman/local",
            hint="the archive's top is the root of a system that pacman has installed",
        )
    _check_architecture(root.packages, architectures, word)
    return root


def _read(members: tarfile.TarFile, word: str, sha256: str, ids: HeldIds) -> ReusedRoot:
    size = 0
    packages: dict[str, InstalledPackage] = {}
    for member in members:
        name = _inside(member.name, word)
        if member.islnk():
            _inside(member.linkname, word)
        if member.ischr() or member.isblk():
            raise ConfigError(
                f"{word} holds the device {name}, which cannot be made without root",
                hint="leave it out of the archive, as with tar --exclude=./dev/*",
            )
        refuse_owner(name or "the top", member.uid, member.gid, ids, f" of {word}")
        for kind in _ACCESS_LISTS:
            refuse_list(name or "the top", member.pax_headers.get(kind, ""), ids, f" of {word}")
        size += member.size
        if member.isreg() and _DESC.fullmatch(name):
            packages[name] = _read_desc(members, member, word)  # the last of a name is unpacked
    by_name = sorted(packages.values(), key=lambda package: package.name)
    return ReusedRoot(sha256, size, tuple(by_name))


def _inside(name: str, word: str) -> str:
    """The path ``name`` relative to the root."""
    parts = [part for part in name.split("/") if part not in ("", ".")]
    if name.startswith("/") or ".." in parts:
        raise ConfigError(
            f"{word} holds {name}, which lies outside its root",
            hint="make it with tar --create --directory=ROOT .",
        )
    return "/".join(parts)


def _read_desc(members: tarfile.TarFile, member: tarfile.TarInfo, word: str) -> InstalledPackage:
    content = members.extractfile(member)
    assert content, "a regular file has content"
    try:
        package = read_record(content.read(_LARGEST_DESC))
        if not 0 <= package.build_date <= _LATEST:
            raise ValueError(f"it was built at {package.build_date}")
    except (LookupError, ValueError) as error:
        raise ConfigError(
            f"{word} has a damaged record in {member.name}: {error}",
            hint="have pacman install the package again before making the archive",
        ) from error
    return package


def _check_architecture(
    packages: Iterable[InstalledPackage], architectures: Sequence[str], word: str
) -> None:
    allowed = ("", _ANY, *architectures)
    for package in packages:
        if package.architecture not in allowed:
            raise ConfigError(
                f"{word} holds {package} for {package.architecture}, but the build is for"
                f" {' '.join(architectures)}",
                hint="name the archive's own architecture or board with arch= or board=",
            )


def explain_refusal(error: CommandError, archive: Path) -> ConfigError | None:
    """Why pacman refused to install to the root of ``archive``; None: it has another reason."""
    word = f"reuse-root-tar={archive.name}"
    broken = _BROKEN.search(error.tail)
    if broken:
        changed, dependency, needing = broken.groups()
        return ConfigError(
            f"{word} holds {needing}, which needs {dependency}, but this build changes {changed}",
            hint=f"install-pkgs={needing} installs the one that fits",
        )
    in_the_way = _IN_THE_WAY.search(error.tail)
    if in_the_way:
        package, path = in_the_way.groups()
        return ConfigError(
            f"{word} holds {path.removeprefix(str(IMAGE))}, which no package in it owns, but"
            f" {package} brings it",
            hint="leave it out of the archive, and add it with files= or overlay=",
        )
    return None


def prepare_reused(tree: Tree, reused: ReusedRoot) -> frozenset[str]:
    """Remove what belongs to another machine from ``tree``, before anything is run in it.

    Returned are the caches that it has.

    :raises ImageError: when it does not hold what ``reused`` says
    """
    if not reused.is_in(tree):
        raise ImageError(
            "the archive of reuse-root-tar= changed while the build ran", hint="build again"
        )
    remove_identity(tree)
    empty_logs(tree)
    return find_caches(tree)
