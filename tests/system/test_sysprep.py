"""No secret, id or trace of the build is left in a root, and all else is."""

from pathlib import Path

import pytest

from aimager.model.settings import AddedFile, Script, Settings
from aimager.sandbox.tree import Tree
from aimager.system.customize import finish
from aimager.system.machine_identity import KEPT, MADE_ANEW
from aimager.system.sysprep import empty_logs, find_secrets, remove_identity, tell_secrets
from tests.support.hostile_root import QuietRoot

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
ORDINARY = (
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
    for name in SECRET + ORDINARY:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    for _ in range(2):
        remove_identity(Tree(tmp_path))
        assert names(tmp_path) == set(ORDINARY)
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


SEEN = (
    *("etc/nvme/hostid", "etc/nvme/hostnqn", "etc/iscsi/initiatorname.iscsi", "etc/hostid"),
    *("etc/dropbear/dropbear_rsa_host_key", "etc/dropbear/dropbear_ed25519_host_key"),
    *("etc/tinyssh/sshkeydir/.ed25519.sk", "var/lib/NetworkManager/secret_key"),
    *("var/lib/dhcpcd/duid", "var/lib/dhcpcd/secret", "var/lib/dhclient/dhclient6.leases"),
    *("var/lib/dhcp/dhclient.leases", "var/db/dhcpcd/duid", "etc/dhcpcd.duid"),
    *("efi/loader/random-seed", "boot/efi/loader/random-seed", "esp/loader/random-seed"),
    *("var/lib/zerotier-one/identity.secret", "var/lib/tailscale/tailscaled.state"),
    *("var/lib/dkms/mok.key", "var/lib/dkms/mok.pub", "var/lib/samba/private/secrets.tdb"),
    *("etc/cups/ssl/localhost.key", "etc/cups/ssl/localhost.crt", "etc/yggdrasil.conf"),
    *("var/lib/rancher/k3s/server/token", "var/lib/docker/engine-id", "etc/docker/key.json"),
    *("var/lib/tor/keys/ed25519_master_id_secret_key", "var/lib/mysql/auto.cnf"),
    *("var/lib/systemd/home/local.private", "etc/salt/pki/minion/minion.pem"),
)
"""What scriptlets were seen to leave in all images, the same."""


def wildcards(pattern: str) -> str:
    """A path that a pattern matches."""
    return pattern.replace("*", "one")


@pytest.mark.parametrize("path", [*SEEN, *map(wildcards, MADE_ANEW)])
def test_what_a_first_boot_makes_anew_is_removed(tmp_path: Path, path: str) -> None:
    tree = Tree(tmp_path)
    tree.write(path, "the same everywhere")
    tree.write(f"{path}.rpmsave/other", "")
    remove_identity(tree)
    assert not tree.lstat(path)


@pytest.mark.parametrize("pattern", MADE_ANEW)
def test_each_says_who_makes_it_anew(pattern: str) -> None:
    assert MADE_ANEW[pattern]
    assert not pattern.startswith("/")
    assert pattern not in KEPT


PRIVATE = {
    "RFC 7468": "-----BEGIN PRIVATE KEY-----\nMC4C\n",
    "RSA": "-----BEGIN RSA PRIVATE KEY-----\nMII\n",
    "encrypted": "Bag Attributes\n-----BEGIN ENCRYPTED PRIVATE KEY-----\nMII\n",
    "behind a certificate": "-----BEGIN CERTIFICATE-----\nMII\n-----END CERTIFICATE-----\n"
    "-----BEGIN EC PRIVATE KEY-----\nMHc\n",
    "OpenSSH": "-----BEGIN OPENSSH PRIVATE KEY-----\nb3Bl\n",
    "OpenPGP": "-----BEGIN PGP PRIVATE KEY BLOCK-----\n\nlQ\n",
    "OpenVPN": "#\n# 2048 bit OpenVPN static key\n#\n-----BEGIN OpenVPN Static key V1-----\n",
    "WireGuard": "[Interface]\nPrivateKey = " + "a" * 43 + "=\n",
    "DNSSEC": "Private-key-format: v1.3\nAlgorithm: 13\n",
    "age": "# created: 2026\nAGE-SECRET-KEY-1QQ\n",
}
NO_KEYS = {
    "public": "-----BEGIN PUBLIC KEY-----\nMII\n",
    "certificate": "-----BEGIN CERTIFICATE-----\nMII\n",
    "told of": "# put your -----BEGIN PRIVATE KEY----- here\n",
    "WireGuard's template": "PrivateKey = <yours>\n",
    "empty": "",
}


@pytest.fixture
def packaged(tmp_path: Path) -> Tree:
    """A root with two packages, of which unbound has a folder and both have another."""
    tree = Tree(tmp_path)
    for name, lines in (
        ("unbound-1.2-1", "etc/\netc/unbound/\netc/unbound/own.key\netc/ssl/\n"),
        ("nano-8-1", "etc/\netc/ssl/\n"),
    ):
        local = f"var/lib/pacman/local/{name}"
        tree.write(f"{local}/files", f"%FILES%\n{lines}\n%BACKUP%\netc/x\tabc\n\n")
        tree.write(f"{local}/install", PRIVATE["RSA"])
    tree.write("etc/unbound/own.key", PRIVATE["RSA"])
    return tree


@pytest.mark.parametrize("kind", PRIVATE)
@pytest.mark.parametrize("mode", [0o600, 0o644])
def test_a_private_key_of_no_package_is_told(
    packaged: Tree, kind: str, mode: int, capsys: pytest.CaptureFixture[str]
) -> None:
    packaged.write("etc/unbound/control/x.key", PRIVATE[kind], mode)
    packaged.write("etc/ssl/x\n.key", PRIVATE[kind], mode)
    tell_secrets(packaged)
    assert capsys.readouterr().out == (
        "   the secret /etc/ssl/x\\n.key came in no package: every image has the same one\n"
        "   the secret /etc/unbound/control/x.key came in no package (it lies in a folder of"
        " unbound): every image has the same one\n"
    )
    assert packaged.read_text("etc/unbound/control/x.key") == PRIVATE[kind]


@pytest.mark.parametrize("kind", NO_KEYS)
def test_what_is_no_private_key_is_not_told(packaged: Tree, kind: str) -> None:
    packaged.write("etc/unbound/x.key", NO_KEYS[kind])
    packaged.write("etc/unbound/large", PRIVATE["RSA"] + "x" * (1 << 20))
    assert list(find_secrets(packaged)) == []


@pytest.mark.parametrize("path", [*map(wildcards, KEPT)])
def test_a_secret_that_nothing_makes_anew_is_kept_and_told(packaged: Tree, path: str) -> None:
    packaged.write(path, b"\0\1\2")
    remove_identity(packaged)
    assert [name for name, _ in find_secrets(packaged)] == [path]
    packaged.write("var/lib/pacman/local/own-1-1/files", f"%FILES%\n{path}\n")
    assert list(find_secrets(packaged)) == []


def test_what_the_user_gives_stays(tmp_path: Path) -> None:
    """What packages left at the same places does not, nor what a script makes."""
    image = QuietRoot(tmp_path)
    image.tree.write("etc/hostid", "a package's")
    image.tree.write("etc/ssh/ssh_host_rsa_key", "a package's")
    setup = Settings(
        "pc",
        files=(AddedFile("/etc/nvme/hostnqn", "mine"), AddedFile("/etc/hostid", "mine")),
        scripts=(Script("a.sh", "#!/bin/sh\n"),),
    )
    given = finish(image, setup, ())
    assert given == {"etc/nvme/hostnqn", "etc/hostid"}
    image.tree.write("etc/ssh/ssh_host_rsa_key", "a script's")
    remove_identity(image.tree, given)
    assert image.tree.read_text("etc/nvme/hostnqn") == image.tree.read_text("etc/hostid") == "mine"
    assert not image.tree.lstat("etc/ssh/ssh_host_rsa_key")
    assert finish(image, Settings("pc"), ()) == frozenset()
