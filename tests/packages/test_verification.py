"""What gpg says of a file of signatures is read one by one."""

import pytest

from aimager.packages.verification import problem, read_status

KEY, OTHER = "A" * 40, "B" * 40
GOOD = f"NEWSIG\nGOODSIG {KEY[-16:]} Packager\nVALIDSIG {KEY} 2020-01-01\nTRUST_FULLY 0 pgp"
UNKNOWN = f"NEWSIG\nERRSIG {OTHER[-16:]} 1 8 00 0 9\nNO_PUBKEY {OTHER[-16:]}"
UNTRUSTED = f"NEWSIG\nGOODSIG {OTHER[-16:]} No\nVALIDSIG {OTHER} 2020-01-01\nTRUST_UNDEFINED 0 pgp"
CHANGED = f"NEWSIG\nBADSIG {OTHER[-16:]} No"


def said(*signatures: str) -> str:
    lines = "\n".join(signatures).splitlines()
    return "".join(f"[GNUPG:] {line}\n" for line in lines)


def test_one_signature() -> None:
    words = read_status(said(GOOD))
    assert not problem(words)
    assert words["VALIDSIG"][0] == KEY


def test_two_good_ones_are_good() -> None:
    assert not problem(read_status(said(GOOD, GOOD)))


@pytest.mark.parametrize("other", [UNKNOWN, UNTRUSTED, CHANGED])
@pytest.mark.parametrize("is_first", [True, False])
def test_a_good_one_does_not_hide_another(other: str, is_first: bool) -> None:
    """As libalpm has it, which takes a file only if all of its signatures are trusted."""
    both = (GOOD, other) if is_first else (other, GOOD)
    words = read_status(said(*both), 2)
    assert OTHER[-16:] in problem(words)


def test_gpgs_refusal_is_one() -> None:
    assert problem(read_status(said(GOOD), 2)) == "is refused by gpg"
    assert problem(read_status("")) == "has a signature file that does not hold a signature"
