"""What errors say."""

import pytest

from aimager import errors
from aimager.errors import AimagerError, CommandError


def test_the_hint_follows_the_message() -> None:
    assert str(AimagerError("it is wrong")) == "it is wrong"
    error = AimagerError("it is wrong", hint="mend it")
    assert str(error) == "it is wrong\n  hint: mend it"
    assert (error.message, error.hint) == ("it is wrong", "mend it")


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
    kinds = [v for v in vars(errors).values() if isinstance(v, type) and v.__name__ != "Sequence"]
    assert len(kinds) == 7
    assert all(issubclass(kind, AimagerError) for kind in kinds)
