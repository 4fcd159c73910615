"""Wireless networks, known to what joins them: NetworkManager, iwd or wpa_supplicant.

Each gets files of its own form, which root alone can read.
"""

import re
from collections.abc import Callable, Collection, Sequence

from aimager.errors import ConfigError
from aimager.model.networks import WifiNetwork
from aimager.resources import read_data
from aimager.sandbox.tree import Tree
from aimager.system.first_boot import enable
from aimager.system.networks import NETWORKS

_PRIVATE_FOLDER, _PRIVATE_FILE = 0o700, 0o600
_UNITS = "usr/lib/systemd/system"
_NETWORK_MANAGER = "NetworkManager.service"
_FILE_NAME = re.compile(r"[A-Za-z0-9_ -]+")
_SUPPLICANT = "etc/wpa_supplicant/wpa_supplicant.conf"


def configure_wifi(
    tree: Tree, networks: Sequence[WifiNetwork], country: str, services: Collection[str]
) -> None:
    """Let the image in ``tree`` join ``networks``, by the rules of ``country`` if one is named.

    NetworkManager does so where it is one of ``services``, else iwd, else wpa_supplicant.

    :raises ConfigError: when the image has none of them
    """
    if not networks:
        return
    join = _find_service(tree, services)
    if join is not _tell_network_manager:
        wireless = read_data("aimager.system", "content/wireless.network")
        tree.write(f"{NETWORKS}/25-wireless.network", wireless, 0o644)
    join(tree, networks)
    if country:
        # Not in an initramfs, so that none is made again for it: no network is joined from there.
        options = f"options cfg80211 ieee80211_regdom={country}\n"
        tree.write("etc/modprobe.d/wifi-country.conf", options, 0o644)


def _find_service(
    tree: Tree, services: Collection[str]
) -> Callable[[Tree, Sequence[WifiNetwork]], None]:
    if _NETWORK_MANAGER in services and tree.exists(f"{_UNITS}/{_NETWORK_MANAGER}"):
        return _tell_network_manager
    if tree.exists(f"{_UNITS}/iwd.service"):
        return _tell_iwd
    if tree.exists(f"{_UNITS}/wpa_supplicant@.service"):
        return _tell_wpa_supplicant
    raise ConfigError(
        "wifi= needs iwd, wpa_supplicant or NetworkManager in the image, which has none of them",
        hint="install-pkgs=iwd adds it; NetworkManager has to be enabled, too: services=",
    )


def _file_name(ssid: str) -> str:
    """A name for a network's file, which is iwd's own rule (iwd.network(5))."""
    return ssid if _FILE_NAME.fullmatch(ssid) else f"={ssid.encode().hex()}"


def _escaped(value: str) -> str:
    """A value as GLib's key files and iwd's settings have it: no blank at an end would be kept."""
    text = value.replace("\\", r"\\")
    inner = text.strip(" ")
    before = len(text) - len(text.lstrip(" "))
    after = len(text) - before - len(inner)
    return r"\s" * before + inner + r"\s" * after


def _tell_iwd(tree: Tree, networks: Sequence[WifiNetwork]) -> None:
    """See iwd.network(5)."""
    tree.mkdir("var/lib/iwd", _PRIVATE_FOLDER)
    for network in networks:
        name = "PreSharedKey" if network.is_key else "Passphrase"
        text = f"[Security]\n{name}={_escaped(network.passphrase)}\n"
        if network.is_open:
            text = "[Settings]\nAutoConnect=true\n"
        kind = "open" if network.is_open else "psk"
        tree.write(f"var/lib/iwd/{_file_name(network.ssid)}.{kind}", text, _PRIVATE_FILE)
    enable(tree, "iwd.service", "multi-user.target")


def _tell_network_manager(tree: Tree, networks: Sequence[WifiNetwork]) -> None:
    """See nm-settings-keyfile(5); a name as numbers of bytes needs no escapes."""
    for network in networks:
        ssid = "".join(f"{byte};" for byte in network.ssid.encode())
        lines = [
            "[connection]",
            f"id={_escaped(network.ssid)}",
            "type=wifi",
            "",
            "[wifi]",
            f"ssid={ssid}",
        ]
        if not network.is_open:
            security = ("key-mgmt=wpa-psk", f"psk={_escaped(network.passphrase)}")
            lines += ["", "[wifi-security]", *security]
        path = f"etc/NetworkManager/system-connections/{_file_name(network.ssid)}.nmconnection"
        tree.write(path, "".join(f"{line}\n" for line in lines), _PRIVATE_FILE)


def _tell_wpa_supplicant(tree: Tree, networks: Sequence[WifiNetwork]) -> None:
    """See wpa_supplicant.conf(5); its template is started for whichever interface there is."""
    text = "ctrl_interface=/run/wpa_supplicant\n" + "".join(map(_supplicant_block, networks))
    tree.write(_SUPPLICANT, text, _PRIVATE_FILE)
    drop_in = read_data("aimager.system", "content/wpa_supplicant.conf")
    tree.write("etc/systemd/system/wpa_supplicant@.service.d/any-interface.conf", drop_in, 0o644)
    rules = read_data("aimager.system", "content/wpa_supplicant.rules")
    tree.write("etc/udev/rules.d/85-wpa_supplicant.rules", rules, 0o644)


def _supplicant_block(network: WifiNetwork) -> str:
    """The last quotation mark of a value in such marks ends it, whatever stands between."""
    if network.is_open:
        security = ["key_mgmt=NONE"]
    elif network.is_key:
        security = ["key_mgmt=WPA-PSK", f"psk={network.passphrase}"]
    else:
        kinds = "key_mgmt=WPA-PSK WPA-PSK-SHA256 SAE"
        security = [kinds, "ieee80211w=1", f'psk="{network.passphrase}"']
    lines = [f"ssid={network.ssid.encode().hex()}", *security]
    return "\nnetwork={\n" + "".join(f"\t{line}\n" for line in lines) + "}\n"
