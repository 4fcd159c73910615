"""The variables that say which networks a machine joins."""

from aimager.config.networks import read_country, read_network, read_wifi
from aimager.config.variable import Group, Variable, of_folder, of_text

NETWORK = (
    Variable(
        "wifi",
        Group.network,
        "a wireless network, as SSID:@FILE with the passphrase in FILE, SSID:PASSPHRASE, or SSID:"
        " for an open one; @FILE has one in each line; iwd joins it, or what else of"
        " NetworkManager and wpa_supplicant the image has",
        "",
        "wifi=home:@passphrase",
        parser=of_folder(read_wifi),
        settings=("setup.wifi",),
        paths=True,
        secret=True,
    ),
    Variable(
        "wifi-country",
        Group.network,
        "the country by whose rules radio is used, in two letters",
        "what is allowed everywhere",
        "wifi-country=DE",
        parser=of_text(read_country),
        settings=("setup.wifi_country",),
    ),
    Variable(
        "network",
        Group.network,
        "addresses of wired interfaces, each with its prefix, and gateway=, dns=, domain= and"
        " interface=, separated by commas; interface=en* is for other interfaces than all wired"
        " ones",
        "those that DHCP gives",
        "network=192.168.7.2/24,gateway=192.168.7.1,dns=192.168.7.1",
        parser=of_text(read_network),
        settings=("setup.network",),
        several=True,
    ),
)
