"""What a finished image is set up to, as users write it."""

from pathlib import Path

import pytest

from aimager.config.personal import PERSONAL, read_image, read_personal_settings
from aimager.config.variables import make_words
from aimager.errors import ConfigError
from aimager.model.settings import Password, Settings, User


def read(folder: Path, **texts: str) -> Settings:
    return read_personal_settings(make_words(texts, folder))


def test_what_is_not_named_stays(tmp_path: Path) -> None:
    setup = read(tmp_path, seed="x")
    assert setup == Settings("")


def test_users_and_passwords_are_those_of_a_build(tmp_path: Path) -> None:
    setup = read(tmp_path, hostname="kiosk", useradd="-m alice", chpasswd="alice:secret")
    assert setup.hostname == "kiosk"
    assert setup.users == (User(("-m", "alice")),)
    assert setup.passwords == (Password("alice", "secret"),)


def test_keys_enable_the_server_unless_it_is_not_wanted(tmp_path: Path) -> None:
    (tmp_path / "key.pub").write_text(
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIPHzKDDCnXkhvQ6a3mpxnhJt3ZJVqLRhYzyJ5mJVt1Vf me\n"
    )
    assert read(tmp_path, **{"ssh-keys": "root:@key.pub"}).services == ("sshd.service",)
    assert not read(tmp_path, **{"ssh-keys": "root:@key.pub", "ssh-server": "no"}).services


def test_a_country_needs_a_network(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="wifi-country= has no effect"):
        read(tmp_path, **{"wifi-country": "DE"})


def test_an_image_is_a_file_or_a_device(tmp_path: Path) -> None:
    (tmp_path / "disk.img").touch()
    assert read_image("disk.img", tmp_path, variable="image") == tmp_path / "disk.img"
    assert read_image("", tmp_path, variable="image") is None
    for name in ("none.img", ".", "x" * 300, "/dev/null"):
        with pytest.raises(ConfigError, match="there is no such file"):
            read_image(name, tmp_path, variable="image")


def test_all_of_them_are_variables_of_builds() -> None:
    words = make_words({}, Path())
    assert set(PERSONAL) <= set(words.variables)
