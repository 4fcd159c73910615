"""Networks that a machine joins by itself: wireless ones, and wired ones without DHCP."""

from dataclasses import dataclass, field, replace

from aimager.uuids import recognise

WIFI_SERVICES = ("iwd", "wpa_supplicant", "networkmanager")
"""Packages that join wireless networks; the first is installed where no other is asked for."""


@dataclass(frozen=True)
class WifiNetwork:
    """A wireless network, by its name of at most 32 bytes.

    The ``passphrase`` is one of 8 to 63 letters, or the key itself in 64 hexadecimal digits; an
    open network has none.
    """

    ssid: str
    passphrase: str = field(repr=False, metadata={"secret": True})

    @property
    def is_open(self) -> bool:
        """Whether it takes anybody."""
        return not self.passphrase

    @property
    def is_key(self) -> bool:
        """Whether the passphrase is the key itself (PSK), and has not to be made one first."""
        return len(self.passphrase) == KEY_DIGITS

    def recognised(self) -> "WifiNetwork":
        """The same without a passphrase that could be read or guessed."""
        return replace(self, passphrase=recognise(self.passphrase) if self.passphrase else "")


KEY_DIGITS = 64


@dataclass(frozen=True)
class StaticNetwork:
    """Addresses that an interface has, each with its prefix: ``192.168.7.2/24``; none: DHCP's.

    ``gateways`` lead elsewhere, ``servers`` resolve names, and in ``domains`` names are looked for.
    ``interface`` is a name or a pattern of names; empty: it is every wired one.
    """

    addresses: tuple[str, ...] = ()
    gateways: tuple[str, ...] = ()
    servers: tuple[str, ...] = ()
    domains: tuple[str, ...] = ()
    interface: str = ""
