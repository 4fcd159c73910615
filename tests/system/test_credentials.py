"""A first boot that heeds credentials: it asks nothing, and root can be given a password."""

import subprocess
from pathlib import Path

import pytest

from aimager.resources import read_data
from aimager.sandbox.tree import Tree
from aimager.system.credentials import take_credentials
from aimager.system.first_boot import prepare_first_boot


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    tree = Tree(tmp_path)
    tree.write("etc/shadow", "root:*:14871::::::\nbin:!*:14871::::::\n", 0o600)
    prepare_first_boot(tree, grow=None)
    return tree


def test_the_wizard_runs_and_asks_nothing(tree: Tree) -> None:
    units = "etc/systemd/system"
    assert tree.lstat(f"{units}/systemd-firstboot.service")
    take_credentials(tree)
    assert not tree.lstat(f"{units}/systemd-firstboot.service")
    assert tree.lstat(f"{units}/systemd-homed-firstboot.service")
    drop_in = tree.read_text(f"{units}/systemd-firstboot.service.d/ask-nothing.conf")
    assert "--prompt" not in drop_in
    for unit in ("systemd-firstboot.service", "boot-credentials.service"):
        assert tree.lstat(f"{units}/sysinit.target.wants/{unit}")
        preset = tree.read_text("etc/systemd/system-preset/45-credentials.preset")
        assert f"enable {unit}\n" in preset


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("root:*:14871::::::", "root:!unprovisioned:14871::::::"),
        ("root:!:14871::::::", "root:!unprovisioned:14871::::::"),
        ("root:$6$a$b:14871::::::", "root:$6$a$b:14871::::::"),
        ("root::14871::::::", "root::14871::::::"),
    ],
)
def test_a_password_that_root_has_stays(tree: Tree, before: str, after: str) -> None:
    tree.write("etc/shadow", f"{before}\nalice:!:1::::::\n")
    take_credentials(tree)
    assert tree.read_text("etc/shadow") == f"{after}\nalice:!:1::::::\n"
    status = tree.lstat("etc/shadow")
    assert status
    assert status.st_mode & 0o777 == 0o600


def test_files_of_the_boot_partition_go_where_units_look(tmp_path: Path) -> None:
    script = read_data("aimager.system", "content/boot-credentials")
    place = tmp_path / "boot/loader/credentials"
    (place / "a folder").mkdir(parents=True)
    (place / "ssh.authorized_keys.root").write_text("key")
    (place / "passwd.hashed-password.root.cred").write_text("encrypted")
    for top in ("/boot/", "/run/"):
        script = script.replace(top, f"{tmp_path}{top}")
    subprocess.run(["sh", "-eu", "-c", script], check=True)
    found = {
        str(path.relative_to(tmp_path)): path.stat().st_mode & 0o777
        for path in (tmp_path / "run").rglob("*")
        if path.is_file()
    }
    assert found == {
        "run/credstore/ssh.authorized_keys.root": 0o600,
        "run/credstore.encrypted/passwd.hashed-password.root": 0o600,
    }
