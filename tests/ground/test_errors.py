"""What errors say."""

import errno
import os
from pathlib import Path

import pytest

from aimager import errors
from aimager.errors import (
    AimagerError,
    CommandError,
    ConfigError,
    DownloadError,
    HostError,
    ImageError,
    TrustError,
)


def test_the_hint_follows_the_message() -> None:
    assert str(AimagerError("it is wrong")) == "it is wrong"
    error = AimagerError("it is wrong", hint="mend it")
    assert str(error) == "it is wrong\n  hint: mend it"
    assert (error.message, error.hint) == ("it is wrong", "mend it")


def test_passwords_in_addresses_are_not_told() -> None:
    error = DownloadError("https://me:secret@a.example/x: no; http://[::1]:80/y@z and a:b@c stay")
    assert error.message == "https://***@a.example/x: no; http://[::1]:80/y@z and a:b@c stay"
    assert str(error).startswith(error.message)


@pytest.mark.parametrize(
    ("status", "tail", "text"),
    [
        (1, "", "mke2fs failed with status 1"),
        (-9, "  \n", "mke2fs was killed by signal 9"),
        (2, "one\ntwo\n", "mke2fs failed with status 2:\n    one\n    two"),
    ],
)
def test_a_failed_program_has_the_last_words(status: int, tail: str, text: str) -> None:
    error = CommandError(["mke2fs", "-q", "x"], status, tail)
    assert str(error) == text
    assert (error.argv, error.status, error.tail) == (("mke2fs", "-q", "x"), status, tail)
    hinted = CommandError(["a b"], 1, "", hint="try")
    assert str(hinted) == "'a b' failed with status 1\n  hint: try"


def test_every_kind_can_be_caught_as_one() -> None:
    kinds = [v for v in vars(errors).values() if isinstance(v, type) and issubclass(v, Exception)]
    assert len(kinds) == 9
    assert all(issubclass(kind, AimagerError) for kind in kinds)


def test_what_is_full_is_named() -> None:
    with pytest.raises(OSError, match="No space") as caught, errors.about(Path("/cache/file")):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    told = errors.explain_system_error(caught.value)
    assert told
    assert told.message == "/cache/file: No space left on device"
    with pytest.raises(OSError, match="Broken pipe") as caught, errors.about("/cache/file"):
        raise OSError(errno.EPIPE, os.strerror(errno.EPIPE))
    assert caught.value.filename is None, "an error that is not about the file does not name it"
    with pytest.raises(OSError, match="No space") as caught, errors.about("/cache/file"):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "/other")
    assert caught.value.filename == "/other"


def test_too_many_open_files_are_no_fault_of_a_file() -> None:
    told = errors.explain_system_error(OSError(errno.EMFILE, os.strerror(errno.EMFILE)))
    assert told
    assert str(told) == (
        "this machine: Too many open files\n  hint: allow more open files: ulimit -n 1024"
    )


def test_a_program_that_met_a_full_disk_is_told_what_to_do() -> None:
    error = errors.CommandError(["mke2fs"], 1, "mke2fs: No space left on device while writing")
    assert "tmpfs-root=no" in error.hint
    assert errors.CommandError(["mke2fs"], 1, "No space left on device", hint="do").hint == "do"


def test_no_kind_has_a_hint_of_its_own() -> None:
    for kind in (ConfigError, DownloadError, HostError, ImageError, TrustError):
        assert str(kind("it is wrong")) == "it is wrong"
        assert str(kind("it is wrong", hint="mend it")) == "it is wrong\n  hint: mend it"
