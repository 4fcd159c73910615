"""Who can log in to an image is seen in it, whatever put it there."""

from pathlib import Path

import pytest

from aimager.sandbox.tree import Tree
from aimager.system.logins import find_logins, serves_ssh

EPOCH = 1_700_000_000
HASH = "$6$salt$" + "a" * 86
KEY = {"home/alice/.ssh/authorized_keys": "# mine\nssh-ed25519 AAAA me\n"}
SSHD = {"etc/systemd/system/multi-user.target.wants/sshd.service": ""}
GETTY = "etc/systemd/system/getty@tty1.service.d/autologin.conf"
AGETTY = "[Service]\nExecStart=\nExecStart=-/sbin/agetty"


def logins(
    root: Path,
    hashed: str = "!",
    *,
    shell: str = "/bin/bash",
    expires: str = "",
    files: dict[str, str] | None = None,
    passwd: str = "x",
) -> tuple[str, ...]:
    """Those of an image with root, who is locked, and alice."""
    given = {
        "bin/bash": "",
        "bin/sh": "",
        "usr/bin/nologin": "",
        "etc/passwd": "root:x:0:0::/root:/bin/bash\n"
        f"alice:{passwd}:1000:1000::/home/alice:{shell}\n",
        "etc/shadow": f"root:*:1::::::\nalice:{hashed}:1:0:99999:7::{expires}:\n",
        **(files or {}),
    }
    for name, text in given.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return find_logins(Tree(root), EPOCH)


@pytest.mark.parametrize("hashed", [HASH, "", "abJnggxhB/yWI", "_J9..rasmBYk8r9AiWNc"])
def test_a_password(tmp_path: Path, hashed: str) -> None:
    assert logins(tmp_path, hashed) == ("alice",)


@pytest.mark.parametrize("hashed", ["!", "*", "!*", f"!{HASH}", "x", "*LK*"])
def test_a_lock(tmp_path: Path, hashed: str) -> None:
    assert logins(tmp_path, hashed) == ()


@pytest.mark.parametrize("passwd", [HASH, ""])
def test_a_password_in_passwd(tmp_path: Path, passwd: str) -> None:
    assert logins(tmp_path, passwd=passwd) == ("alice",)


@pytest.mark.parametrize(
    ("shell", "expires", "can"),
    [
        ("", "", True),
        ("/usr/bin/nologin", "", False),
        ("/bin/zsh", "", False),  # it is not there
        ("/bin/bash", "1", False),
        ("/bin/bash", "30000", True),
    ],
)
def test_what_a_password_is_not_enough_without(
    tmp_path: Path, shell: str, expires: str, can: bool
) -> None:
    assert bool(logins(tmp_path, HASH, shell=shell, expires=expires)) is can


@pytest.mark.parametrize(
    ("files", "can"),
    [
        (KEY, False),  # no server takes it
        (KEY | SSHD, True),
        (KEY | {"usr/lib/systemd/system/sockets.target.wants/sshd.socket": ""}, True),
        ({"home/alice/.ssh/authorized_keys": "# none\n\n"} | SSHD, False),
        ({"home/alice/.ssh/authorized_keys": "# none\u2028ssh-ed25519 AAAA me\n"} | SSHD, False),
        ({"root/.ssh/id_ed25519.pub": "ssh-ed25519 AAAA me"} | SSHD, False),
        ({GETTY: f"{AGETTY} --autologin alice --noclear %I $TERM\n"}, True),
        ({GETTY: f"{AGETTY} -a alice - $TERM\n"}, True),
        ({GETTY: f"{AGETTY} --noclear %I $TERM\n"}, False),
        ({GETTY: f"{AGETTY} --autologin nobody %I\n"}, False),
    ],
)
def test_keys_and_terminals(tmp_path: Path, files: dict[str, str], can: bool) -> None:
    assert logins(tmp_path, files=files) == (("alice",) if can else ())


@pytest.mark.parametrize("mask", ["getty@tty1.service.d/a.conf", "getty@tty1.service.d/b.conf"])
def test_a_masked_terminal_logs_nobody_in(tmp_path: Path, mask: str) -> None:
    files = {
        "usr/lib/systemd/system/getty@tty1.service.d/a.conf": f"{AGETTY} --autologin alice %I\n"
    }
    (tmp_path / "etc/systemd/system/getty@tty1.service.d").mkdir(parents=True)
    (tmp_path / "etc/systemd/system" / mask).symlink_to("/dev/null")
    assert logins(tmp_path, files=files) == (() if mask.endswith("a.conf") else ("alice",))


def test_an_enabled_ssh_server_is_found(tmp_path: Path) -> None:
    assert not serves_ssh(Tree(tmp_path))
    wants = tmp_path / "etc/systemd/system/multi-user.target.wants"
    wants.mkdir(parents=True)
    (wants / "sshd.service").touch()
    assert serves_ssh(Tree(tmp_path))


def test_a_root_without_accounts(tmp_path: Path) -> None:
    assert find_logins(Tree(tmp_path), EPOCH) == ()
