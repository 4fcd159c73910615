"""Names that no file can have, and what no program takes, are refused by the variable."""

from pathlib import Path

import pytest

from aimager.config.builds import read_builds
from aimager.config.variables import is_secret
from aimager.errors import ConfigError, explain_system_error

LONG = "x" * 256
DEEP = "x/" * 2500
LETTERS = "\u00e4" * 128  # of two bytes each
NO_TEXT = "\udcff"

MINE = {"add-repos": "mine=https://m.example", "trust-key-mine": "A" * 40}
STORE = {"remote": "store", "remote-unsigned": "yes"}
PATHS = [
    *({name: "{}"} for name in ("packages", "lock", "out", "sign", "scripts", "boards")),
    *({name: "{}.tar"} for name in ("overlay", "reuse-root-tar", "keyring-helper")),
    {"install-pkgs": "./{}.pkg.tar.zst"},
    {"install-pkgs": "@{}"},
    {"report": "{}"},
    {"report": "{}/report"},
    {"board": "x64-uefi", "disk-from": "{}"},
    {"board": "x64-uefi", "table": "@{}"},
    {"board": "./{}.py"},
    {"distro": "./{}.py"},
    {"files": "{}:/etc/x"},
    {"files": "there:/etc/{}"},
    {"chpasswd": "@{}"},
    {"key-file-mine": "{}", **MINE},
    *({name: "{}", **STORE} for name in ("remote-key", "remote-allowed-signers")),
]


def refusal(folder: Path, words: dict[str, str]) -> ConfigError:
    (folder / "there").write_text("text")
    named = {} if {"board", "distro"} & {*words} else {"distro": "arch", "board": "none"}
    with pytest.raises(ConfigError) as caught:
        read_builds({**named, **words}, folder)
    return caught.value


@pytest.mark.parametrize("name", [LONG, LETTERS], ids=["ascii", "letters"])
@pytest.mark.parametrize("words", PATHS, ids=lambda words: next(iter(words)))
def test_no_file_has_a_longer_name(tmp_path: Path, words: dict[str, str], name: str) -> None:
    refusal(tmp_path, {key: text.format(name) for key, text in words.items()})


@pytest.mark.parametrize("words", PATHS, ids=lambda words: next(iter(words)))
def test_no_path_is_longer(tmp_path: Path, words: dict[str, str]) -> None:
    refusal(tmp_path, {key: text.format(DEEP + "x") for key, text in words.items()})


def test_the_kernels_word_for_it_is_explained(tmp_path: Path) -> None:
    with pytest.raises(OSError) as caught:
        (tmp_path / LONG).open()
    explained = explain_system_error(caught.value)
    assert explained
    assert explained.hint == "name it shorter: most file systems take 255 bytes"


@pytest.mark.parametrize(
    "words",
    [
        *PATHS,
        *({name: "{}"} for name in ("seed", "useradd", "append-all", "install-pkgs")),
        {"chpasswd": "root:{}"},
        {"board": "x64-uefi", "mkfs-arg": "root={}"},
    ],
    ids=lambda words: next(iter(words)),
)
def test_no_value_has_a_nul(tmp_path: Path, words: dict[str, str]) -> None:
    error = refusal(tmp_path, {key: text.format("a\0b") for key, text in words.items()})
    name = next(key for key, text in words.items() if "{}" in text)
    assert error.message == f"{name}= has a NUL character, which no value can have"


def test_nor_has_one_of_a_list_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "list").write_text("vim\na\0b\n")
    error = refusal(tmp_path, {"install-pkgs": "@list"})
    assert error.message == "install-pkgs= has a NUL character, which no value can have"


@pytest.mark.parametrize(
    "words",
    [
        *PATHS,
        {"useradd": "-m -c {} alice"},
        {"useradd": "-p {} alice"},
        {"chpasswd": "root:{}"},
        {"seed": "{}"},
        {"append-all": "{}"},
        {"board": "x64-uefi", "append-linux": "{}"},
        {"board": "x64-uefi", "mkfs-arg": "root=-L {}"},
        {"hostname": "{}"},
        {"locales": "{}"},
        {"repo-url-core": "https://m.example/{}"},
        {"add-repos": "mine=https://m.example/{}", "trust-key-mine": "A" * 40},
        {"remote": "s3://{}", "remote-unsigned": "yes"},
        {"repo-core": "{}"},
        {"board": "x64-uefi", "table": "{}"},
    ],
    ids=lambda words: next(iter(words)),
)
def test_every_value_is_text(tmp_path: Path, words: dict[str, str]) -> None:
    """Python has what is not UTF-8 on a command line as lone surrogates, which nothing encodes."""
    error = refusal(tmp_path, {key: text.format(NO_TEXT) for key, text in words.items()})
    name, value = next((key, text) for key, text in words.items() if "{}" in text)
    shown = "" if is_secret(name) else value.format(r"\udcff")
    assert error.message == f"{name}={shown} is not in UTF-8"
    assert error.hint == "type it on a terminal that writes UTF-8"
