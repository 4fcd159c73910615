"""Native programs that stand in for the image's own, which QEMU would have to emulate.

The kernel starts our dispatcher (``dispatcher/dispatch.c``) for every foreign program of the
image. It has the one of the same name from the kit run, if there is one, else QEMU. Nothing is put
into the image or mounted over its files, so pacman may replace them meanwhile; the kit is seen at
`PLACE`, in the file system in memory that is the build's /dev.

The kit is made of hard links into the borrowed root::

    dispatch      the dispatcher            programs/     by the image's paths
    qemu, cpu     QEMU and its CPU model    lib/          all shared libraries, in one folder
    ld.so         the native loader         .../gconv     plugins, as below usr/lib

Programs are started by the native loader, which is told where its libraries are: an environment
variable would reach emulated children. The three libraries that load plugins from a folder are
copies in which ``/usr/lib/`` of that folder's name is ``/dev/kit/``, which has as many bytes.
"""

import os
import re
import shutil
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import IO

from aimager.codec import fingerprint
from aimager.errors import HostError
from aimager.model.architecture import Architecture, host_architecture
from aimager.model.lock import Lock, find_package
from aimager.resources import locate_data
from aimager.sandbox import binfmt_mount as emulation
from aimager.sandbox.binfmt import find_qemu, no_emulation, program_interpreter, runs_here
from aimager.sandbox.borrowed_root import lender_lock
from aimager.sandbox.chroot import IMAGE, Chroot
from aimager.sandbox.mounts import Bind
from aimager.sandbox.native_programs_table import LENT, Lent
from aimager.sandbox.tree import Tree
from aimager.toolbox import Toolbox

PLACE = "dev/kit"
_RECORD = "dev/kit.record"  # both as in dispatch.c
_RECORD_LIMIT = 16 << 20

_PLUGINS = ("gconv", "security", "pkcs11")
_LOADERS_OF_PLUGINS = ("libc.so.", "libpam.so.", "libp11-kit.so.")
_PLUGIN_FOLDER = re.compile(rb"/usr/lib/(?=(?:[\w-]+/)?(?:%s)\b)" % "|".join(_PLUGINS).encode())

_WITH_PATHS = shutil.ignore_patterns("gconv-modules.cache")
"""It names the folder, too, and gconv-modules says the same."""

_HEADERS = 4096
"""Bytes of an ELF file in which its headers and the name of its loader lie."""


@contextmanager
def lending(
    tools: Toolbox,
    image: Chroot,
    architecture: Architecture,
    target: Lock,
    *,
    borrow: bool,
    log: IO[bytes],
) -> Iterator[Chroot]:
    """Yield ``image`` so that its programs are run with the help of the borrowed root's.

    Its QEMU comes before the host's, and with ``borrow`` its programs before emulated ones, as far
    as `native_programs_table.LENT` and the versions in ``target`` allow. Where nothing is emulated,
    or the kernel has no binfmt_misc for us, nothing changes.

    :raises HostError: when there is no QEMU
    """
    if tools.borrowed is None or runs_here(architecture) or not emulation.has_own_binfmt():
        yield image
        return
    lender = tools.lender or tools.borrowed
    qemu = _find_qemu(lender, architecture)
    if not borrow or not _dispatcher().exists():
        _register(architecture, qemu)
        yield image
        return
    programs = borrowable(LENT, lender_lock(tools.borrowed), target, log)
    kit = lender / "kit" / fingerprint([architecture, programs])
    if not kit.exists():  # the tree may be that of an earlier call
        _equip(kit, lender, programs, architecture, qemu)
    run = image.runtime.path
    record = run.with_name(f"{run.name}.record")
    record.touch()
    record.chmod(0o666)  # for every user of the image
    os.environ |= bash_machine(architecture)
    _register(architecture, kit / "dispatch")
    devices = (Bind(kit, IMAGE / PLACE, read_only=True), Bind(record, IMAGE / _RECORD))
    try:
        yield replace(image, devices=(*image.devices, *devices))
    finally:
        with record.open("rb") as stream:  # anything of the image may have written to it
            said = stream.read(_RECORD_LIMIT).decode(errors="replace")
        log.write(summary(said.splitlines()).encode())
        record.unlink()


def program_root(image: Chroot, architecture: Architecture, program: str) -> Tree | None:
    """The root whose ``program`` is run when ``image``'s is called for; None: it is emulated."""
    if runs_here(architecture):
        return image.tree
    kits = (device.source for device in image.devices if device.target == IMAGE / PLACE)
    lenders = (kit.parents[1] for kit in kits if (kit / "programs" / program).is_file())
    return next((Tree(lender) for lender in lenders), None)


def borrowable(
    table: Iterable[Lent], native: Lock | None, target: Lock, log: IO[bytes]
) -> list[str]:
    """The programs that may be borrowed, as paths with wildcards; ``log`` gets those that may not.

    That is so where the package has the same upstream version on both sides, and was signed.
    """
    programs: list[str] = []
    emulated = []
    for lent in table:
        names = (lent.package, *lent.libraries)
        versions = {name: (_version(native, name), _version(target, name)) for name in names}
        differing = [name for name, (ours, theirs) in versions.items() if ours != theirs]
        if not versions[lent.package][1]:
            continue
        if differing:
            name = differing[0]
            ours, theirs = versions[name]
            emulated.append(f"{lent.package} ({name} {theirs}, borrowed {ours or 'none'})")
            continue
        programs += [name if "/" in name else f"usr/bin/{name}" for name in lent.programs]
    if emulated:
        log.write(f"emulated, because their versions differ: {', '.join(emulated)}\n".encode())
    return programs


def _version(lock: Lock | None, name: str) -> str:
    """A package's upstream version, without the release; empty if the package is not signed."""
    package = find_package(lock.packages, name) if lock else None
    return package.version.rpartition("-")[0] if package and package.is_signed else ""


def _equip(
    kit: Path,
    lender: Path,
    programs: Sequence[str],
    architecture: Architecture,
    qemu: Path,
) -> None:
    """Make the folder ``kit``, which appears complete or not at all."""
    making = kit.with_name("making")
    if making.exists():  # by a call that was killed
        shutil.rmtree(making)
    making.parent.mkdir(exist_ok=True)
    make_kit(lender, making, programs)
    _link_or_copy(qemu, making / "qemu")
    if architecture.qemu_cpu:
        (making / "cpu").symlink_to(architecture.qemu_cpu)
    shutil.copyfile(_dispatcher(), making / "dispatch")
    (making / "dispatch").chmod(0o755)
    making.rename(kit)


def _dispatcher() -> Path:
    return locate_data("aimager.sandbox", f"dispatcher/dispatch-{host_architecture()}")


def make_kit(borrowed: Path, kit: Path, programs: Sequence[str]) -> None:
    """Make the folder ``kit`` with those of ``programs`` that are in ``borrowed``."""
    kit.mkdir()
    loader = None
    for pattern in programs:
        for program in sorted(borrowed.glob(_escape_bracket(pattern))):
            name = _interpreter_of(program)
            if not name:  # a link, a script, or a program without libraries
                continue
            loader = loader or name
            copy = kit / "programs" / program.relative_to(borrowed)
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.hardlink_to(program)
    if loader:
        (kit / "ld.so").hardlink_to((borrowed / loader.lstrip("/")).resolve())
    _link_libraries(borrowed, kit)


def _escape_bracket(pattern: str) -> str:
    return pattern.replace("[", "[[]")


def _interpreter_of(program: Path) -> str | None:
    if program.is_symlink() or not program.is_file():
        return None
    with program.open("rb") as stream:
        return program_interpreter(stream.read(_HEADERS))


def _link_libraries(borrowed: Path, kit: Path) -> None:
    source, lib = borrowed / "usr/lib", kit / "lib"
    lib.mkdir()
    for place, folders, names in os.walk(source):
        folders.sort()
        folder = Path(place)
        for name in sorted(names):
            if re.match(r"lib.+\.so\b", name):
                _link_library(borrowed, folder / name, lib / name)
        if folder.name in _PLUGINS:
            copy = kit / folder.relative_to(source)
            shutil.copytree(folder, copy, copy_function=os.link, ignore=_WITH_PATHS)
            folders.clear()


def _link_library(borrowed: Path, library: Path, link: Path) -> None:
    file = library.resolve()
    if link.exists() or not file.is_relative_to(borrowed) or not file.is_file():
        return
    if link.name.startswith(_LOADERS_OF_PLUGINS):
        link.write_bytes(_PLUGIN_FOLDER.sub(f"/{PLACE}/".encode(), file.read_bytes()))
        link.chmod(0o755)
    else:
        link.hardlink_to(file)


def _find_qemu(borrowed: Path, architecture: Architecture) -> Path:
    """The borrowed QEMU, or the host's.

    :raises HostError: when there is none
    """
    try:
        return find_qemu(architecture, str(borrowed / "usr/bin"))
    except HostError:
        return emulation.registered(architecture) or find_qemu(architecture)


def _link_or_copy(source: Path, target: Path) -> None:
    try:
        target.hardlink_to(source)
    except OSError:  # EXDEV, EPERM: the host's own
        shutil.copyfile(source, target)
        target.chmod(0o755)


def _register(architecture: Architecture, interpreter: Path) -> None:
    try:
        emulation.emulate(architecture, interpreter)
    except OSError as error:
        reason = f"{interpreter.name} cannot be registered ({error.strerror})"
        raise no_emulation(architecture, reason) from error


def bash_machine(architecture: Architecture) -> dict[str, str]:
    """What bash has to say of its machine, although it was compiled for another."""
    abi = "gnueabihf" if architecture is Architecture.armv7h else "gnu"
    machine = architecture.machine
    system = f"linux-{abi}"
    return {"HOSTTYPE": machine, "OSTYPE": system, "MACHTYPE": f"{machine}-unknown-{system}"}


def summary(record: Iterable[str]) -> str:
    """What was started how often, as lines for a log, from the dispatcher's record."""
    counts = Counter(record)
    lines = [f"{number:7} {line}" for line, number in sorted(counts.items())]
    return "".join(f"{line}\n" for line in ["programs started by the image:", *lines])
