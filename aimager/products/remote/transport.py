"""The files of a shared store, by fsspec: read and written completely, or an error says why.

Each question is put in a thread of its own, which nobody waits for longer than an answer may take:
so a store of whatever kind cannot hold a build up.
"""

import functools
import os
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

from aimager.model.remote import Remote

T = TypeVar("T")

_CHUNK = 8 << 20
_CONNECTIONS = 5
_ANSWER = 10.0
_CHUNK_TIME = 30.0
"""Seconds for an answer, and for one chunk to come or go."""


class StoreError(Exception):
    """The store failed; the message says why, without a secret."""


class MissingError(StoreError):
    """The store has no such file, or one that cannot be it."""


class TooLargeError(MissingError):
    """The store has a file that is too large to be it."""


@dataclass(frozen=True)
class _Kind:
    """How fsspec is to treat one kind of store: ``options`` are those of its file system.

    ``block`` is how much is asked for at once; 0 is the whole file as a stream. ``size`` is what a
    file is taken to have: where nothing depends on it, it need not be asked for.
    """

    options: dict[str, Any] = field(default_factory=dict)
    block: int | None = None
    size: int | None = None
    needs_folders: bool = False


_S3 = {"connect_timeout": 5, "read_timeout": 20, "retries": {"max_attempts": 1}}
_BUCKET = _Kind({"use_listings_cache": False}, block=_CHUNK)
_SSH = _Kind({"known_hosts": (), "connect_timeout": 10}, needs_folders=True)
"""known_hosts: those of the user, which sshfs would not look at by itself."""
_WEB = _Kind(block=0, size=1)
"""Without a size, fsspec asks for it first, and takes every failure for a file that is missing."""

_KINDS = {
    "s3": _Kind({**_BUCKET.options, "config_kwargs": _S3}, block=_CHUNK),
    "gs": _BUCKET,
    "gcs": _BUCKET,
    "http": _WEB,
    "https": _WEB,
    "ssh": _SSH,
    "sftp": _SSH,
    "file": _Kind({"auto_mkdir": True}),
}


def read(remote: Remote, path: str, *, limit: int) -> bytes:
    """A small file, of at most ``limit`` bytes.

    :raises MissingError: when there is none of such a size; `TooLargeError` for a larger one
    :raises StoreError: when it cannot be read
    """
    if _kind(remote).block == 0:  # one of the web, whose servers need not heed what is asked for
        # With a size it is not asked for beforehand, which would take every failure for a 404.
        stream = _open(remote, path, "rb", size=limit)
        content = bytearray()
        while len(content) <= limit and (chunk := ask(remote, partial(stream.read, limit + 1))):
            content += chunk
        ask(remote, stream.close)
    else:
        content = bytearray(_read_start(remote, path, limit + 1))
    if len(content) > limit:
        raise TooLargeError(f"its {path} has more than {limit} bytes")
    return bytes(content)


def _read_start(remote: Remote, path: str, length: int) -> bytes:
    """The first ``length`` bytes of a file, or all; one without any has no range (RFC 9110)."""
    system, root = connected(remote)
    name = f"{root}/{path}"
    try:
        content: bytes = ask(remote, partial(system.cat_file, name, start=0, end=length))
    except MissingError:
        raise
    except StoreError as error:
        size = None
        if error.__cause__:  # else it does not answer
            with suppress(StoreError):
                size = ask(remote, partial(system.size, name))
        if size != 0:
            raise
        return b""
    return content


def write(remote: Remote, path: str, content: bytes) -> None:
    """Make or replace a small file.

    :raises StoreError: when it cannot be written
    """
    system, root = connected(remote)
    ask(remote, partial(system.pipe_file, f"{root}/{path}", content))


def receive(remote: Remote, path: str, target: Path, *, limit: int) -> None:
    """Write a file to ``target``; nothing is read after more than ``limit`` bytes.

    :raises StoreError: when it does not come to its end
    """
    stream = _open(remote, path, "rb")
    with target.open("wb") as writer:
        while chunk := ask(remote, partial(stream.read, _CHUNK), _CHUNK_TIME):
            writer.write(chunk)
            if writer.tell() > limit:
                break
    ask(remote, stream.close)


def send(remote: Remote, path: str, source: Path) -> None:
    """Make or replace a file with the content of ``source``.

    :raises StoreError: when it cannot be written
    """
    stream = _open(remote, path, "wb")
    try:
        with source.open("rb") as reader:
            while chunk := reader.read(_CHUNK):
                ask(remote, partial(stream.write, chunk), _CHUNK_TIME)
        ask(remote, stream.close, _CHUNK_TIME)
    except BaseException:
        with suppress(AttributeError):  # that of a folder needs no end
            stream.closed = True  # else it is, and so waited for, when it is thrown away
        raise


def remove(remote: Remote, path: str) -> None:
    """Remove a folder and all in it; a missing one is fine.

    :raises StoreError: when it cannot be removed
    """
    system, root = connected(remote)
    try:
        ask(remote, partial(system.rm, f"{root}/{path}", recursive=True), _CHUNK_TIME)
    except MissingError:
        return


def _open(remote: Remote, path: str, mode: str, **more: int) -> Any:
    kind = _kind(remote)
    system, root = connected(remote)
    name = f"{root}/{path}"
    if kind.needs_folders and mode == "wb":
        ask(remote, partial(system.makedirs, name.rpartition("/")[0], exist_ok=True))
    options = {"block_size": kind.block, "size": kind.size, **more}
    options = {name: value for name, value in options.items() if value is not None}
    return ask(remote, partial(system.open, name, mode, **options))


def _kind(remote: Remote) -> _Kind:
    return _KINDS[urlsplit(remote.url).scheme]


def connected(remote: Remote) -> tuple[Any, str]:
    """fsspec's file system of the store, and the path of the store in it.

    :raises StoreError: when it cannot be reached
    """
    # The longer time is for Python to load what speaks to the store.
    return ask(remote, partial(_connect, remote.url, os.getpid()), _CHUNK_TIME)


@functools.cache
def _connect(url: str, process: int) -> tuple[Any, str]:
    """The file system of ``url`` and the path in it, for one process: none survives a fork."""
    import fsspec  # here, because most builds have no shared store

    system, root = fsspec.url_to_fs(url, **_KINDS[urlsplit(url).scheme].options)
    return system, root.rstrip("/")


def ask(remote: Remote, question: Callable[[], T], patience: float | None = None) -> T:
    """What ``question`` returns, which is put in a thread; ``patience`` is in seconds.

    :raises MissingError: when it asks for a file that does not exist
    :raises StoreError: when it fails, or is not answered in time
    """
    answer: Future[T] = Future()

    def work() -> None:
        try:
            answer.set_result(question())
        except BaseException as error:
            answer.set_exception(error)

    threading.Thread(target=work, daemon=True).start()
    try:
        return answer.result(patience or _ANSWER)
    except FileNotFoundError as error:
        raise MissingError(_reason(remote, error)) from error
    except TimeoutError:
        raise StoreError("it does not answer") from None
    except Exception as error:
        raise StoreError(_reason(remote, error)) from error


def each(action: Callable[..., T], *arguments: Iterable[Any]) -> list[T]:
    """Do ``action`` with each of the ``arguments``, several at the same time.

    When one fails, or is interrupted, none is begun any more.
    """
    with ThreadPoolExecutor(_CONNECTIONS) as pool:
        try:
            return list(pool.map(action, *arguments))
        except BaseException:
            pool.shutdown(wait=True, cancel_futures=True)
            raise


def _reason(remote: Remote, error: Exception) -> str:
    """What failed, in one line without secrets, and without what a terminal would obey."""
    lines = str(error).strip().splitlines()
    told = remote.without_secrets(lines[0] if lines else type(error).__name__)
    return told if told.isprintable() else ascii(told)[1:-1]
