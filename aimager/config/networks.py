"""Reading the networks that a machine is to join: wireless ones, and static addresses."""

import re
from collections.abc import Iterable
from ipaddress import (
    IPv4Interface,
    IPv6Interface,
    ip_address,
    ip_interface,
)
from pathlib import Path

from aimager.config.parse import is_host_name, split_list
from aimager.config.paths import read_text
from aimager.errors import ConfigError
from aimager.model.networks import KEY_DIGITS, StaticNetwork, WifiNetwork
from aimager.shown import shown

_LONGEST_SSID = 32
"""Bytes (IEEE 802.11-2020 9.4.2.2)."""

_PASSPHRASE = re.compile(r"[ -~]{8,63}")
_KEY = re.compile(rf"[0-9A-Fa-f]{{{KEY_DIGITS}}}")
_ESCAPED = re.compile(r"\\([\\:])")
_AT_COLON = re.compile(r"((?:\\[\\:]|[^:])*):(.*)", re.DOTALL)
_INTERFACE = re.compile(r"[A-Za-z0-9*?_.-]{1,15}")

_WIFI_FORM = "write it as SSID:@FILE, with the passphrase in the file; a colon in SSID is \\:"
_STATIC_FORM = "write it as network=192.168.7.2/24,gateway=192.168.7.1,dns=192.168.7.1"


def read_wifi(text: str, folder: Path) -> tuple[WifiNetwork, ...]:
    """``SSID:@FILE``, ``SSID:PASSPHRASE``, or ``SSID:`` for an open network; ``@FILE`` has several.

    Each line of that file is one. A backslash is before a colon, or another one, in an SSID.

    :raises ConfigError: for anything else; the message does not repeat a passphrase
    """
    if not text:
        return ()
    words = [text]
    if text.startswith("@"):
        lines = read_text(folder / text[1:], "wifi").removeprefix("\ufeff").split("\n")
        words = [line.rstrip("\r") for line in lines if line.strip() and line[0] != "#"]
    networks = [_read_wifi(word, folder) for word in words]
    return tuple({network.ssid: network for network in networks}.values())


def _read_wifi(word: str, folder: Path) -> WifiNetwork:
    match = _AT_COLON.fullmatch(word)
    if not match:
        raise ConfigError("wifi= is not of the form SSID:@FILE", hint=_WIFI_FORM)
    ssid, passphrase = _ESCAPED.sub(r"\1", match[1]), match[2]
    size = len(ssid.encode())
    if not ssid:
        raise ConfigError("wifi= names no network", hint=_WIFI_FORM)
    if size > _LONGEST_SSID or not ssid.isprintable():
        limit = f"{size} bytes, of {_LONGEST_SSID} at most"
        fault = limit if ssid.isprintable() else "a letter that cannot be seen"
        raise ConfigError(
            f"wifi= names the network {shown(ssid)}, whose name has {fault}", hint=_WIFI_FORM
        )
    if passphrase.startswith("@"):
        passphrase = (
            read_text(folder / passphrase[1:], "wifi").removeprefix("\ufeff").rstrip("\r\n")
        )
    if passphrase and not (_PASSPHRASE.fullmatch(passphrase) or _KEY.fullmatch(passphrase)):
        raise ConfigError(
            f"wifi= has for the network {ssid} a passphrase of {len(passphrase)} letters, and takes"
            " 8 to 63 of ASCII",
            hint=f"or the key itself, in {KEY_DIGITS} hexadecimal digits; an open network is SSID:",
        )
    return WifiNetwork(ssid, passphrase)


def read_country(text: str) -> str:
    """A country in two letters (ISO 3166-1).

    :raises ConfigError: for anything else
    """
    if text and not re.fullmatch(r"[A-Za-z]{2}", text):
        raise ConfigError(
            f"wifi-country={text} is not a country in two letters", hint="write it as DE"
        )
    return text.upper()


def read_network(text: str) -> StaticNetwork:
    """Addresses with their prefixes, separated by commas; none for an empty text.

    Among them may be ``gateway=``, ``dns=``, ``domain=`` and ``interface=``.

    :raises ConfigError: for anything else, or a gateway that none of the addresses reaches
    """
    given: dict[str, list[str]] = {"address": []}
    for word in split_list(text):
        name, equals, value = word.partition("=")
        if not equals:
            name, value = "address", word
        elif name not in _PARTS:
            raise ConfigError(f"network={word} is not known", hint=_STATIC_FORM)
        given.setdefault(name, []).append(value)
    if not any(given.values()):
        return StaticNetwork()
    addresses = [_read_address(value) for value in given["address"]]
    if not addresses:
        raise ConfigError("network= has no address", hint=_STATIC_FORM)
    gateways = [_read_host("gateway", value) for value in given.get("gateway", ())]
    for gateway in gateways:
        _check_reached(gateway, addresses)
    return StaticNetwork(
        addresses=tuple(map(str, addresses)),
        gateways=tuple(gateways),
        servers=tuple(_read_host("dns", value) for value in given.get("dns", ())),
        domains=tuple(map(_read_domain, given.get("domain", ()))),
        interface=_read_interface(given.get("interface", [])),
    )


_PARTS = ("gateway", "dns", "domain", "interface")
_Interface = IPv4Interface | IPv6Interface


def _read_address(text: str) -> _Interface:
    try:
        address = ip_interface(text)
    except ValueError as error:
        raise ConfigError(
            f"network={text} is not a valid address with a prefix", hint=_STATIC_FORM
        ) from error
    if "/" not in text:
        raise ConfigError(
            f"network={text} has no prefix", hint=f"write how large its network is: {text}/24"
        )
    network = address.network
    if network.num_addresses > 2 and address.ip in (network[0], network[-1])[: _reserved(address)]:
        raise ConfigError(
            f"network={text} is the address of the network itself, or of all in it",
            hint="name that of the machine",
        )
    return address


def _reserved(address: _Interface) -> int:
    """How many of a network's first and last addresses no machine can have."""
    return 2 if address.version == 4 else 0


def _read_host(name: str, text: str) -> str:
    try:
        return str(ip_address(text))
    except ValueError as error:
        raise ConfigError(
            f"network=: {name}={text} is not a valid address", hint=_STATIC_FORM
        ) from error


def _check_reached(gateway: str, addresses: Iterable[_Interface]) -> None:
    host = ip_address(gateway)
    if not host.is_link_local and not any(host in address.network for address in addresses):
        raise ConfigError(
            f"network=: gateway={gateway} is in the network of none of the addresses",
            hint="see that the prefix of the address is that of the network",
        )


def _read_domain(text: str) -> str:
    if not is_host_name(text):
        raise ConfigError(f"network=: domain={text} is not a valid domain", hint=_STATIC_FORM)
    return text


def _read_interface(names: list[str]) -> str:
    if len(names) > 1:
        raise ConfigError(
            "network= names several interfaces", hint="a * stands for any letters: interface=en*"
        )
    for name in names:
        if not _INTERFACE.fullmatch(name):
            raise ConfigError(
                f"network=: interface={name} is not the name of an interface",
                hint="write it as interface=eth0, or en*",
            )
    return names[0] if names else ""
