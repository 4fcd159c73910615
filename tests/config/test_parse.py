"""What users write is read as they mean it, or refused by name."""

from collections.abc import Callable

import pytest

from aimager.config import accounts
from aimager.config import parse as words
from aimager.errors import ConfigError
from aimager.memory import ALL_THERE_IS
from aimager.model.product import Compression
from aimager.shown import shown


def test_lists() -> None:
    assert words.split_list(" b, a,,b ,") == ("b", "a")
    assert words.split_list("") == words.split_list(" , ") == ()


@pytest.mark.parametrize("name", ["pi", "pi-4", "pi.example.org", "a" * 63, "4"])
def test_host_names(name: str) -> None:
    assert words.read_hostname(name) == name


@pytest.mark.parametrize("name", ["", "-pi", "pi-", "a_b", "a..b", "a b", "a" * 64, "é", "pi\n"])
def test_wrong_host_names(name: str) -> None:
    with pytest.raises(ConfigError) as caught:
        words.read_hostname(name)
    assert caught.value.message == f"hostname={shown(name)} is not a valid host name"
    assert "64" in caught.value.hint


def test_a_host_name_has_64_characters_at_most() -> None:
    longest = ".".join(["a" * 31, "b" * 32])
    assert words.read_hostname(longest) == longest
    with pytest.raises(ConfigError):
        words.read_hostname(f"{longest}c")


def test_locales() -> None:
    text = "de_DE.UTF-8, ca_ES.UTF-8@valencia,C.UTF-8,POSIX,eo,de_DE@euro,de_DE.ISO-8859-1"
    assert words.read_locales(text) == tuple(part.strip() for part in text.split(","))


ALL = "sudo-group=wheel ALL=(ALL)"

Read = Callable[[str], object]


def packages(text: str) -> object:
    return words.read_packages(text, variable="install-pkgs")


def read_keys(text: str) -> tuple[str, ...]:
    return words.read_fingerprints(text, variable="trust-key")


def size(text: str) -> object:
    return words.read_size(text, variable="root-size")


def age(text: str) -> object:
    return words.read_age(text, variable="older")


def yes(text: str) -> object:
    return words.read_yes(text, variable="offline")


@pytest.mark.parametrize(
    ("read", "text", "message"),
    [
        (words.read_locales, "german", "locales=german is not a valid locale"),
        (words.read_locales, "de_DE.UTF-8,de-DE", "locales=de-DE is not a valid locale"),
        (words.read_locales, "../etc", "locales=../etc is not a valid locale"),
        (words.read_locales, ",", "locales= is empty"),
        (packages, "vim,--root=/", "install-pkgs=--root=/ is not a valid package name"),
        (packages, "/etc/passwd", "install-pkgs=/etc/passwd is not a valid package name"),
        (packages, "core/--root", "install-pkgs=core/--root is not a valid package name"),
        (packages, "vim nano", "install-pkgs=vim nano is not a valid package name"),
        (accounts.read_groups, "wheel,4", "sudo-group=4 is not a valid group name"),
        (
            accounts.read_groups,
            "wheel ALL=(ALL)",
            f"{ALL} is not a valid group name",
        ),
        (read_keys, "7BE9892E", "trust-key=7BE9892E is not a fingerprint"),
        (read_keys, "x" * 40, f"trust-key={'X' * 40} is not a fingerprint"),
        (size, "0", "root-size=0 is not a size"),
        (size, "-1G", "root-size=-1G is not a size"),
        (size, "1.5G", "root-size=1.5G is not a size"),
        (size, "8P", "root-size=8P is not a size"),
        (size, "", "root-size= is not a size"),
        (age, "", "older= is not a length of time"),
        (age, "30", "older=30 is not a length of time"),
        (age, "d", "older=d is not a length of time"),
        (age, "-1d", "older=-1d is not a length of time"),
        (age, "1.5d", "older=1.5d is not a length of time"),
        (age, "1m", "older=1m is not a length of time"),
        (age, "1D", "older=1D is not a length of time"),
        (age, "1234567d", "older=1234567d is not a length of time"),
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
    assert accounts.read_groups("wheel,_ssh,sudo") == ("wheel", "_ssh", "sudo")
    assert accounts.read_groups("") == ()


def test_fingerprints() -> None:
    spaced = "2ac0 a42e fb0b 5cbc 7a04  02ed 4dc9 5b6d 7be9 892e"
    assert read_keys(f"{spaced},{'F' * 64}") == (
        "2AC0A42EFB0B5CBC7A0402ED4DC95B6D7BE9892E",
        "F" * 64,
    )
    assert read_keys("") == ()


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


@pytest.mark.parametrize(
    ("text", "expected"),
    [("0d", 0), ("12h", 43200), ("30d", 30 * 86400), ("2w", 14 * 86400), (" 1d ", 86400)],
)
def test_ages(text: str, expected: int) -> None:
    assert age(text) == expected


def test_yes_and_no() -> None:
    assert yes("yes") is True
    assert yes("no") is False


def test_addresses() -> None:
    def read(text: str) -> tuple[str, ...]:
        return words.read_addresses(text, variable="repo-url-core")

    assert read("https://a/$repo/, http://b ,https://a/$repo") == ("https://a/$repo", "http://b")
    assert read("http://user:word@[::1]:80/x") == ("http://user:word@[::1]:80/x",)
    wrongs = ("ftp://a", "http://[::1", "http://a:b", "http://a:99999/", "http://a:0", "http://:80")
    for text, wrong in (
        ("https://a,b", "b"),
        ("", ""),
        (" , ", ""),
        *zip(wrongs, wrongs, strict=True),
    ):
        with pytest.raises(ConfigError) as caught:
            read(text)
        assert caught.value.message == f"repo-url-core={wrong} is not a valid address"
    for text in ("http://a b", "http://a/b c/$repo"):
        with pytest.raises(ConfigError, match="is not a valid address"):
            read(text)


@pytest.mark.parametrize("end", ["?token=x", "/$repo?token=x&a=b", "/$repo#x", "?"])
def test_what_no_file_name_can_follow_is_no_address(end: str) -> None:
    with pytest.raises(ConfigError, match=r"http://h.* has a question mark or a #") as caught:
        words.read_addresses(f"http://me:word@h{end}", variable="add-repos=mine")
    assert "word" not in caught.value.message


@pytest.mark.parametrize(
    ("text", "epoch"),
    [(None, None), ("0", 0), ("1700000000", 1_700_000_000), ("4294967295", 2**32 - 1)],
)
def test_epochs(text: str | None, epoch: int | None) -> None:
    assert words.read_epoch(text) == epoch


@pytest.mark.parametrize("text", ["", "-1", "1.5", " 1", "now", "4294967296", "\u0663"])
def test_what_is_no_epoch(text: str) -> None:
    with pytest.raises(ConfigError, match=f"^SOURCE_DATE_EPOCH={text} is not a time"):
        words.read_epoch(text)


@pytest.mark.parametrize(
    ("text", "expected"), [("yes", ALL_THERE_IS), ("no", 0), ("20G", 20 << 30), ("", None)]
)
def test_memory(text: str, expected: int | None) -> None:
    assert words.read_memory(text, variable="tmpfs-root") == expected


def test_whole_sectors() -> None:
    assert words.read_sectors("1K", variable="root-size") == 1024
    for text, message in (("1000", "is not a multiple of the 512"), ("big", "is not a size")):
        with pytest.raises(ConfigError, match=f"root-size={text} {message}"):
            words.read_sectors(text, variable="root-size")


def test_what_is_too_large() -> None:
    assert size("16T") == 16 << 40
    with pytest.raises(ConfigError, match="root-size=17T is too large"):
        size("17T")


def test_compressions() -> None:
    assert words.read_compressions("zst, xz") == (Compression.zst, Compression.xz)
    assert words.read_compressions("none") == words.read_compressions("") == ()
    with pytest.raises(ConfigError, match="compress=none is not known"):
        words.read_compressions("none,xz")


def test_units() -> None:
    assert words.read_units("sshd,a.timer,wg@wg0") == ("sshd.service", "a.timer", "wg@wg0.service")
