"""A root with packages is what plain pacman makes of them on a device, but for what is listed here.

Both have the same base system, the same repositories, one of which is added, and packages with
hooks of their own, one of which is masked, and with files of all kinds.
"""

import fnmatch
import hashlib
import re
import tarfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from aimager import stand_in
from aimager.distros import platform_for_host
from aimager.model.architecture import host_architecture
from aimager.packages.sync_database import read_fields
from aimager.stand_in.entry import Entry, arrange_entries, make_directory, make_file, make_link
from aimager.stand_in.metadata import Built, Metadata
from aimager.stand_in.package_file import write_database, write_package
from aimager.stand_in.ports import PORTS
from aimager.stand_in.signing import SigningKey, open_key
from tests.support.cells import fresh_folder
from tests.support.plain_pacman import Plain, install_plainly
from tests.support.runs import Doit

HOST = platform_for_host(host_architecture())
ADDED = "mine"
DATE = 1_700_000_000
TRACE = "var/lib/hooked/trace"
LOCAL = "var/lib/pacman/local/"

ASKED = (f"{ADDED}/hooked", "tool>=2", "tree")
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
    "etc/pacman.conf": "the added repository has another address on a device",
    "var/lib/pacman/sync/*": "the next -Sy fetches them",
    "var/cache/pacman/pkg/*": "packages are not left in an image",
    "var/cache/ldconfig/aux-cache": "ldconfig makes it anew, and it tells of the machine's disk",
    "var/log/pacman.log": "an image has no history",
}
"""What may differ, and why."""

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


def hook(description: str, command: str) -> str:
    """A hook for every package that is installed."""
    return (
        "[Trigger]\nType = Package\nOperation = Install\nTarget = *\n\n"
        f"[Action]\nDescription = {description}\nWhen = PostTransaction\n"
        f"Exec = /usr/bin/sh -c '{command} >> /{TRACE}'\nNeedsTargets\n"
    )


def packages() -> Iterator[tuple[Metadata, list[Entry], bytes]]:
    """Each package of the added repository: its metadata, files and scriptlet."""

    def describe(name: str, version: str, depends: tuple[str, ...] = ()) -> Metadata:
        architecture = str(HOST.architecture)
        return Metadata(name, version, architecture, f"{name} of ours", "", DATE, depends=depends)

    traced = f"post_install() {{ echo scriptlet >> /{TRACE}; }}\n".encode()
    ping = b"\x01\0\0\x02\0\x20" + b"\0" * 14
    files = [
        make_directory("var/lib/hooked", 0o2775, uid=11, gid=50),
        make_file("etc/pacman.d/hooks/50-hooked.hook", hook("Tracing by etc...", "sort")),
        make_link("etc/pacman.d/hooks/52-masked.hook", "/dev/null"),
        make_file("usr/share/libalpm/hooks/51-usr.hook", hook("Tracing by usr...", "wc -l")),
        make_file("usr/bin/hooked", "#!/bin/sh\n", 0o4750),
        Entry("usr/bin/able", mode=0o755, data=b"able", capability=ping),
        Entry("usr/lib/hooked/one", data=b"twins", inode="twins"),
        Entry("usr/lib/hooked/two", data=b"twins", inode="twins"),
        make_link("usr/lib/hooked/link", "/usr/bin/hooked"),
        make_file("usr/lib/sysusers.d/hooked.conf", "u hooked 777 'Hooked' /\n"),
    ]
    yield describe("hooked", "1:1-1", ("masked",)), files, traced
    masked = make_file("usr/share/libalpm/hooks/52-masked.hook", hook("Masked...", "cat"))
    yield describe("masked", "1-1"), [masked], b""
    yield describe("tool", "2-1"), [make_file("usr/bin/tool", "#!/bin/sh\n", 0o755)], b""


def make_repository(folder: Path, key: SigningKey) -> None:
    """Make the added repository, signed."""
    made: list[Built] = []
    for metadata, files, scriptlet in packages():
        built = write_package(folder, metadata, arrange_entries(files, DATE), install=scriptlet)
        key.sign(folder / built.filename)
        made.append(built)
    write_database(folder / f"{ADDED}.db", made)


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
    """What matters of each file: its kind, mode, owner, link, capabilities and content."""
    found: dict[str, tuple[object, ...]] = {}
    with tarfile.open(archive) as tar:
        for member in tar:
            digest = ""
            if member.isreg() or member.islnk():
                content = tar.extractfile(member)
                assert content
                digest = hashlib.sha256(content.read()).hexdigest()
            kind = tarfile.REGTYPE if member.islnk() else member.type
            able = member.pax_headers.get("SCHILY.xattr.security.capability", "")
            owner = (f"{member.mode:o}", member.uid, member.gid)
            link = member.linkname if member.issym() else ""
            found[member.name.removeprefix("./")] = (kind, *owner, link, able, digest)
    return found


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
    assert trace == "scriptlet\n" + "hooked\nmasked\ntool\ntree\n" + "4\n"
