"""No secret, id or trace of the build is left in a root, and all else is."""

from pathlib import Path

from aimager.sandbox.tree import Tree
from aimager.system.sysprep import empty_logs, remove_identity

SECRET = (
    "etc/machine-id",
    "etc/pacman.d/gnupg/private-keys-v1.d/x.key",
    "etc/ssh/ssh_host_ed25519_key",
    "etc/ssh/ssh_host_ed25519_key.pub",
    "etc/ssh/ssh_host_rsa_key",
    "var/lib/systemd/random-seed",
    "var/lib/systemd/credential.secret",
    "var/lib/dbus/machine-id",
    "boot/loader/random-seed",
    "root/.gnupg/pubring.kbx",
    "var/cache/ldconfig/aux-cache",
    "var/log/pacman.log",
    "var/log/journal/0123456789abcdef/system.journal",
    "etc/.pwd.lock",
)
KEPT = (
    "etc/pacman.d/mirrorlist",
    "etc/ssh/sshd_config",
    "var/lib/systemd/catalog/database",
    "boot/loader/loader.conf",
    "root/.bashrc",
    "var/log/README",
    "etc/ld.so.cache",
)


def names(root: Path) -> set[str]:
    return {
        str(path.relative_to(root))
        for path in root.glob("**/*")
        if path.is_symlink() or path.is_file()
    }


def test_what_belongs_to_one_machine_is_removed(tmp_path: Path) -> None:
    for name in SECRET + KEPT:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    for _ in range(2):
        remove_identity(Tree(tmp_path))
        assert names(tmp_path) == set(KEPT)
    assert not (tmp_path / "etc/pacman.d/gnupg").exists()
    assert not (tmp_path / "root/.gnupg").exists()
    assert (tmp_path / "var/log/journal").is_dir()  # else the journal is not kept


def test_links_are_removed_and_not_followed(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "key").touch()
    root = tmp_path / "root"
    for name, target in (("etc/pacman.d/gnupg", outside), ("etc/ssh/ssh_host_key", outside)):
        (root / name).parent.mkdir(parents=True)
        (root / name).symlink_to(target)
    remove_identity(Tree(root))
    assert names(root) == set()
    assert (outside / "key").exists()


def test_an_empty_root_has_none(tmp_path: Path) -> None:
    remove_identity(Tree(tmp_path))
    assert list(tmp_path.iterdir()) == []


def test_logs_are_emptied_and_no_link_is_followed(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.write_text("not ours")
    logs = tmp_path / "root/var/log"
    (logs / "app").mkdir(parents=True)
    for name in ("wtmp", "app/app.log.1"):
        (logs / name).write_text("what it did")
    (logs / "link").symlink_to(outside)
    empty_logs(Tree(tmp_path / "root"))
    assert [(logs / name).read_text() for name in ("wtmp", "app/app.log.1")] == ["", ""]
    assert outside.read_text() == "not ours"
    (tmp_path / "other/var").mkdir(parents=True)
    (tmp_path / "other/var/log").symlink_to(tmp_path)
    empty_logs(Tree(tmp_path / "other"))
    assert outside.read_text() == "not ours"
