"""A root with packages is what plain pacman makes of them on a device, but for what is listed here.

Both have the same base system, the same repositories, one of which is added and comes first, and
packages with hooks of their own, one of which is masked, and with files of all kinds.
"""

import fnmatch
import hashlib
import re
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from aimager import stand_in
from aimager.packages.database_entry import read_fields
from aimager.packages.repository_sections import repositories
from aimager.stand_in.ports import PORTS
from aimager.stand_in.signing import open_key
from tests.support.cells import fresh_folder
from tests.support.odd_packages import (
    ADDED,
    ATTRIBUTED,
    DATE,
    HOST,
    SHADOWED,
    TRACE,
    make_repository,
    packages,
)
from tests.support.plain_pacman import Plain, install_plainly
from tests.support.runs import Doit

LOCAL = "var/lib/pacman/local/"

ASKED = (f"{ADDED}/hooked", "tool>=2", "tree", SHADOWED)
"""What is installed besides the base system; a dependency brings masked."""

ALLOWED = {
    "etc/hostname": "an image has a name",
    "etc/locale.conf": "an image has a language",
    "etc/locale.gen": "an image has a language",
    "usr/lib/locale/locale-archive": "an image has a language",
    "etc/localtime": "an image has a time zone",
    "etc/vconsole.conf": "an image has a keyboard",
    "etc/resolv.conf": "an image asks systemd-resolved",
    "etc/systemd/*": "an image brings up its network, its clock and its keyring by itself",
    "etc/shadow*": "root has no password in an image, and accounts are as old as the packages",
    "etc/.pwd.lock": "it is made where an account is next changed",
    "etc/machine-id": "a first boot makes one",
    "var/lib/dbus/machine-id": "a first boot makes one",
    "etc/pacman.d/gnupg*": "a first boot makes one",
    f"usr/share/pacman/keyrings/{ADDED}*": "a first boot takes the added repository's keys from it",
    "etc/pacman.d/mirrorlist": "a device's owner has chosen another mirror",
    "etc/pacman.conf": "only what it says is compared",
    "var/lib/pacman/sync/*": "the next -Sy fetches them",
    "var/cache/pacman/pkg/*": "packages are not left in an image",
    "var/cache/ldconfig/aux-cache": "ldconfig makes it anew, and it tells of the machine's disk",
    "var/log/pacman.log": "an image has no history",
}
"""What may differ, and why."""

REWRITTEN = {"etc/passwd", "etc/group", "etc/gshadow"}
"""What hooks write with the same content; an image's files are no newer than its packages."""

_ATTRIBUTES = ("SCHILY.xattr.", "SCHILY.acl.")

ALLOWED_FIELDS = {
    "INSTALLDATE": "an image is as old as its packages",
    "VALIDATION": "a build compares the database's sums itself, and pacman then has signed files;"
    " plain pacman has not verified its base system",
}
"""The same of what the local database says of a package."""

OURS = (
    "Preparing for an initramfs for any machine...",
    "Having dracut make each kernel's initramfs, where it is installed...",
)
"""Hooks of the build's own, which leave nothing where there is no kernel."""


@dataclass(frozen=True)
class Roots:
    """Archives of both roots, and the log of what installed ours."""

    ours: Path
    plain: Path
    log: str


@pytest.fixture(scope="module")
def roots(doit: Doit, mirror: Path, test_cache: Path) -> Roots:
    """The root of a build, and that of plain pacman."""
    folder = fresh_folder(test_cache / "as-pacman-does")
    return make_roots(doit, mirror, folder, test_cache / "as-pacman-does.key")


def make_roots(doit: Doit, mirror: Path, folder: Path, kept: Path) -> Roots:
    """Make both below ``folder``; the added repository's key is kept for the next time."""
    added, port = folder / ADDED, PORTS[HOST.architecture]
    added.mkdir()
    with open_key(kept) as key:
        make_repository(added, key)
        (folder / "mine.gpg").write_bytes(key.export())
    with stand_in.serve(added) as url:
        doit.build(
            f"distro={HOST.distro.id}",
            f"add-repos={ADDED}={url}",
            f"repos-first={ADDED}",
            f"key-file-{ADDED}={folder / 'mine.gpg'}",
            f"trust-key-{ADDED}={key.fingerprint}",
            f"install-pkgs={','.join(ASKED)}",
        )
    products = doit.cache / "product/make-rootfs-archive" / f"{HOST.id}.borrowed"
    install_plainly(
        Plain(
            borrowed=next(products.glob("[!.]*/borrowed.tar")),
            mirror=mirror,
            place=port.place,
            architecture=str(HOST.architecture),
            mirrorlist=HOST.distro.mirrorlist,
            keyring=HOST.distro.keyrings[0].name,
            base=HOST.distro.rootfs_packages,
            added=added,
            key=folder / "mine.gpg",
            fingerprint=key.fingerprint,
            packages=ASKED,
            work=folder / "work",
            target=folder / "plain.tar",
            log=folder / "plain.log",
        )
    )
    log = (doit.cache / "log" / f"install-packages:{HOST.id}-none.log").read_text()
    return Roots(doit.out / f"{HOST.id}-none/root.tar", folder / "plain.tar", log)


def read_tree(archive: Path) -> dict[str, tuple[object, ...]]:
    """What matters of each file: its kind, mode, owner, link, attributes and content."""
    found: dict[str, tuple[object, ...]] = {}
    with tarfile.open(archive) as tar:
        for member in tar:
            digest = ""
            if member.isreg() or member.islnk():
                content = tar.extractfile(member)
                assert content
                digest = hashlib.sha256(content.read()).hexdigest()
            kind = tarfile.REGTYPE if member.islnk() else member.type
            owner = (f"{member.mode:o}", member.uid, member.gid)
            link = member.linkname if member.issym() else ""
            found[member.name.removeprefix("./")] = (kind, *owner, link, attributes(member), digest)
    return found


def attributes(member: tarfile.TarInfo) -> tuple[tuple[str, str], ...]:
    """The extended attributes and access lists of a file, by name."""
    named = sorted(member.pax_headers.items())
    return tuple(item for item in named if item[0].startswith(_ATTRIBUTES))


def read_times(archive: Path) -> dict[str, int]:
    """When each file that a package owns was changed, in seconds; folders change with others."""
    owned = {
        name
        for text in read_texts(archive, f"{LOCAL}[^/]+/files").values()
        for name in text.splitlines()
    }
    with tarfile.open(archive) as tar:
        times = {member.name.removeprefix("./"): int(member.mtime) for member in tar}
    return {name: times[name] for name in owned & times.keys()}


def read_texts(archive: Path, pattern: str) -> dict[str, str]:
    """The files of an archive whose names match."""
    with tarfile.open(archive) as tar:
        return {
            member.name.removeprefix("./"): content.read().decode(errors="replace")
            for member in tar
            if not member.issym()
            and re.fullmatch(pattern, member.name.removeprefix("./"))
            and (content := tar.extractfile(member))
        }


def read_descriptions(archive: Path) -> dict[str, dict[str, list[str]]]:
    """What the local database says of each package."""
    texts = read_texts(archive, f"{LOCAL}[^/]+/desc")
    return {name: read_fields(text.rstrip("\n")) for name, text in texts.items()}


def test_packages_are_the_same(roots: Roots) -> None:
    ours, plain = (read_descriptions(archive) for archive in (roots.ours, roots.plain))
    assert ours.keys() == plain.keys()
    for name, fields in plain.items():
        differing = {key for key in fields | ours[name] if fields.get(key) != ours[name].get(key)}
        assert differing <= ALLOWED_FIELDS.keys(), name
    for name in (f"{LOCAL}{metadata.name}-{metadata.version}/desc" for metadata, *_ in packages()):
        assert "pgp" in ours[name]["VALIDATION"]
        assert "pgp" in plain[name]["VALIDATION"]


def test_files_are_the_same(roots: Roots) -> None:
    ours, plain = read_tree(roots.ours), read_tree(roots.plain)
    differing = {
        name
        for name in ours.keys() | plain.keys()
        if ours.get(name) != plain.get(name) and not name.startswith(LOCAL)
    }
    excused = {p: set(fnmatch.filter(differing, p)) for p in ALLOWED}
    told = {
        name: (ours.get(name), plain.get(name)) for name in differing.difference(*excused.values())
    }
    assert told == {}
    assert [pattern for pattern, names in excused.items() if not names] == [], "no longer needed"


def test_times_of_packages_files_are_the_same(roots: Roots) -> None:
    """What hooks and settings changed has other content, and is excused by that."""
    ours, plain = read_tree(roots.ours), read_tree(roots.plain)
    times, others = read_times(roots.ours), read_times(roots.plain)
    changed = {name for name in plain if ours.get(name) != plain[name]}
    assert {name for name in others if times.get(name) != others[name]} - changed == REWRITTEN
    assert times[ATTRIBUTED] == DATE - 86_400
    assert len(times) > 1000


def test_attributes_are_those_that_pacman_keeps(roots: Roots) -> None:
    for archive in (roots.ours, roots.plain):
        with tarfile.open(archive) as tar:
            found = {member.name.removeprefix("./"): attributes(member) for member in tar}
        assert found[ATTRIBUTED] == (("SCHILY.xattr.user.hooked", "told"),)
        assert [name for name, _ in found["usr/bin/able"]] == ["SCHILY.xattr.security.capability"]


def test_pacman_conf_says_the_same(roots: Roots) -> None:
    """But for the address of the added repository, which comes first."""
    texts = [read_texts(root, "etc/pacman\\.conf") for root in (roots.ours, roots.plain)]
    ours, plain = (text for found in texts for text in found.values())
    assert repositories(ours) == repositories(plain)
    assert repositories(ours)[0] == ADDED
    assert settings(ours) == settings(plain)
    assert settings(ours)[ADDED] == ["Server = "]
    assert "Architecture = auto" in settings(ours)["options"]


def settings(conf: str) -> dict[str, list[str]]:
    """What is set in each section, in order, without that address."""
    found: dict[str, list[str]] = {}
    for line in map(str.strip, conf.splitlines()):
        if line.startswith("[") and line.endswith("]"):
            section = found.setdefault(line[1:-1], [])
        elif line and not line.startswith("#"):
            added = line.startswith("Server") and section is found.get(ADDED)
            section.append("Server = " if added else line)
    return found


def test_the_first_repositorys_package_is_taken(roots: Roots) -> None:
    for archive in (roots.ours, roots.plain):
        assert f"{LOCAL}{SHADOWED}-0.1-1/desc" in read_descriptions(archive)


def hooks_of(roots: Roots) -> list[str]:
    """How pacman calls the hooks of the last transaction of the plain root, in order."""
    (log,) = read_texts(roots.plain, "var/log/pacman.log").values()
    last = log.rpartition("[ALPM] transaction started")[2]
    texts: Mapping[str, str] = read_texts(
        roots.plain, r"(usr/share/libalpm|etc/pacman\.d)/hooks/.*\.hook"
    )
    descriptions = {
        Path(path).name: re.findall(r"^Description = (.*)$", text, re.MULTILINE)[0]
        for path, text in texts.items()
    }
    return [descriptions[name] for name in re.findall(r"running '(.+?)'\.\.\.", last)]


def test_hooks_are_the_same(roots: Roots) -> None:
    last = roots.log.rpartition(":: Running post-transaction hooks")[2]
    ran = re.findall(r"^\( *\d+/\d+\) (.*)$", last, re.MULTILINE)
    plain = hooks_of(roots)
    assert [title for title in ran if title not in OURS] == plain
    assert {"Tracing by etc...", "Tracing by usr..."} <= set(plain)
    assert "Masked..." not in plain
    (trace,) = read_texts(roots.ours, TRACE).values()
    assert trace == "scriptlet\n" + "hooked\nhtop\nmasked\ntool\ntree\n" + "5\n"
