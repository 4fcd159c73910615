"""An image's settings: the texts and files that they become."""

import io
from collections.abc import Sequence
from pathlib import Path

import pytest

from aimager.errors import CommandError, ConfigError, HostError
from aimager.model.settings import HashedPassword, Settings, User
from aimager.sandbox.id_map import Extent
from aimager.sandbox.owners import HeldIds
from aimager.system import configure as system_setup
from aimager.system.configure import ImageRoot, set_up
from aimager.toolbox import Toolbox
from tests.support.trees import bare_chroot
from tests.system.test_locales import LOCALE_GEN


class RecordingRoot(ImageRoot):
    """A root whose programs are not run but noted."""

    def __init__(self, root: Path, fails: str = "") -> None:
        self.root = root
        super().__init__(bare_chroot(root), Toolbox(None, io.BytesIO()), 7)
        self.runs: list[tuple[list[str], bytes]] = []
        self.fails = fails

    def run(self, argv: Sequence[str], input: bytes = b"") -> str:
        self.runs.append((list(argv), input))
        if self.fails:
            raise CommandError(argv, 9, self.fails)
        return ""


@pytest.fixture
def image(tmp_path: Path) -> RecordingRoot:
    for name, text in (
        ("etc/locale.gen", LOCALE_GEN),
        ("etc/passwd", "root:x:0:0::/root:/bin/sh\nalice:x:1000:1000::/home/alice:/bin/sh\n"),
        ("etc/group", "root:x:0:\nwheel:x:998:\n"),
        ("usr/lib/systemd/system/systemd-networkd.service", ""),
        ("usr/lib/systemd/system/systemd-resolved.service", ""),
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return RecordingRoot(tmp_path)


def test_a_user_is_added_or_the_reason_told(image: RecordingRoot) -> None:
    user = User(("-m", "-G", "wheel", "bob"))
    system_setup.add_user(image, user)
    assert image.runs == [(["useradd", "-m", "-G", "wheel", "bob"], b"")]
    failing = RecordingRoot(image.root, fails="useradd: group 'x' does not exist\n")
    with pytest.raises(ConfigError) as caught:
        system_setup.add_user(failing, user)
    assert caught.value.message == (
        "the user bob cannot be added: useradd: group 'x' does not exist"
    )
    assert caught.value.hint == "correct useradd="


def test_a_user_without_an_id_is_refused(
    image: RecordingRoot, monkeypatch: pytest.MonkeyPatch
) -> None:
    """useradd ends well, and leaves the home to root."""
    ids = (Extent(0, 1000, 1), Extent(1, 100000, 65536))
    monkeypatch.setattr(system_setup, "held_ids", lambda: HeldIds(ids, ids))
    passwd = image.tree.read_text("etc/passwd")
    image.tree.write("etc/passwd", f"{passwd}big:x:100201:100201::/home/big:/bin/sh\n")
    setup = Settings("pc", ("de_DE.UTF-8",), users=(User(("-u", "100201", "-m", "big")),))
    with pytest.raises(HostError) as caught:
        set_up(image, setup, (), mirrorlist="etc/mirrorlist", mirror="http://m")
    assert caught.value.message == (
        "useradd= gives the user big the id 100201, and your subordinate ids do not go that far"
    )
    assert "a range of 100201 ids or more in /etc/subuid" in caught.value.hint


def test_a_password_for_nobody(image: RecordingRoot) -> None:
    with pytest.raises(ConfigError) as caught:
        system_setup.set_passwords(image, (HashedPassword("carol", "$6$salt$hash"),))
    assert caught.value.message == ("chpasswd= names the user carol, who is not in the image")
    assert "$6$" not in str(caught.value)
    system_setup.set_passwords(image, ())
    assert image.runs == []


def test_a_hash_that_the_images_chpasswd_refuses(image: RecordingRoot) -> None:
    failing = RecordingRoot(image.root, fails="chpasswd: (line 1, user alice) invalid hash\n")
    with pytest.raises(ConfigError) as caught:
        system_setup.set_passwords(failing, (HashedPassword("alice", "$2b$x"),))
    assert caught.value.message == (
        "the passwords cannot be set: chpasswd: (line 1, user alice) invalid hash"
    )


def test_sudo(image: RecordingRoot) -> None:
    rules = image.root / "etc/sudoers.d/10-groups"
    system_setup.allow_sudo(image, ())
    assert not rules.exists()
    system_setup.allow_sudo(image, ("wheel", "root"))
    assert rules.read_text() == "%wheel ALL=(ALL:ALL) ALL\n%root ALL=(ALL:ALL) ALL\n"
    assert rules.stat().st_mode & 0o7777 == 0o440
    with pytest.raises(ConfigError) as caught:
        system_setup.allow_sudo(image, ("wheel", "wheels"))
    assert caught.value.message == ("sudo-group= names the group wheels, which is not in the image")


def test_all_of_a_setup(image: RecordingRoot) -> None:
    listing = image.root / "etc/pacman.d/mirrorlist"
    listing.parent.mkdir()
    listing.write_text("#Server = http://m/$repo\n")
    setup = Settings("pi", ("de_DE.UTF-8",), (User(("bob",)),), (), ("wheel",))
    for _ in range(2):
        set_up(
            image,
            setup,
            (HashedPassword("alice", "$6$salt$hash"),),
            mirrorlist="etc/pacman.d/mirrorlist",
            mirror="http://m/$repo",
        )
        (image.root / "etc/sudoers.d/10-groups").unlink()  # an ordinary user cannot write it
    etc = image.root / "etc"
    assert (etc / "hostname").read_text() == "pi\n"
    assert (etc / "vconsole.conf").read_text() == "KEYMAP=us\n"
    assert str((etc / "localtime").readlink()) == "../usr/share/zoneinfo/UTC"
    assert listing.read_text() == "Server = http://m/$repo\n"
    assert [argv for argv, _ in image.runs] == [
        ["locale-gen"],
        ["useradd", "bob"],
        ["chpasswd", "-e"],
    ] * 2


def test_answers_that_a_root_has_are_kept(image: RecordingRoot) -> None:
    (image.root / "etc/vconsole.conf").write_text("KEYMAP=de\n")
    (image.root / "etc/localtime").symlink_to("../usr/share/zoneinfo/Europe/Berlin")
    set_up(image, Settings("pi", ("POSIX",)), (), mirrorlist="etc/none", mirror="http://m")
    assert (image.root / "etc/vconsole.conf").read_text() == "KEYMAP=de\n"
    assert (image.root / "etc/localtime").readlink().name == "Berlin"
    assert not (image.root / "etc/none").exists()
