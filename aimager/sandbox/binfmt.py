"""Programs of another architecture, run by QEMU's user-mode emulation through binfmt_misc.

Since Linux 6.7 (commit 21ca59b365c0, "binfmt_misc: enable sandboxed mounts") a user namespace may
have a binfmt_misc of its own, so nothing is asked of the host but a statically linked qemu. As
soon as it is mounted, the host's handlers are no longer seen. On older kernels the host's own
handler is enough, if the kernel holds its interpreter open (flag F). Format:
https://docs.kernel.org/admin-guide/binfmt-misc.html
"""

import shutil
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from aimager.errors import HostError
from aimager.model.architecture import Architecture, host_architecture
from aimager.sandbox.compat_probe import runs

HOST_DIRECTORY = Path("/proc/sys/fs/binfmt_misc")

FLAGS = "POCF"
"""P: QEMU learns argv[0]; O: the kernel opens the program, also one that may not be read; C: its
set-uid bit counts; F: the interpreter is opened now, so that it is found after chroot(2) into a
tree without it."""

_LONGEST_INTERPRETER = 127  # BINPRM_BUF_SIZE of older kernels, less the NUL

_MASK = b"\xff\xff\xff\xff\xff\xff\xff\x00" + b"\xff" * 8 + b"\xfe\xff\xff\xff"
"""All but EI_OSABI, and the bit that tells ET_EXEC (2) from ET_DYN (3)."""

_PT_INTERP = 3


@dataclass(frozen=True)
class Handler:
    """What a file of a binfmt_misc directory says of one handler."""

    enabled: bool
    interpreter: str
    flags: str
    offset: int
    magic: bytes
    mask: bytes

    def matches(self, header: bytes) -> bool:
        """Whether it is for programs that start with ``header``."""
        part = header[self.offset : self.offset + len(self.magic)]
        wanted = bytes(byte & mask for byte, mask in zip(self.magic, self.mask, strict=True))
        masked = bytes(byte & mask for byte, mask in zip(part, self.mask, strict=False))
        return bool(wanted) and masked == wanted

    def takes(self, header: bytes) -> bool:
        """Whether a program that starts with ``header`` is run by it, in any root directory."""
        return self.enabled and "F" in self.flags and self.matches(header)


@dataclass(frozen=True)
class Emulation:
    """How programs of ``architecture`` are to be run in a namespace."""

    architecture: Architecture
    interpreter: Path | None
    """The qemu to register; None if the host has no suitable one."""
    host_handler: bool
    """Whether the host's own handler is enough where we cannot mount a binfmt_misc."""
    later: bool = False
    """Whether a qemu may still be found inside, and needs a binfmt_misc then."""


def runs_here(architecture: Architecture) -> bool:
    """Whether this machine runs programs of ``architecture`` by itself.

    Whether a host runs its family's 32-bit programs is tried.
    """
    host = host_architecture()
    return architecture is host or (architecture in host.also_runs and runs(architecture))


def emulation(architecture: Architecture, *, later: bool = False) -> Emulation | None:
    """How this machine can run programs of ``architecture``; None: by itself.

    With ``later`` it does not matter that the host has no qemu.

    :raises HostError: when it cannot
    """
    if runs_here(architecture):
        return None
    host_handler = any(handler.takes(elf_header(architecture)) for handler in host_handlers())
    try:
        return Emulation(architecture, find_qemu(architecture), host_handler, later)
    except HostError:
        if not host_handler and not later:
            raise
        return Emulation(architecture, None, host_handler, later)


def elf_header(architecture: Architecture) -> bytes:
    """The first 20 bytes of its executables: e_ident, e_type ET_EXEC, e_machine (elf(5))."""
    elf_class = 1 if architecture.bits == 32 else 2
    ident = (b"\x7fELF" + bytes([elf_class, 1, 1])).ljust(16, b"\x00")
    return ident + struct.pack("<HH", 2, architecture.elf_machine)


def registration(architecture: Architecture, interpreter: Path) -> str:
    """What to write to ``register``, so that ``interpreter`` runs programs of ``architecture``.

    Magic and mask as in QEMU's scripts/qemu-binfmt-conf.sh.

    :raises ValueError: when binfmt_misc cannot take that path
    """
    path = str(interpreter)
    if len(path.encode()) > _LONGEST_INTERPRETER or ":" in path or not interpreter.is_absolute():
        raise ValueError(f"binfmt_misc cannot take {path} as an interpreter")
    magic, mask = _escape(elf_header(architecture)), _escape(_MASK)
    return f":{handler_name(architecture)}:M::{magic}:{mask}:{path}:{FLAGS}"


def handler_name(architecture: Architecture) -> str:
    """The name of our handler, and of its file."""
    return f"aimager-{architecture.qemu}"


def parse_handler(text: str) -> Handler | None:
    """The handler that a binfmt_misc file describes; None if it does not match by magic."""
    lines = text.splitlines()
    pairs = dict(line.replace(":", "", 1).split(" ", 1) for line in lines if " " in line)
    if "magic" not in pairs:
        return None
    magic = bytes.fromhex(pairs["magic"])
    return Handler(
        enabled="enabled" in lines,
        interpreter=pairs.get("interpreter", ""),
        flags=pairs.get("flags", ""),
        offset=int(pairs.get("offset", "0")),
        magic=magic,
        mask=bytes.fromhex(pairs["mask"]) if "mask" in pairs else b"\xff" * len(magic),
    )


def host_handlers(directory: Path = HOST_DIRECTORY) -> tuple[Handler, ...]:
    """The host's handlers, as far as they may be read."""
    handlers = []
    try:
        if (directory / "status").read_text().strip() != "enabled":
            return ()
        for path in sorted(directory.iterdir()):
            if path.name not in ("register", "status"):
                handlers.append(parse_handler(path.read_text()))
    except OSError:
        return ()
    return tuple(handler for handler in handlers if handler)


def find_qemu(architecture: Architecture, path: str | None = None) -> Path:
    """A statically linked qemu-user for ``architecture`` in PATH.

    A dynamically linked one would look for its libraries in the emulated root.

    :raises HostError: when there is none
    """
    for candidate in _candidates(architecture, path):
        if is_static(candidate.read_bytes()):
            return candidate.resolve()
    raise HostError(
        f"no statically linked qemu-{architecture.qemu} is installed",
        hint="install qemu-user-static (Debian 13 and later: qemu-user; Fedora: "
        f"qemu-user-static-{architecture.qemu})",
    )


def _candidates(architecture: Architecture, path: str | None) -> Iterable[Path]:
    for name in (f"qemu-{architecture.qemu}-static", f"qemu-{architecture.qemu}"):
        found = shutil.which(name, path=path)
        if found:
            yield Path(found)


def is_static(program: bytes) -> bool:
    """Whether an ELF file of this machine's byte order asks for no program interpreter."""
    return program[:4] == b"\x7fELF" and len(program) >= 64 and not program_interpreter(program)


def program_interpreter(program: bytes) -> str | None:
    """The loader that an ELF file asks for; of ``program``, the headers and its name suffice."""
    if program[:4] != b"\x7fELF" or len(program) < 64:
        return None
    wide = program[4] == 2
    word, place = ("=Q", 8) if wide else ("=I", 4)
    offset = struct.unpack_from(word, program, 32 if wide else 28)[0]
    size, count = struct.unpack_from("=HH", program, 54 if wide else 42)
    for header in range(offset, offset + size * count, size):
        if struct.unpack_from("=I", program, header)[0] == _PT_INTERP:
            start = struct.unpack_from(word, program, header + place)[0]
            return program[start : program.index(b"\0", start)].decode(errors="replace")
    return None


def no_emulation(architecture: Architecture, reason: str) -> HostError:
    """The error to raise when neither a binfmt_misc of our own nor the host's handler works."""
    return HostError(
        f"programs for {architecture} cannot be run here: {reason}",
        hint="use Linux 6.7 or later with binfmt_misc, or have the host register "
        f"qemu-{architecture.qemu} with flag F (Debian and Ubuntu: qemu-user-static; "
        "Arch Linux: qemu-user-static-binfmt)",
    )


def _escape(data: bytes) -> str:
    return "".join(f"\\x{byte:02x}" for byte in data)
