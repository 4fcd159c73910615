"""Networks to join are read, and what cannot be one is told without its passphrase."""

from pathlib import Path

import pytest

from aimager.config.networks import read_country, read_network, read_wifi
from aimager.errors import ConfigError
from aimager.model.networks import StaticNetwork, WifiNetwork


def refused(text: str, folder: Path = Path()) -> str:
    with pytest.raises(ConfigError) as caught:
        read_wifi(text, folder)
    assert caught.value.hint
    return caught.value.message


def test_wireless_networks(tmp_path: Path) -> None:
    (tmp_path / "pass").write_text("correct horse\n")
    (tmp_path / "bom").write_bytes("\ufeffcorrect horse\r\n".encode())
    key = "0123456789abcdef" * 4
    assert read_wifi("home:@pass", tmp_path) == (WifiNetwork("home", "correct horse"),)
    assert read_wifi("home:@bom", tmp_path) == (WifiNetwork("home", "correct horse"),)
    assert read_wifi("a, b:pass,word:1", tmp_path) == (WifiNetwork("a, b", "pass,word:1"),)
    assert read_wifi(r"a\:b\\c:12345678", tmp_path) == (WifiNetwork(r"a:b\c", "12345678"),)
    (cafe,) = read_wifi("café ☕:", tmp_path)
    assert (cafe.ssid, cafe.is_open, cafe.is_key) == ("café ☕", True, False)
    (keyed,) = read_wifi(f"home:{key}", tmp_path)
    assert (keyed.passphrase, keyed.is_key) == (key, True)
    assert read_wifi("", tmp_path) == ()
    (tmp_path / "all").write_text(f"# two\nhome:@pass\n\ncafe:\nwork:{key}\nhome:12345678\n")
    assert read_wifi("@all", tmp_path) == (
        WifiNetwork("home", "12345678"),
        WifiNetwork("cafe", ""),
        WifiNetwork("work", key),
    )


def test_wireless_networks_that_cannot_be(tmp_path: Path) -> None:
    assert refused("home") == "wifi= is not of the form SSID:@FILE"
    assert refused(":12345678") == "wifi= names no network"
    assert refused(f"{'x' * 33}:12345678") == (
        f"wifi= names the network {'x' * 33}, whose name has 33 bytes, of 32 at most"
    )
    assert "has 34 bytes" in refused(f"{'é' * 17}:12345678")
    assert refused("a\x1b[2J:12345678") == (
        r"wifi= names the network a\x1b[2J, whose name has a letter that cannot be seen"
    )
    for passphrase in ("hunter2", "x" * 64, "pässword", "x" * 65):
        told = refused(f"home:{passphrase}")
        assert told == (
            f"wifi= has for the network home a passphrase of {len(passphrase)} letters, and takes"
            " 8 to 63 of ASCII"
        )
    assert refused("home:@no", tmp_path) == (
        f"wifi= cannot read {tmp_path}/no: No such file or directory"
    )


def test_a_country() -> None:
    assert (read_country("de"), read_country("")) == ("DE", "")
    for text in ("Germany", "D", "1a", "00"):
        with pytest.raises(ConfigError, match=f"wifi-country={text} is not a country"):
            read_country(text)


def test_static_addresses() -> None:
    assert read_network("") == StaticNetwork()
    assert read_network("192.168.7.2/24") == StaticNetwork(("192.168.7.2/24",))
    assert read_network(
        "10.0.0.2/31,fd00::2/64,gateway=10.0.0.3,gateway=fe80::1,dns=10.0.0.3,dns=fd00::1,"
        "domain=lan,domain=example.org,interface=en*"
    ) == StaticNetwork(
        ("10.0.0.2/31", "fd00::2/64"),
        ("10.0.0.3", "fe80::1"),
        ("10.0.0.3", "fd00::1"),
        ("lan", "example.org"),
        "en*",
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("192.168.7.2", "network=192.168.7.2 has no prefix"),
        ("192.168.7.300/24", "network=192.168.7.300/24 is not a valid address with a prefix"),
        ("192.168.7.2/33", "network=192.168.7.2/33 is not a valid address with a prefix"),
        (
            "192.168.7.0/24",
            "network=192.168.7.0/24 is the address of the network itself, or of all in it",
        ),
        (
            "192.168.7.255/24",
            "network=192.168.7.255/24 is the address of the network itself, or of all in it",
        ),
        ("dns=1.1.1.1", "network= has no address"),
        ("10.0.0.2/24,gw=10.0.0.1", "network=gw=10.0.0.1 is not known"),
        ("10.0.0.2/24,dns=one", "network=: dns=one is not a valid address"),
        (
            "10.0.0.2/24,gateway=10.0.1.1",
            "network=: gateway=10.0.1.1 is in the network of none of the addresses",
        ),
        ("10.0.0.2/24,domain=a_b", "network=: domain=a_b is not a valid domain"),
        (
            "10.0.0.2/24,interface=a/b",
            "network=: interface=a/b is not the name of an interface",
        ),
        (
            "10.0.0.2/24,interface=eth0,interface=eth1",
            "network= names several interfaces",
        ),
    ],
)
def test_addresses_that_cannot_be(text: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read_network(text)
    assert caught.value.message == message
    assert caught.value.hint
