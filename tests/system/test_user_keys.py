"""Packagers' keys that the user trusts, in the image."""

from pathlib import Path
from typing import Any

import pytest

from aimager.errors import ImageError
from aimager.model.distro import Keyring, Mirrors, ThirdPartyRepository
from aimager.sandbox.tree import Tree
from aimager.system.user_keys import lay_user_keys
from tests.packages.test_keyring_files import KEYS
from tests.support.openpgp_maker import Secret, plain
from tests.support.packagers import OLD, Packagers, short_folder

KEYRINGS = "usr/share/pacman/keyrings"
SECRETS = {name: Secret(name, 1) for name in ("master", "packager", "other")}
PRINTS = {name: secret.fingerprint.hex().upper() for name, secret in SECRETS.items()}
CONTENT = {name: plain(secret, name.encode(), 1).packets() for name, secret in SECRETS.items()}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The keyrings of a root that has one of three keys, which lists the master."""
    folder = tmp_path / KEYRINGS
    folder.mkdir(parents=True)
    (folder / "demo.gpg").write_bytes(b"".join(CONTENT.values()))
    (folder / "demo-trusted").write_text(f"# master\n{PRINTS['master'].lower()}:4:\n")
    return folder


@pytest.mark.parametrize("named", [(), ("master",), ("stranger",)])
def test_what_its_keyrings_bring_anyway_changes_nothing(
    tmp_path: Path, folder: Path, named: tuple[str, ...]
) -> None:
    lay_user_keys(Tree(tmp_path), [PRINTS.get(name, KEYS[0]) for name in named])
    assert sorted(path.name for path in folder.iterdir()) == ["demo-trusted", "demo.gpg"]


OF_BUILD = ((PRINTS["packager"], PRINTS["master"]), ())
OF_REPOSITORY = (
    (),
    (
        ThirdPartyRepository(
            "demo",
            (),
            Mirrors("", "http://m"),
            Keyring("demo", "demo-keyring", (), user_keys=(PRINTS["packager"],)),
        ),
    ),
)


@pytest.mark.parametrize("named", [OF_BUILD, OF_REPOSITORY], ids=["build", "repository"])
def test_a_packagers_key_is_laid_without_ownertrust(
    tmp_path: Path, folder: Path, capsys: pytest.CaptureFixture[str], named: Any
) -> None:
    for _ in range(2):  # the second time as in a root that has it already
        lay_user_keys(Tree(tmp_path), *named)
        assert (folder / "trust-key.gpg").read_bytes().startswith(CONTENT["packager"])
        assert (folder / "trust-key-trusted").read_text() == f"{PRINTS['packager']}:2:\n"
        assert f"will trust what the key {PRINTS['packager']} signs" in capsys.readouterr().out


def test_a_masked_keyring_is_passed_over(tmp_path: Path, folder: Path) -> None:
    for name in ("a.gpg", "a-trusted"):
        (folder / name).symlink_to("/dev/null")
    lay_user_keys(Tree(tmp_path), [PRINTS["packager"]])
    assert (folder / "trust-key.gpg").is_file()


def test_a_root_without_keyrings(tmp_path: Path) -> None:
    lay_user_keys(Tree(tmp_path), [PRINTS["packager"]])
    assert not list(tmp_path.iterdir())


def test_a_keyring_that_cannot_be_read(tmp_path: Path, folder: Path) -> None:
    (folder / "demo.gpg").write_bytes(CONTENT["master"][:-1])
    with pytest.raises(ImageError, match=rf"^the image's keyring /{KEYRINGS}/demo\.gpg cannot be"):
        lay_user_keys(Tree(tmp_path), [PRINTS["packager"]])


def test_gpg_takes_it_as_pacman_key_gives_it(tmp_path: Path, folder: Path) -> None:
    """Imported, certified by a local key, and then its ownertrust set: it is valid, and no more."""
    lay_user_keys(Tree(tmp_path), [PRINTS["packager"]])
    with short_folder() as short:
        device = Packagers(short / "p")
        device.gpg([*OLD, "--import", str(folder / "trust-key.gpg")])
        device.gpg([*OLD, "--quick-lsign-key", PRINTS["packager"]])
        device.gpg(["--import-ownertrust", str(folder / "trust-key-trusted")])
        device.gpg(["--check-trustdb"])
        listing = device.gpg(["--with-colons", "--list-keys", PRINTS["packager"]]).decode()
        fields = listing.partition("pub:")[2].split(":")
        assert (fields[0], fields[7]) == ("u", "q") or (fields[0], fields[7]) == ("f", "q")
