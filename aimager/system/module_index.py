"""The index of a kernel's modules, ``modules.dep`` and others, which depmod(8) makes.

It follows from the modules, depmod's configuration (depmod.d(5)) and the program. So it is made in
a root that has nothing else, and remembered for all images in which these are the same.
"""

import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePath
from typing import IO

from aimager.errors import ImageError
from aimager.sandbox.clean_run import CleanRun, Given
from aimager.sandbox.privileges import Limits
from aimager.sandbox.program_files import UnknownFilesError, program_files
from aimager.sandbox.results import Files, Results
from aimager.sandbox.tree import Tree
from aimager.system.remembered import give_programs, remember

MODULES = "usr/lib/modules"

_PROGRAM = "usr/bin/kmod"
_DEPMOD = "usr/bin/depmod"
_LOADED_LATER = ("libcrypto.so.3", "liblzma.so.5", "libz.so.1", "libzstd.so.1")
"""What kmod loads when it meets a module that is compressed or signed; it may be linked to it."""

_CONFIGURATIONS = ("etc/depmod.d", "usr/local/lib/depmod.d", "usr/lib/depmod.d")
"""And /run/depmod.d, which is not the tree's."""
_EXTERNAL = re.compile(rb"^\s*external\b", re.MULTILINE)
"""It names folders elsewhere."""

NOT_READ = ("vmlinuz", "build", "source", "pkgbase", "dtb")
"""What depmod does without, in a kernel's folder."""

_MADE = re.compile(
    r"modules\.(?:(?:builtin\.)?alias|dep|symbols|builtin)\.bin|modules\.(?:alias|dep|devname"
    r"|softdep|symbols|weakdep)"
)
"""What depmod makes; ``modules.builtin``, ``modules.builtin.modinfo`` and ``modules.order`` come
with the kernel."""

_LARGEST = 64 << 20
_MOST = 192 << 20
"""Bytes of the modules of one kernel, which are copied; Arch Linux's have 130 MB."""


@dataclass(frozen=True)
class ModuleIndexes:
    """Makes those of kernels in ``tree``, by the depmod of ``programs``.

    Where ``tree`` is there ``for_this`` alone, and nothing of it has been run or is to be kept,
    modules are linked from there, as far as they have the mode that all are given.
    """

    tree: Tree
    programs: Tree
    for_this: bool = False

    def find(
        self, version: str, results: Results, work: Path, limits: Limits, log: IO[bytes]
    ) -> Files | None:
        """The files of one kernel's index, made in ``work`` if they are not among ``results``.

        None: that is for the hook to do, and ``log`` has why.
        """
        what = f"the index of the modules of {version}"
        return remember(what, self.run_for(version), results, work, limits, log)

    def run_for(self, version: str) -> CleanRun:
        """How the index of one kernel is made.

        What it asks for raises UnknownFilesError where it cannot be known what depmod reads.
        """
        folder = f"{MODULES}/{version}"
        return CleanRun(["depmod", version], lambda: self._given(folder), folder)

    def _given(self, folder: str) -> Iterator[Given]:
        try:
            yield from self._programs()
            for place in _CONFIGURATIONS:
                yield from self._configuration(place)
            yield from self._modules(folder)
        except ImageError as error:
            raise UnknownFilesError(error.message) from error

    def _programs(self) -> Iterator[Given]:
        yield Given(_DEPMOD, b"kmod", is_link=True)
        yield from give_programs(self.programs, self._program_files)

    @cached_property
    def _program_files(self) -> tuple[str, ...]:
        return program_files(self.programs, _PROGRAM, asked_for=_LOADED_LATER)

    def _configuration(self, place: str) -> Iterator[Given]:
        for name in self.tree.names(place):
            path = f"{place}/{name}"
            if not self.tree.is_file(path):
                raise UnknownFilesError(f"/{path} is not a regular file")
            content = self.tree.read_bytes(path)
            if _EXTERNAL.search(content):
                raise UnknownFilesError(f"/{path} names folders elsewhere")
            yield Given(path, content)

    def _modules(self, folder: str) -> Iterator[Given]:
        left = _MOST
        found: dict[str, list[tuple[str, bool]]] = {}
        for path, status in self.tree.walk(folder):
            if PurePath(path).parts[0] in NOT_READ or _MADE.fullmatch(path):
                continue
            if stat.S_ISDIR(status.st_mode):
                continue
            if not stat.S_ISREG(status.st_mode):
                raise UnknownFilesError(f"/{folder}/{path} is not a regular file")
            left -= status.st_size
            if left < 0:
                raise UnknownFilesError(f"/{folder} has more than {_MOST >> 20} MiB")
            parent, _, name = f"{folder}/{path}".rpartition("/")
            is_twin = self.for_this and stat.S_IMODE(status.st_mode) == Given.mode
            found.setdefault(parent, []).append((name, is_twin))
        for parent, names in sorted(found.items()):
            with self.tree.folder(parent, os.O_NOFOLLOW) as descriptor:
                for name, is_twin in sorted(names):
                    content, twin = _read(descriptor, name), descriptor if is_twin else None
                    yield Given(f"{parent}/{name}", content, twin=twin)


def _read(folder: int, name: str) -> bytes:
    """The content of one of thousands of files, which `Tree` would look up one by one."""
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
    with os.fdopen(os.open(name, flags, dir_fd=folder), "rb", buffering=0) as stream:
        size = os.fstat(stream.fileno()).st_size  # room for the largest would take its time
        if size > _LARGEST:
            raise UnknownFilesError(f"{name} has more than {_LARGEST >> 20} MiB")
        content = stream.read(size + 1) or b""
        if len(content) > size:
            raise UnknownFilesError(f"{name} grows")
        return content
