"""The variables of the command line become a build, or are refused by name."""

from pathlib import Path

import pytest

from aimager.config import storage as read_storage
from aimager.config.build import read_build
from aimager.config.variables import VARIABLES
from aimager.distros import DISTROS
from aimager.errors import ConfigError
from aimager.files import Readers
from aimager.model.build import MirrorChoice, Tools
from aimager.model.networks import StaticNetwork, WifiNetwork
from aimager.model.product import Compression, Product
from aimager.model.settings import DEFAULT_LOCALE, AuthorizedKeys, Password, Settings, User
from boards import BOARDS
from tests.support.ssh_keys import SSH_KEY

HERE = Path("/somewhere")
ELSEWHERE = {
    "keyring-helper",
    "report",
    "boards",
    "builds",
    "only",
    "files",
    "for",
    "key-file-*",
    "older",
    "device",
    "device-again",
    "image",
    *(
        "to",
        "in-place",
        "manifest",
        "url",
        "memory",
        "cpus",
        "disk-size",
        "ssh-port",
        "internet",
        "graphics",
        "keep",
    ),
    "overlay",
    "packages",
    "packages-from",
    *("remote", "remote-allowed-signers", "remote-key", "remote-revoked-keys", "remote-unsigned"),
    *("workers", "cluster-tls"),
    "reuse-root-tar",
    "scripts",
    "shell",
    "sign",
    "size",
}
"""Variables that have tests of their own, for they name files, or describe no build."""


def refusal(**words: str) -> tuple[str, str]:
    """The message and the hint for these words, whose dashes are underscores."""
    with pytest.raises(ConfigError) as caught:
        read_build({name.replace("_", "-"): value for name, value in words.items()}, HERE)
    return caught.value.message, caught.value.hint


def test_no_words_no_build() -> None:
    assert read_build({}, HERE) is None


def test_defaults_of_a_board() -> None:
    build = read_build({"board": "x64-uefi"}, HERE)
    assert build
    assert build.id == "archlinux-x86_64-x64-uefi"
    assert build.board is BOARDS["x64-uefi"]
    assert build.products == (Product.disk,)
    assert build.out == HERE / "out"
    assert build.setup == Settings(
        hostname="x64-uefi",
        locales=(DEFAULT_LOCALE,),
        command_line=BOARDS["x64-uefi"].command_line,
    )
    assert build.mirrors == MirrorChoice()
    assert (build.packages, build.root_size, build.tools) == ((), None, Tools.borrowed)
    assert build.lock is None
    assert (build.compressions, build.seed, build.epoch) == ((), "", None)


def test_a_distribution_alone_makes_a_root_archive() -> None:
    build = read_build({"distro": "alarm"}, HERE)
    assert build
    assert build.id == "archlinuxarm-aarch64-none"
    assert build.products == (Product.root_tar,)
    assert build.setup.hostname == "archlinuxarm"


def test_every_variable_reaches_the_build() -> None:
    words = {
        "distro": "archlinux",
        "board": "x64-uefi",
        "arch": "x86_64",
        "create": "part-root.img,root.tar,oci.tar",
        "oci-name": "me/arch",
        "compress": "xz,zst",
        "out": "/elsewhere",
        "root-size": "8GiB",
        "hostname": "pc",
        "locales": "de_DE.UTF-8,en_US.UTF-8",
        "useradd": "-m -G wheel alice",
        "chpasswd": "alice:a,b",
        "sudo-group": "wheel",
        "timezone": "Asia/Tokyo",
        "keymap": "de",
        "ssh-keys": f"alice:{SSH_KEY}",
        "ssh-server": "no",
        "credentials": "yes",
        "wifi": "home:password",
        "wifi-country": "de",
        "network": "10.0.0.2/24,interface=eth0",
        "append-all": "quiet  rw",
        "append-default": "overridden",
        "install-pkgs": "vim,git",
        "initrd-maker": "dracut",
        "services": "sshd",
        "lock": "image.lock",
        "seed": "any text",
        "repo-url-parent": "https://mirror.example/,http://second.example",
        "repo-url-base": "http://127.0.0.1:1/$repo,http://127.0.0.1:3",
        "repo-url-more": "http://127.0.0.1:2/$repo",
        "trust-key": "ab" * 20,
        "add-repos": "7Ji",
        "repos-first": "7Ji",
        "repos-for-build": "7Ji",
        "trust-key-7Ji": "cd" * 20,
        "tools": "host",
        "borrow": "no",
        "offline": "yes",
        "older-keyring": "yes",
        "repo-core": "base",
        "readable-by": "group",
        "repos-base": "base,more",
        "tmpfs-root": "20G",
        "failed-hooks": "tell",
        "check-twice": "yes",
        "pacman-verifies": "yes",
        "use-pacman-static": "yes",
    }
    elsewhere = {*ELSEWHERE, *read_storage.NAMES}
    assert not {v.name for v in VARIABLES if not any(map(v.matches, words))} - elsewhere
    build = read_build(words, HERE, epoch=7)
    assert build
    assert build.products == (Product.part_root, Product.root_tar, Product.oci)
    assert build.image_name == "me/arch:latest"
    assert build.compressions == (Compression.xz, Compression.zst)
    assert (build.seed, build.epoch) == ("any text", 7)
    assert build.out == Path("/elsewhere")
    assert build.root_size == 8 << 30
    assert build.setup == Settings(
        hostname="pc",
        locales=("de_DE.UTF-8", "en_US.UTF-8"),
        users=(User(("-m", "-G", "wheel", "alice")),),
        passwords=(Password("alice", "a,b"),),
        sudo_groups=("wheel",),
        timezone="Asia/Tokyo",
        keymap="de",
        ssh_keys=(AuthorizedKeys("alice", (SSH_KEY,)),),
        credentials=True,
        wifi=(WifiNetwork("home", "password"),),
        wifi_country="DE",
        network=StaticNetwork(("10.0.0.2/24",), interface="eth0"),
        command_line=("quiet", "rw"),
        services=("sshd.service",),
    )
    assert build.initramfs == "dracut"
    assert build.packages == ("vim", "git")
    assert build.needs == ("sudo", "kbd", "iwd")
    assert build.mirrors == MirrorChoice(
        parents=("https://mirror.example", "http://second.example"),
        repositories=(
            ("base", ("http://127.0.0.1:1/$repo", "http://127.0.0.1:3")),
            ("more", ("http://127.0.0.1:2/$repo",)),
        ),
        trusted_keys=("AB" * 20,),
        offline=True,
        older_keyring=True,
        own_keys=("7Ji",),
    )
    assert [r.keyring.user_keys for r in build.repositories] == [("CD" * 20,)]
    assert (build.tools, build.readers) == (Tools.host, Readers.group)
    assert not build.borrow
    assert build.pacman_static is True
    assert build.platform.distro.core_repository == "base"
    assert build.platform.distro.base_repositories == ("base", "more")
    assert build.memory == 20 << 30
    assert (build.forgives, build.check_twice, build.pacman_verifies) == (True, True, True)
    assert build.lock == HERE / "image.lock"


ROOTS = "root.tar, oci.tar, root.wsl, nspawn.tar"
POSSIBLE = (
    f"it is one of {ROOTS}, disk.img, disk.qcow2, part-boot.img, part-root.img, keyring-helper.tar"
)
NO_DISK = "board= names one with a disk: doit boards lists them"


@pytest.mark.parametrize(
    ("words", "message", "hint"),
    [
        (
            {"create": "root.tar"},
            "distro= is missing",
            f"it is one of {', '.join(distro.id for distro in DISTROS)}",
        ),
        (
            {"distro": "arch", "root_size": "1G"},
            "root-size= has no effect on the board none, which has no disk",
            NO_DISK,
        ),
        (
            {"board": "x64-uefi", "root_size": "1000"},
            "root-size=1000 is not a multiple of the 512 bytes of a sector",
            "write it as 8GiB or 900M",
        ),
        (
            {"board": "x64-uefi", "compress": "zst,gz"},
            "compress=gz is not known",
            "compress= takes none, or some of zst, xz",
        ),
        (
            {"distro": "arch", "create": "disk.img"},
            "create=disk.img cannot be made for the board none",
            f"it is one of {ROOTS}, keyring-helper.tar",
        ),
        (
            {"board": "x64-uefi", "create": "floppy"},
            "create=floppy cannot be made for the board x64-uefi",
            POSSIBLE,
        ),
        ({"board": "x64-uefi", "create": ","}, "create= is empty", POSSIBLE),
        (
            {"board": "x64-uefi", "tools": "host", "create": "keyring-helper.tar"},
            "create=keyring-helper.tar cannot be made for the board x64-uefi",
            POSSIBLE.removesuffix(", keyring-helper.tar"),
        ),
        (
            {"board": "x64-uefi", "install_pkgs": "vim,dracut"},
            "install-pkgs=dracut is an initramfs maker",
            "initrd-maker=dracut has it make an initramfs for any machine",
        ),
        (
            {"board": "x64-uefi", "initrd_maker": "lilo"},
            "initrd-maker=lilo is not known",
            "initrd-maker= is one of booster, mkinitcpio, dracut",
        ),
    ],
)
def test_refusals(words: dict[str, str], message: str, hint: str) -> None:
    assert refusal(**words) == (message, hint)


@pytest.mark.parametrize(
    "word", ["chpasswd=", "compress=", "compress=none", "initrd-maker=", "tmpfs-root=", "size=1G"]
)
def test_a_word_that_changes_nothing(word: str) -> None:
    words = {"board": "x64-uefi"}
    assert read_build({**words, **dict([word.split("=")])}, HERE) == read_build(words, HERE)


@pytest.mark.parametrize(
    "words", [{"size": "1G", "older": "3d"}, {"arch": "riscv64,i686"}, {"table": "=gpt_1g_esp"}]
)
def test_words_for_other_tasks_describe_no_build(words: dict[str, str]) -> None:
    assert read_build(words, HERE) is None
