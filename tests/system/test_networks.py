"""Networks of an image: by DHCP, with static addresses, and without systemd-networkd."""

from pathlib import Path

import pytest

from aimager.errors import ImageError
from aimager.model.networks import StaticNetwork
from aimager.resources import read_data
from aimager.sandbox.tree import Tree
from aimager.system.networks import configure_network


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    tree = Tree(tmp_path)
    for name in ("networkd", "resolved"):
        tree.write(f"usr/lib/systemd/system/systemd-{name}.service", "")
    return tree


def test_wired_interfaces_ask_by_dhcp(tree: Tree) -> None:
    tree.write("etc/resolv.conf", "nameserver 10.0.0.1\n")
    configure_network(tree, StaticNetwork())
    assert tree.names("etc/systemd/network") == ["20-wired.network"]
    wired = read_data("aimager.system", "content/wired.network")
    assert tree.read_text("etc/systemd/network/20-wired.network") == wired
    assert tree.glob("etc/systemd/system/*.wants/*") == [
        "etc/systemd/system/multi-user.target.wants/systemd-networkd.service",
        "etc/systemd/system/sysinit.target.wants/systemd-resolved.service",
    ]
    link = tree.path / "etc/resolv.conf"
    assert str(link.readlink()) == "../run/systemd/resolve/stub-resolv.conf"


def test_static_addresses_come_first(tree: Tree) -> None:
    network = StaticNetwork(
        ("10.0.0.2/24", "fd00::2/64"), ("10.0.0.1",), ("10.0.0.1", "fd00::1"), ("lan",), "eth0"
    )
    configure_network(tree, network)
    names = tree.names("etc/systemd/network")
    assert names == ["10-static.network", "20-wired.network"]
    assert tree.read_text(f"etc/systemd/network/{names[0]}") == (
        "[Match]\nName=eth0\n\n[Network]\nAddress=10.0.0.2/24\nAddress=fd00::2/64\n"
        "Gateway=10.0.0.1\nDNS=10.0.0.1\nDNS=fd00::1\nDomains=lan\n\n[Link]\nRequiredForOnline=no\n"
    )
    configure_network(tree, StaticNetwork(("10.0.0.2/24",)))
    assert "Name=en* eth*\n" in tree.read_text(f"etc/systemd/network/{names[0]}")


def test_an_image_without_networkd(tmp_path: Path) -> None:
    with pytest.raises(ImageError) as caught:
        configure_network(Tree(tmp_path), StaticNetwork())
    assert caught.value.message == "the image has no systemd-networkd.service"
