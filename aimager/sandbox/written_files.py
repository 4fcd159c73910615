"""Which files of a tree are open to be written to, while programs of packages run in it.

Who writes to a file of a tmpfs through a mapping that he read from before leaves no time in it: the
kernel has no part in it (``shmem_vm_ops`` of mm/shmem.c has no ``page_mkwrite``). But it tells of
each file that was open for writing and is closed (inotify(7)), as all are when a program ends.
"""

import os
import select
import stat
import struct
import threading
from collections.abc import Iterator
from contextlib import suppress

from aimager.sandbox import syscalls
from aimager.sandbox.tree import Tree

_EVENT = struct.Struct("iIII")
_BUFFER = 1 << 16
_TOLD = syscalls.IN_CLOSE_WRITE | syscalls.IN_ATTRIB
"""The latter as a tmpfs once told no time of attributes that were set, capabilities among them."""


class WrittenFiles:
    """The ``paths`` of files of ``tree`` that were open for writing, from now until `end`.

    They are those in folders that are there by now, with files whose attributes changed.
    ``complete`` becomes false where the kernel watches fewer folders (inotify(7) has its limits),
    or leaves events out that came too fast.
    """

    def __init__(self, tree: Tree) -> None:
        self.paths: set[str] = set()
        self.complete = True
        self._folders: dict[int, str] = {}
        self._stop, self._stopping = os.pipe()
        self._events = -1
        try:
            self._events = syscalls.inotify_init()
            self._watch(tree, "")
            for path, status in tree.walk():
                if stat.S_ISDIR(status.st_mode):
                    self._watch(tree, path)
        except OSError:
            self.complete = False
        self._reader = threading.Thread(target=self._read_on, daemon=True)
        self._reader.start()

    def end(self) -> None:
        """Take what came until now, and no more."""
        os.close(self._stopping)
        self._reader.join()
        self._read()
        for descriptor in (self._events, self._stop):
            if descriptor >= 0:
                os.close(descriptor)

    def _watch(self, tree: Tree, path: str) -> None:
        with tree.folder(path, os.O_NOFOLLOW) as folder:
            place = f"/proc/self/fd/{folder}"
            mask = _TOLD | syscalls.IN_ONLYDIR
            self._folders[syscalls.inotify_add_watch(self._events, place, mask)] = path

    def _read_on(self) -> None:
        waiting = [descriptor for descriptor in (self._stop, self._events) if descriptor >= 0]
        while self._stop not in select.select(waiting, (), ())[0]:
            self._read()

    def _read(self) -> None:
        if self._events < 0:
            return
        with suppress(BlockingIOError):
            while events := os.read(self._events, _BUFFER):
                for watch, mask, name in _parse(events):
                    if mask & syscalls.IN_Q_OVERFLOW:
                        self.complete = False
                    elif mask & _TOLD and name:
                        self.paths.add(f"{self._folders[watch]}/{name}".removeprefix("/"))


def _parse(events: bytes) -> Iterator[tuple[int, int, str]]:
    """The number of the folder, what was done, and to which file in it."""
    at = 0
    while at < len(events):
        watch, mask, _, length = _EVENT.unpack_from(events, at)
        at += _EVENT.size
        yield watch, mask, os.fsdecode(events[at : at + length].rstrip(b"\0"))
        at += length
