"""What is advised about signatures that are not trusted."""

import pytest

from aimager.packages.key_advice import advise, expiry, is_of_keys

BUILT = 1_700_000_000
LATER = BUILT + 86_400 * 30

KEY = "0123456789ABCDEF"


@pytest.mark.parametrize(
    ("words", "advice", "of_keys"),
    [
        ({"BADSIG": [KEY]}, "changed on the mirror or on the way", False),
        ({"BADSIG": [KEY], "VALIDSIG": [KEY]}, "changed on the mirror", False),
        ({"EXPKEYSIG": [KEY, "Ann"], "VALIDSIG": [KEY]}, "if its owner extended it", True),
        ({"REVKEYSIG": [KEY, "Ann"], "VALIDSIG": [KEY]}, "its owner revoked it", True),
        ({"NO_PUBKEY": [KEY], "ERRSIG": [KEY]}, "its owner is not known here", True),
        (
            {"GOODSIG": [KEY, "Ann", "<a@b>"], "VALIDSIG": [KEY]},
            f"'s; if you know that, trust-key={KEY} trusts it",
            True,
        ),
        ({"VALIDSIG": [KEY]}, "wrong or out of date", True),
        ({}, "wrong or out of date", False),
        ({"ODD": ["has two"]}, "tools=host", False),
    ],
)
def test_advice(words: dict[str, list[str]], advice: str, of_keys: bool) -> None:
    told = advise(words, BUILT, now=LATER)
    assert advice in told
    assert told.endswith("try another mirror with repo-url-parent=")
    assert is_of_keys(words) == of_keys


def test_a_clock_that_is_behind_the_package_comes_first() -> None:
    told = advise({"NO_PUBKEY": [KEY]}, BUILT, now=0)
    assert told.startswith("the clock says 1970-01-01, and the package was built on 2023-11-14")
    assert "timedatectl" in told


def test_expiry_is_told_as_a_date() -> None:
    assert expiry({"KEYEXPIRED": ["1700000000"]}) == " on 2023-11-14"
    assert expiry({"KEYEXPIRED": ["20231114T221320"]}) == ""
    assert expiry({}) == ""
