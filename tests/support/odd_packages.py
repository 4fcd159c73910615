"""The repository that is added where a build is compared with plain pacman: odd packages."""

import io
import tarfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import zstandard

from aimager.distros import platform_for_host
from aimager.files import sha256
from aimager.model.architecture import host_architecture
from aimager.stand_in.entry import Entry, arrange_entries, make_directory, make_file, make_link
from aimager.stand_in.metadata import Built, Metadata
from aimager.stand_in.package_file import write_database, write_package
from aimager.stand_in.signing import SigningKey

HOST = platform_for_host(host_architecture())
ADDED = "mine"
DATE = 1_700_000_000
TRACE = "var/lib/hooked/trace"

SHADOWED = "htop"
"""A package of the distribution's that the added repository has, too, in an older version."""

ATTRIBUTED = "usr/lib/hooked/attributed"
ATTRIBUTES = {
    "SCHILY.xattr.user.hooked": "told",
    "SCHILY.acl.access": "user::rw-,user:11:r--,group::r--,mask::r--,other::r--",
}
"""What the package's archive has of that file: the first is kept by pacman, the second is not."""


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
        Entry(ATTRIBUTED, data=b"attributed", mtime=DATE - 86_400),
        make_file("usr/lib/sysusers.d/hooked.conf", "u hooked 777 'Hooked' /\n"),
    ]
    yield describe("hooked", "1:1-1", ("masked",)), files, traced
    masked = make_file("usr/share/libalpm/hooks/52-masked.hook", hook("Masked...", "cat"))
    yield describe("masked", "1-1"), [masked], b""
    yield describe("tool", "2-1"), [make_file("usr/bin/tool", "#!/bin/sh\n", 0o755)], b""
    yield describe(SHADOWED, "0.1-1"), [make_file("usr/bin/htop", "#!/bin/sh\n", 0o755)], b""


def make_repository(folder: Path, key: SigningKey) -> None:
    """Make the added repository, signed."""
    made: list[Built] = []
    for metadata, files, scriptlet in packages():
        built = write_package(folder, metadata, arrange_entries(files, DATE), install=scriptlet)
        built = attributed(folder, built)
        key.sign(folder / built.filename)
        made.append(built)
    write_database(folder / f"{ADDED}.db", made)


def attributed(folder: Path, built: Built) -> Built:
    """The same package with `ATTRIBUTES`, where it has the file that has them."""
    path, made = folder / built.filename, io.BytesIO()
    with (
        zstandard.open(path, "rb") as stream,
        tarfile.open(fileobj=stream, mode="r|") as before,
        tarfile.open(fileobj=made, mode="w", format=tarfile.PAX_FORMAT) as after,
    ):
        for member in before:
            if member.name == ATTRIBUTED:
                member.pax_headers = {**member.pax_headers, **ATTRIBUTES}
            after.addfile(member, before.extractfile(member) if member.isreg() else None)
    path.write_bytes(zstandard.compress(made.getvalue(), 3))
    return replace(built, compressed_size=path.stat().st_size, sha256=sha256(path))
