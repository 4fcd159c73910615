"""Firmware as Arch packages it: each file compressed by itself."""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import zstandard

from aimager.stand_in.deb import read_entries
from aimager.stand_in.entry import Entry

_FOLDER = "usr/lib/firmware/"
_END = ".zst"


def gather_firmware(debs: Iterable[Path]) -> list[Entry]:
    """The files below usr/lib/firmware, compressed, and the links to them."""
    compressor = zstandard.ZstdCompressor(level=3)
    return [
        _compress(entry, compressor)
        for deb in debs
        for entry in read_entries(deb)
        if entry.path.startswith(_FOLDER)
    ]


def _compress(entry: Entry, compressor: zstandard.ZstdCompressor) -> Entry:
    if entry.kind == "dir":
        return entry
    named = replace(entry, path=entry.path + _END, inode="")
    if entry.kind == "link":
        return replace(named, target=entry.target + _END)
    return replace(named, data=compressor.compress(entry.data))
