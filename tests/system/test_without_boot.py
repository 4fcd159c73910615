"""Systems that something else starts than their own first boot."""

from pathlib import Path

import pytest

from aimager.sandbox.tree import Tree
from aimager.system.without_boot import prepare_container, prepare_wsl, without_sandbox

SHADOW = "alice:$6$x$y:1::::::\n"


def write(root: Path, path: str, text: str) -> None:
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_text(text)


def test_a_container_gets_its_identity_from_who_starts_it(tmp_path: Path) -> None:
    write(tmp_path, "etc/shadow", f"root::14871::::::\n{SHADOW}")
    (tmp_path / "etc/shadow").chmod(0o600)
    write(tmp_path, "etc/pacman.conf", "[options]\n#DisableSandbox\n")
    prepare_container(Tree(tmp_path))
    assert (tmp_path / "etc/machine-id").read_bytes() == b""
    assert (tmp_path / "etc/shadow").read_text() == f"root:!:14871::::::\n{SHADOW}"
    assert (tmp_path / "etc/shadow").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "etc/pacman.conf").read_text() == "[options]\nDisableSandbox\n"


def test_a_password_of_passwd_counts(tmp_path: Path) -> None:
    write(tmp_path, "etc/passwd", "root::0:0::/root:/bin/sh\n")
    prepare_container(Tree(tmp_path))
    assert (tmp_path / "etc/passwd").read_text() == "root:!:0:0::/root:/bin/sh\n"


@pytest.mark.parametrize("root", ["root:*:14871::::::\n", "root:$6$a$b:14871::::::\n"])
def test_roots_own_password_stays(tmp_path: Path, root: str) -> None:
    write(tmp_path, "etc/shadow", root)
    prepare_container(Tree(tmp_path))
    assert (tmp_path / "etc/shadow").read_text() == root


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("#DisableSandboxFilesystem\n#DisableSandboxSyscalls\n", "DisableSandboxFilesystem\n"),
        ("CheckSpace\n# DisableSandbox\n", "CheckSpace\nDisableSandbox\n"),
        ("DisableSandbox\n", "DisableSandbox\n"),
        ("# no DisableSandbox here\n", "# no DisableSandbox here\n"),
    ],
)
def test_pacman_does_without_landlock(before: str, after: str) -> None:
    found = without_sandbox(before)
    assert found.startswith(after)
    assert found.replace("#", "") == before.replace("# Dis", "#Dis").replace("#", "")


def test_wsl_starts_it_as_the_user(tmp_path: Path) -> None:
    write(tmp_path, "etc/passwd", "root:x:0:0::/root:/bin/sh\nalice:x:1234:1234::/home/alice:\n")
    write(tmp_path, "etc/resolv.conf", "nameserver 192.0.2.1\n")
    prepare_wsl(Tree(tmp_path), name="archlinux-x86_64-none", user="alice")
    assert (tmp_path / "etc/wsl-distribution.conf").read_text() == (
        "[oobe]\ndefaultUid = 1234\ndefaultName = archlinux-x86_64-none\n"
    )
    assert (tmp_path / "etc/wsl.conf").read_text() == (
        "[boot]\nsystemd=true\n\n[user]\ndefault=alice\n"
    )
    assert not (tmp_path / "etc/resolv.conf").exists()
    masked = tmp_path / "etc/systemd/system"
    assert {str(path.readlink()) for path in masked.iterdir()} == {"/dev/null"}
    assert {"tmp.mount", "systemd-resolved.service"} <= {path.name for path in masked.iterdir()}


def test_wsl_starts_it_as_root_where_there_is_no_user(tmp_path: Path) -> None:
    write(tmp_path, "etc/passwd", "root:x:0:0::/root:/bin/sh\n")
    prepare_wsl(Tree(tmp_path), name="arch", user="")
    assert "defaultUid = 0\n" in (tmp_path / "etc/wsl-distribution.conf").read_text()
    assert (tmp_path / "etc/wsl.conf").read_text() == "[boot]\nsystemd=true\n"


def test_a_wsl_conf_of_the_user_stays(tmp_path: Path) -> None:
    write(tmp_path, "etc/wsl.conf", "[boot]\nsystemd=false\n")
    prepare_wsl(Tree(tmp_path), name="arch", user="")
    assert (tmp_path / "etc/wsl.conf").read_text() == "[boot]\nsystemd=false\n"
