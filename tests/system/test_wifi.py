"""What joins wireless networks is told of them in its own form, in files that root alone reads."""

import configparser
import re
from pathlib import Path

import pytest

from aimager.errors import ConfigError
from aimager.model.networks import WifiNetwork
from aimager.sandbox.tree import Tree
from aimager.system.wifi import configure_wifi

KEY = "0123456789abcdef" * 4
NETWORKS = (
    WifiNetwork("home", "correct horse"),
    WifiNetwork("café: a/b", r"  back\slash  "),
    WifiNetwork("open", ""),
    WifiNetwork("keyed", KEY),
)
ODD = "=636166c3a93a20612f62"
UNITS = "usr/lib/systemd/system"


def configured(folder: Path, *units: str, services: tuple[str, ...] = ()) -> Tree:
    tree = Tree(folder)
    for unit in units:
        tree.write(f"{UNITS}/{unit}", "")
    configure_wifi(tree, NETWORKS, "DE", services)
    return tree


def modes(tree: Tree, folder: str) -> dict[str, int]:
    return {name: status.st_mode & 0o7777 for name, status in tree.walk(folder)}


def test_iwd(tmp_path: Path) -> None:
    tree = configured(tmp_path, "iwd.service", "wpa_supplicant@.service", "NetworkManager.service")
    files = {f"{name}.psk" for name in ("home", ODD, "keyed")} | {"open.open"}
    assert modes(tree, "var/lib/iwd") == dict.fromkeys(files, 0o600)
    assert modes(tree, "var/lib")["iwd"] == 0o700
    texts = {name: tree.read_text(f"var/lib/iwd/{name}") for name in files}
    assert texts == {
        "home.psk": "[Security]\nPassphrase=correct horse\n",
        f"{ODD}.psk": "[Security]\nPassphrase=\\s\\sback\\\\slash\\s\\s\n",
        "keyed.psk": f"[Security]\nPreSharedKey={KEY}\n",
        "open.open": "[Settings]\nAutoConnect=true\n",
    }
    assert tree.is_file("etc/systemd/system/multi-user.target.wants/iwd.service")
    assert tree.is_file("etc/systemd/network/25-wireless.network")
    country = tree.read_text("etc/modprobe.d/wifi-country.conf")
    assert country == "options cfg80211 ieee80211_regdom=DE\n"


def test_wpa_supplicant(tmp_path: Path) -> None:
    tree = configured(tmp_path, "wpa_supplicant@.service", "NetworkManager.service")
    path = "etc/wpa_supplicant/wpa_supplicant.conf"
    assert modes(tree, "etc/wpa_supplicant") == {"wpa_supplicant.conf": 0o600}
    blocks = re.findall(r"network=\{\n(.*?)\n\}", tree.read_text(path), re.DOTALL)
    found = [dict(line.strip().split("=", 1) for line in block.split("\n")) for block in blocks]
    both = {"key_mgmt": "WPA-PSK WPA-PSK-SHA256 SAE", "ieee80211w": "1"}
    assert found == [
        {"ssid": b"home".hex(), **both, "psk": '"correct horse"'},
        {"ssid": ODD[1:], **both, "psk": '"  back\\slash  "'},
        {"ssid": b"open".hex(), "key_mgmt": "NONE"},
        {"ssid": b"keyed".hex(), "key_mgmt": "WPA-PSK", "psk": KEY},
    ]
    drop_in = tree.read_text("etc/systemd/system/wpa_supplicant@.service.d/any-interface.conf")
    assert f"-c/{path} -i%I\n" in drop_in
    assert "wpa_supplicant@$name.service" in tree.read_text(
        "etc/udev/rules.d/85-wpa_supplicant.rules"
    )


def test_network_manager_where_it_is_enabled(tmp_path: Path) -> None:
    service = "NetworkManager.service"
    tree = configured(tmp_path, "iwd.service", service, services=(service,))
    folder = "etc/NetworkManager/system-connections"
    files = {f"{name}.nmconnection" for name in ("home", ODD, "open", "keyed")}
    assert modes(tree, folder) == dict.fromkeys(files, 0o600)
    read = configparser.RawConfigParser()
    read.read_string(tree.read_text(f"{folder}/{ODD}.nmconnection"))
    assert bytes(map(int, read["wifi"]["ssid"].strip(";").split(";"))).decode() == "café: a/b"
    assert dict(read["wifi-security"]) == {"key-mgmt": "wpa-psk", "psk": r"\s\sback\\slash\s\s"}
    assert "wifi-security" not in tree.read_text(f"{folder}/open.nmconnection")
    assert not tree.lstat("etc/systemd/network/25-wireless.network")
    assert not tree.lstat("var/lib/iwd")


def test_an_image_that_cannot_join_any(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        configured(tmp_path, "NetworkManager.service")
    assert caught.value.message == (
        "wifi= needs iwd, wpa_supplicant or NetworkManager in the image, which has none of them"
    )
    configure_wifi(Tree(tmp_path), (), "", ())
    assert Tree(tmp_path).names("") == ["usr"]
