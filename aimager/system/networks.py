"""The networks of a machine, by systemd-networkd, and by what joins wireless ones."""

from aimager.errors import ImageError
from aimager.model.networks import StaticNetwork
from aimager.resources import read_data
from aimager.sandbox.tree import Tree
from aimager.system.first_boot import enable

NETWORKS = "etc/systemd/network"
"""Where systemd.network(5) has the administrator's files; the first that fits an interface is
its."""

_UNITS = "usr/lib/systemd/system"
_SERVICES = {
    "systemd-networkd.service": "multi-user.target",
    "systemd-resolved.service": "sysinit.target",
    "systemd-timesyncd.service": "sysinit.target",
}
_WIRED = "en* eth*"


def configure_network(tree: Tree, static: StaticNetwork) -> None:
    """Let systemd-networkd and systemd-resolved set wired interfaces up: ``static``, or by DHCP.

    :raises ImageError: when the image has no systemd-networkd
    """
    if not tree.exists(f"{_UNITS}/systemd-networkd.service"):
        raise ImageError("the image has no systemd-networkd.service", hint="systemd brings it")
    wired = read_data("aimager.system", "content/wired.network")
    tree.write(f"{NETWORKS}/20-wired.network", wired, 0o644)
    if static.addresses:
        tree.write(f"{NETWORKS}/10-static.network", _static_text(static), 0o644)
    for service, target in _SERVICES.items():
        if tree.exists(f"{_UNITS}/{service}"):
            enable(tree, service, target)
    if tree.exists(f"{_UNITS}/systemd-resolved.service"):
        tree.symlink("etc/resolv.conf", "../run/systemd/resolve/stub-resolv.conf")


def _static_text(network: StaticNetwork) -> str:
    """The text of a systemd.network(5) file."""
    settings = {
        "Address": network.addresses,
        "Gateway": network.gateways,
        "DNS": network.servers,
        "Domains": network.domains,
    }
    lines = [f"{name}={value}" for name, values in settings.items() for value in values]
    return "\n".join(
        (
            "[Match]",
            f"Name={network.interface or _WIRED}",
            "",
            "[Network]",
            *lines,
            "",
            "[Link]",
            "RequiredForOnline=no",
            "",
        )
    )
