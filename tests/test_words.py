"""What users write is read as they mean it, or refused by name."""

from collections.abc import Callable

import pytest

from aimager import words
from aimager.errors import ConfigError
from aimager.setup import Password, User

USERADD_HINT = "write what useradd takes, the login name last: -m -G wheel alice"


def test_lists() -> None:
    assert words.split_list(" b, a,,b ,") == ("b", "a")
    assert words.split_list("") == words.split_list(" , ") == ()


@pytest.mark.parametrize(
    ("text", "users"),
    [
        ("", []),
        ("alice", [("alice",)]),
        ("-m alice", [("-m", "alice")]),
        ("-m -G wheel,video alice", [("-m", "-G", "wheel,video", "alice")]),
        ("-mG wheel alice", [("-mG", "wheel", "alice")]),
        ("-Gwheel alice", [("-Gwheel", "alice")]),
        ("-Gm alice", [("-Gm", "alice")]),  # the group m, as getopt(3) takes it
        ("--groups wheel alice", [("--groups", "wheel", "alice")]),
        ("--groups=wheel alice", [("--groups=wheel", "alice")]),
        ("-c 'Alice, of course' alice", [("-c", "Alice, of course", "alice")]),
        ("-m alice,bob", [("-m", "alice"), ("bob",)]),
        ("-m alice, -m bob", [("-m", "alice"), ("-m", "bob")]),
        ("-m alice,-m bob", [("-m", "alice"), ("-m", "bob")]),
        ("alice,-G wheel bob", [("alice",), ("-G", "wheel", "bob")]),
        ("-u 1000 -s /bin/sh alice ,bob", [("-u", "1000", "-s", "/bin/sh", "alice"), ("bob",)]),
    ],
)
def test_users(text: str, users: list[tuple[str, ...]]) -> None:
    assert words.read_users(text) == tuple(User(arguments) for arguments in users)


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("-c 'Alice", "useradd=-c 'Alice: No closing quotation", "close the quotation"),
        ("-m Alice", "useradd=-m Alice: Alice is no login name", USERADD_HINT),
        ("-m", "useradd=-m: the login name is missing after -m", USERADD_HINT),
        (
            "alice -G 'a b'",
            "useradd=alice -G 'a b': the login name is missing after -G 'a b'",
            USERADD_HINT,
        ),
    ],
)
def test_wrong_users(text: str, message: str, hint: str) -> None:
    with pytest.raises(ConfigError) as caught:
        words.read_users(text)
    assert (caught.value.message, caught.value.hint) == (message, hint)


@pytest.mark.parametrize(
    ("text", "passwords"),
    [
        ("root:secret", [("root", "secret")]),
        ("root:a,b", [("root", "a,b")]),
        ("root:a:b", [("root", "a:b")]),
        ("root:a,alice:b", [("root", "a"), ("alice", "b")]),
        ("root:a\nalice:b\n", [("root", "a"), ("alice", "b")]),
        ("root:a,B:c", [("root", "a,B:c")]),
    ],
)
def test_passwords(text: str, passwords: list[tuple[str, str]]) -> None:
    assert words.read_passwords(text) == tuple(Password(*pair) for pair in passwords)


@pytest.mark.parametrize("text", ["hunter2", "root:", ":hunter2", "Root:hunter2", ""])
def test_a_wrong_password_is_not_repeated(text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        words.read_passwords(text)
    assert str(caught.value) == "chpasswd= is not of the form USER:PASSWORD"


@pytest.mark.parametrize("name", ["pi", "pi-4", "pi.example.org", "a" * 63, "4"])
def test_host_names(name: str) -> None:
    assert words.read_hostname(name) == name


@pytest.mark.parametrize("name", ["", "-pi", "pi-", "a_b", "a..b", "a b", "a" * 64, "é", "pi\n"])
def test_wrong_host_names(name: str) -> None:
    with pytest.raises(ConfigError) as caught:
        words.read_hostname(name)
    assert caught.value.message == f"hostname={name} is no host name"
    assert "64" in caught.value.hint


def test_a_host_name_has_64_characters_at_most() -> None:
    longest = ".".join(["a" * 31, "b" * 32])
    assert words.read_hostname(longest) == longest
    with pytest.raises(ConfigError):
        words.read_hostname(f"{longest}c")


def test_locales() -> None:
    text = "de_DE.UTF-8, ca_ES.UTF-8@valencia,C.UTF-8,POSIX,eo,de_DE@euro,de_DE.ISO-8859-1"
    assert words.read_locales(text) == tuple(part.strip() for part in text.split(","))


Read = Callable[[str], object]


def packages(text: str) -> object:
    return words.read_packages(text, variable="install-pkgs")


def size(text: str) -> object:
    return words.read_size(text, variable="root-size")


def yes(text: str) -> object:
    return words.read_yes(text, variable="offline")


@pytest.mark.parametrize(
    ("read", "text", "message"),
    [
        (words.read_locales, "german", "locales=german is no locale"),
        (words.read_locales, "de_DE.UTF-8,de-DE", "locales=de-DE is no locale"),
        (words.read_locales, "../etc", "locales=../etc is no locale"),
        (words.read_locales, ",", "locales= is empty"),
        (packages, "vim,--root=/", "install-pkgs=--root=/ is no package name"),
        (packages, "/etc/passwd", "install-pkgs=/etc/passwd is no package name"),
        (packages, "vim nano", "install-pkgs=vim nano is no package name"),
        (words.read_groups, "wheel,ALL", "sudo-group=ALL is no group name"),
        (words.read_groups, "wheel ALL=(ALL)", "sudo-group=wheel ALL=(ALL) is no group name"),
        (words.read_fingerprints, "7BE9892E", "trust-key=7BE9892E is no fingerprint"),
        (words.read_fingerprints, "x" * 40, f"trust-key={'X' * 40} is no fingerprint"),
        (size, "0", "root-size=0 is no size"),
        (size, "-1G", "root-size=-1G is no size"),
        (size, "1.5G", "root-size=1.5G is no size"),
        (size, "8P", "root-size=8P is no size"),
        (size, "", "root-size= is no size"),
        (yes, "Yes", "offline=Yes is neither yes nor no"),
        (yes, "", "offline= is neither yes nor no"),
    ],
)
def test_what_is_refused_is_named(read: Read, text: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read(text)
    assert caught.value.message == message


def test_packages_and_groups() -> None:
    assert packages("vim, gtk2+extra,ttf-x@1") == ("vim", "gtk2+extra", "ttf-x@1")
    assert packages("") == ()
    assert words.read_groups("wheel,_ssh,sudo") == ("wheel", "_ssh", "sudo")
    assert words.read_groups("") == ()


def test_fingerprints() -> None:
    spaced = "2ac0 a42e fb0b 5cbc 7a04  02ed 4dc9 5b6d 7be9 892e"
    assert words.read_fingerprints(f"{spaced},{'F' * 64}") == (
        "2AC0A42EFB0B5CBC7A0402ED4DC95B6D7BE9892E",
        "F" * 64,
    )
    assert words.read_fingerprints("") == ()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1", 1),
        ("900M", 900 << 20),
        ("8GiB", 8 << 30),
        ("8gb", 8 << 30),
        (" 8 G ", 8 << 30),
        ("1K", 1024),
        ("2T", 2 << 40),
        ("512B", 512),
    ],
)
def test_sizes(text: str, expected: int) -> None:
    assert size(text) == expected


def test_yes_and_no() -> None:
    assert yes("yes") is True
    assert yes("no") is False
