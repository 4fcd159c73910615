"""A system that something else starts than its own first boot: a container engine, or WSL.

What makes its keyring, its machine-id and its network at the first boot of an image does not run
there, or must not. The measure is the base image of archlinux/archlinux-docker (34b87485,
2026-05-10: scripts/make-rootfs.sh and exclude): it has neither a machine-id nor a name nor a
resolv.conf of its own, its root has no password, and its pacman does without Landlock.
"""

import re

from aimager.sandbox.accounts import read_accounts
from aimager.sandbox.tree import Tree

_CONF = "etc/pacman.conf"
_PASSWORDS = ("etc/passwd", "etc/shadow")
_NO_PASSWORD = re.compile(r"^root::", re.MULTILINE)
_SANDBOXES = tuple(
    re.compile(rf"^#[ \t]*({option})[ \t]*$", re.MULTILINE)
    for option in ("DisableSandboxFilesystem", "DisableSandbox")
)
"""As pacman.conf has them commented out: the first since pacman 7.1, before it the second."""

_UNITS = "etc/systemd/system"
_WSL_UNITS = (
    "NetworkManager.service",
    "systemd-networkd.service",
    "systemd-networkd.socket",
    "systemd-resolved.service",
    "systemd-tmpfiles-clean.service",
    "systemd-tmpfiles-clean.timer",
    "systemd-tmpfiles-setup.service",
    "systemd-tmpfiles-setup-dev.service",
    "systemd-tmpfiles-setup-dev-early.service",
    "tmp.mount",
)
"""What keeps WSL from working, as "Build a Custom Linux Distribution for WSL" of Microsoft has it
(learn.microsoft.com/windows/wsl/build-custom-distro); the socket would start its service."""


def prepare_container(tree: Tree) -> None:
    """Leave to who starts it what is that one's: its machine-id, and what a kernel must have.

    The machine-id is there and empty, as machine-id(5) has it for images that are started often.
    """
    tree.write("etc/machine-id", "", 0o444)
    for path in _PASSWORDS:
        text = tree.read_text(path) if tree.is_file(path) else ""
        if _NO_PASSWORD.search(text):  # which lets everybody become root: CVE-2019-5021
            tree.write(path, _NO_PASSWORD.sub("root:!:", text))
    if tree.is_file(_CONF):
        tree.write(_CONF, without_sandbox(tree.read_text(_CONF)))


def without_sandbox(text: str) -> str:
    """The text of a pacman.conf whose pacman needs no Landlock, which containers often lack."""
    for option in _SANDBOXES:
        text, count = option.subn(r"\1", text, count=1)
        if count:
            break
    return text


def prepare_wsl(tree: Tree, *, name: str, user: str) -> None:
    """Say how WSL is to start it, and as whom: ``user``, who is in it; empty: as root.

    ``name`` is what Windows is to call it. A file of these that the user gave stays.
    """
    uids = {account.name: account.user for account in read_accounts(tree)}
    first = ("[oobe]", f"defaultUid = {uids.get(user, 0)}", f"defaultName = {name}")
    always = ("[boot]", "systemd=true", *(("", "[user]", f"default={user}") if user else ()))
    for path, lines in (("etc/wsl-distribution.conf", first), ("etc/wsl.conf", always)):
        if not tree.exists(path):
            tree.write(path, "".join(f"{line}\n" for line in lines), 0o644)
    tree.unlink("etc/resolv.conf")  # WSL writes it
    for unit in _WSL_UNITS:
        tree.symlink(f"{_UNITS}/{unit}", "/dev/null")
