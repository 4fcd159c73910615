"""The image that a disk starts as a copy of: a board's boot loader in its raw sectors."""

import gzip
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from aimager.errors import AimagerError, CommandError, ImageError
from aimager.toolbox import Toolbox

_GZIP = b"\x1f\x8b"
_DECOMPRESSORS = {b"\xfd7zXZ\x00": "xz", b"\x28\xb5\x2f\xfd": "zstd"}


@contextmanager
def unpacked(tools: Toolbox, image: Path | None, work: Path) -> Iterator[Path | None]:
    """Yield ``image`` as it is when it is not compressed, else a copy of it below ``work``.

    Its first bytes tell how it is compressed.

    :raises ImageError: when it cannot be read, or is damaged
    """
    if image is None:
        yield None
        return
    try:
        with image.open("rb") as stream:
            start = stream.read(8)
    except OSError as error:
        raise ImageError(
            f"disk-from={image} cannot be read: {error.strerror}",
            hint="name a file that you can read with disk-from=",
        ) from error
    program = next((p for magic, p in _DECOMPRESSORS.items() if start.startswith(magic)), None)
    if not program and not start.startswith(_GZIP):
        yield image
        return
    target = work / "disk-from.img"
    with image.open("rb", buffering=0) as source, target.open("wb") as copy:
        _decompress(tools, image, program, source, copy)
    yield target
    target.unlink()


def _decompress(
    tools: Toolbox, image: Path, program: str | None, source: IO[bytes], target: IO[bytes]
) -> None:
    problem: AimagerError | OSError | EOFError
    try:
        if program:
            tools.pipe_through([program, "-dc"], source, target)
        else:
            with gzip.open(source) as content:
                shutil.copyfileobj(content, target)
        return
    except CommandError as error:
        problem = error
    except (OSError, EOFError) as error:
        problem = error
    raise ImageError(
        f"disk-from={image} is damaged", hint="fetch it again, and compare its checksum"
    ) from problem
