"""Writing an image to a target, and reading it back."""

import hashlib
from collections.abc import Sequence
from dataclasses import replace

from aimager.commands.flash.block_map import Piece
from aimager.commands.flash.source import Source, wrong_piece
from aimager.commands.flash.target import Target
from aimager.errors import HostError
from aimager.progress import step
from aimager.units import size as in_words


def write_image(source: Source, target: Target) -> None:
    """Write the image, read it back, and compare the two.

    :raises ImageError: when the image is damaged, or not the one of its block map
    :raises HostError: when the target fails, or does not keep what is written to it
    """
    target.begin(source.size)
    written = [_write_piece(source, target, piece) for piece in source.pieces]
    source.check_end()
    target.finish()
    read_back(target, written)


def _write_piece(source: Source, target: Target, piece: Piece) -> Piece:
    """Write a piece, and return it with the checksum that it has."""
    digest = hashlib.sha256()
    for at, data in source.read(piece):
        digest.update(data)
        target.write(data, at)
        step("writing", done=target.written, total=source.total, unit="B")
    found = digest.hexdigest()
    if piece.sha256 not in ("", found):
        raise wrong_piece(source.path, piece)
    return replace(piece, sha256=found)


def read_back(target: Target, pieces: Sequence[Piece]) -> None:
    """Read what was written, and compare its checksums.

    :raises HostError: for the first piece that differs
    """
    done, total = 0, sum(piece.size for piece in pieces)
    for piece in pieces:
        digest = hashlib.sha256()
        for data in target.read(piece.start, piece.size):
            digest.update(data)
            done += len(data)
            step("reading back", done=done, total=total, unit="B")
        if digest.hexdigest() != piece.sha256:
            raise HostError(
                f"{target.path} does not keep what is written to it: between"
                f" {in_words(piece.start)} and {in_words(piece.end)} it gives back something else",
                hint="it is worn out, or smaller than it says, or its reader is broken: take"
                " another one",
            )
