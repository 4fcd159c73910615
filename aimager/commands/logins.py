"""Who can log in to an image, as the manifest beside it has it, and how."""

import json
from dataclasses import dataclass
from pathlib import Path

from aimager.model.product import MANIFEST

NOBODY = (
    "NOBODY CAN LOG IN: no user has a password, or a key and an ssh server; build with"
    " useradd='-m -G wheel alice' and chpasswd=alice:PASSWORD, or ssh-keys=alice:@KEY.pub"
)
"""What to say where there is no user who can."""


@dataclass(frozen=True)
class Logins:
    """The users that can log in, and whether an ssh server is enabled."""

    users: tuple[str, ...]
    serves_ssh: bool


def read_logins(image: Path) -> Logins | None:
    """Those of an image; None: no manifest lies beside it that knows it."""
    manifest = image.with_name(MANIFEST)
    if not manifest.is_file():
        return None
    told = json.loads(manifest.read_bytes())
    if image.name not in [result["name"] for result in told["results"]]:
        return None
    return Logins(tuple(told["logins"]), bool(told.get("serves_ssh")))


def ways_in(logins: Logins | None, ssh_port: int | None) -> list[str]:
    """What to say of how to log in, on the terminal and by a port of this machine."""
    if logins is None:
        return ["who can log in is not known of this image", *_by_ssh("USER", ssh_port)]
    if not logins.users:
        return [NOBODY]
    lines = [f"log in as {' or '.join(logins.users)}"]
    if ssh_port is None:
        return lines
    if not logins.serves_ssh:
        return [*lines, "it serves no ssh: ssh-server=yes adds that"]
    others = [user for user in logins.users if user != "root"]  # whom sshd takes by keys alone
    return [*lines, *_by_ssh((others or ["root"])[0], ssh_port)]


def _by_ssh(user: str, port: int | None) -> list[str]:
    if port is None:
        return []
    # Each new disk makes host keys of its own, and is reached by the same address.
    option = "-o NoHostAuthenticationForLocalhost=yes"
    return [f"from another terminal: ssh -p {port} {option} {user}@127.0.0.1"]
