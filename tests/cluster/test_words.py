"""What is sent has no secret, and names no file of the machine that sends it."""

from dataclasses import replace
from pathlib import Path

import pytest

from aimager.cluster.words import NotSentError, with_hashes, words_for
from aimager.config.build import read_build
from aimager.config.variables import make_words
from aimager.errors import ConfigError
from aimager.model.cluster import Cluster
from aimager.products.derivation import derive
from aimager.stages.pack_image import PackImage
from tests.stages.test_pack_image import STAGE

REMOTE = "file:///store"
BUILD = {"board": "x64-uefi", "distro": "archlinux"}
CLUSTER = {**BUILD, "remote": "store", "remote-unsigned": "yes"}


def sent(*, is_image: bool = True, remote: str = REMOTE, **words: str) -> dict[str, str]:
    given = {name.replace("_", "-"): text for name, text in words.items()}
    return words_for({**BUILD, **given}, remote, is_image=is_image)


def test_words_of_this_machine_stay() -> None:
    own = {"out": "/o", "report": "r", "sign": "k", "lock": "l", "workers": "a:1"}
    own |= {"cluster-tls": "t", "remote": "store", "remote-key": "k", "shell": "no"}
    words = words_for({**BUILD, **own}, REMOTE, is_image=True)
    assert words == {**BUILD, "remote": REMOTE}


def test_what_shapes_the_product_goes() -> None:
    more = {"install-pkgs": "core/nano", "create": "root.tar", "remote-unsigned": "yes"}
    assert words_for({**BUILD, **more}, REMOTE, is_image=False) == {
        **BUILD,
        **more,
        "remote": REMOTE,
    }


def test_passwords_do_not_go() -> None:
    assert "secret" not in str(sent(chpasswd="alice:secret", useradd="alice"))
    assert "remote" not in sent(remote="https://me:secret@host/store")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("board", "./mine.py"),
        ("board", "x64-uefi,./mine.py"),
        ("boards", "mine"),
        ("packages", "built"),
        ("install-pkgs", "nano,./mine.pkg.tar.zst"),
        ("reuse-root-tar", "root.tar"),
        ("keyring-helper", "helper.tar"),
        ("overlay", "o.tar"),
        ("files", "a:/etc/a"),
        ("ssh-keys", "root:@key.pub"),
        ("scripts", "a.sh"),
        ("disk-from", "disk.img"),
    ],
)
def test_files_of_this_machine_are_refused(name: str, text: str) -> None:
    with pytest.raises(NotSentError, match=f"{name}= names files of this machine"):
        words_for({**BUILD, name: text}, REMOTE, is_image=True)


def test_a_system_needs_no_file_of_its_image() -> None:
    files = {"overlay": "o.tar", "files": "a:/etc/a", "scripts": "a.sh", "disk_from": "d"}
    assert sent(is_image=False, **files) == {**BUILD, "remote": REMOTE}


def test_a_wireless_networks_passphrase_stays_here() -> None:
    with pytest.raises(NotSentError, match="wifi= holds a passphrase, which is not sent"):
        sent(wifi="home:correct horse")


def test_credentials_of_mirrors_are_refused() -> None:
    with pytest.raises(NotSentError, match="repo-url-parent= holds credentials"):
        words_for({**BUILD, "repo-url-parent": "http://me:it@host"}, REMOTE, is_image=False)


def image_of(words: dict[str, str], folder: Path) -> PackImage:
    build = read_build(words, folder)
    assert build
    return replace(STAGE, setup=build.setup)


def test_hashes_are_those_of_the_image(tmp_path: Path) -> None:
    words = {**BUILD, "useradd": "alice", "chpasswd": "alice:secret,bob:$6$ab$" + "x" * 86}
    stage = image_of(words, tmp_path)
    given = make_words(words, tmp_path)
    hashed, more = with_hashes(stage, given, "seed")
    assert "secret" not in str(more)
    assert with_hashes(stage, given, "seed") == (hashed, more)
    same = image_of({**words, **more}, tmp_path)
    assert derive("pack-image", same, {}).id == derive("pack-image", hashed, {}).id
    assert derive("pack-image", stage, {}).id != derive("pack-image", hashed, {}).id


@pytest.mark.parametrize(
    ("words", "address"),
    [
        ({"workers": "host:8786"}, "tls://host:8786"),
        ({"workers": "tls://host:1"}, "tls://host:1"),
        ({"workers": "tcp://127.0.0.1:1"}, "tcp://127.0.0.1:1"),
        ({"workers": "host:1", "cluster-tls": "no"}, "tcp://host:1"),
        ({"workers": "tcp://host:1", "cluster-tls": "no"}, "tcp://host:1"),
    ],
)
def test_addresses(words: dict[str, str], address: str, tmp_path: Path) -> None:
    build = read_build({**CLUSTER, **words}, tmp_path)
    assert build
    assert build.workers == Cluster(address)


def test_a_folder_of_certificates(tmp_path: Path) -> None:
    build = read_build({**CLUSTER, "workers": "host:1", "cluster-tls": "tls"}, tmp_path)
    assert build
    assert build.workers == Cluster("tls://host:1", tmp_path / "tls")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ({"workers": ""}, "is not the address"),
        ({"workers": "host"}, "is not the address"),
        ({"workers": "http://host:1"}, "is not the address"),
        ({"workers": "host:99999"}, "is not the address"),
        ({"workers": "tls://me:it@host:1"}, "is not the address"),
        ({"workers": "tcp://host:1"}, "without encryption"),
        ({"workers": "tls://host:1", "cluster-tls": "no"}, "do not go together"),
        ({"workers": "host:1", "cluster-tls": ""}, "cluster-tls= is empty"),
        ({"cluster-tls": "tls"}, "no effect without workers="),
    ],
)
def test_what_cannot_be(words: dict[str, str], told: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=told):
        read_build({**CLUSTER, **words}, tmp_path)


def test_a_cluster_needs_a_store(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no effect without remote="):
        read_build({**BUILD, "workers": "host:1"}, tmp_path)
    (tmp_path / "k").touch()
    only_given = {**BUILD, "remote": "store", "remote-key": "k", "workers": "host:1"}
    with pytest.raises(ConfigError, match="whose products are taken"):
        read_build(only_given, tmp_path)


def test_the_package_that_speaks_to_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ConfigError, match="needs the Python package distributed"):
        read_build({**CLUSTER, "workers": "host:1"}, tmp_path)
