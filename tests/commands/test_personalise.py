"""What ``doit personalise`` is told, before anything is read of the image."""

from pathlib import Path

import pytest

from aimager.commands import personalise as command
from aimager.commands.personalise import personalise_image
from aimager.errors import ConfigError
from aimager.files import Readers
from aimager.model.build import Tools
from aimager.model.settings import Settings

Given = tuple[Path, Path | None, Settings, str, Readers, Tools | None]


@pytest.fixture
def given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Given]:
    """What is passed on."""
    (tmp_path / "disk.img").touch()
    passed: list[Given] = []

    def personalise(*what: object) -> tuple[str, ...]:
        passed.append(what)  # type: ignore[arg-type]
        return tuple(f"etc/{number}" for number in range(23))

    monkeypatch.setattr(command, "personalise", personalise)
    return passed


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("hostname=x", "needs an image to start from"),
        ("image=disk.img", "was not told what to change"),
        ("image=none.img hostname=x", "there is no such file"),
        ("image=disk.img hostname=x locales=de_DE.UTF-8", "locales= cannot be set in a finished"),
        ("image=disk.img hostname=x board=x64-uefi", "board= cannot be set in a finished"),
        ("image=disk.img hostname=x out=there", "out= cannot be set in a finished"),
        ("image=disk.img seed=x", "was not told where the copy goes"),
        ("image=disk.img hostname=x to=disk.img", "would take the place of the image itself"),
        ("image=disk.img hostname=disk", "would take the place of the image itself"),
        ("image=disk.img hostname=x to=x.img.zst", "has the name of a compressed image"),
        ("image=disk.img hostname=x to=x.img in-place=yes", "in-place=yes makes no copy"),
        ("image=disk.img hostname=x in-place=perhaps", "in-place=perhaps is neither yes nor no"),
        ("image=disk.img hostname=-x", "hostname=-x is not a valid host name"),
        ("image=disk.img useradd=-m to=x.img", "the login name is missing"),
        ("image=disk.img chpasswd=alice to=x.img", "is not of the form USER:PASSWORD"),
        ("image=disk.img hostname=x to=none/x.img", "to=none/x.img cannot be written"),
    ],
)
def test_wrong_words_are_refused(
    words: str, sentence: str, given: list[Given], tmp_path: Path
) -> None:
    texts = dict(word.split("=", 1) for word in words.split())
    with pytest.raises(ConfigError, match=sentence) as caught:
        personalise_image(texts, tmp_path)
    assert caught.value.hint
    assert not given


def test_a_copy_is_named_after_its_host(
    given: list[Given], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    personalise_image({"image": "disk.img", "hostname": "kiosk-7"}, tmp_path)
    ((image, target, setup, seed, readers, tools),) = given
    assert (image, target) == (tmp_path / "disk.img", tmp_path / "kiosk-7.img")
    assert (setup.hostname, seed, readers, tools) == ("kiosk-7", "", Readers.nobody, None)
    said = capsys.readouterr().out
    assert f"{tmp_path / 'kiosk-7.img'} has ids of its own" in said
    assert "23 paths: /etc/0, " in said
    assert "/etc/19, and 3 more\n" in said


def test_what_is_changed_in_place_has_no_target(given: list[Given], tmp_path: Path) -> None:
    words = {"image": "disk.img", "seed": "x", "in-place": "yes", "tools": "host"}
    personalise_image(words, tmp_path)
    ((image, target, _, seed, _, tools),) = given
    assert (image, target, seed, tools) == (tmp_path / "disk.img", None, "x", Tools.host)


def test_in_place_no_is_a_copy(given: list[Given], tmp_path: Path) -> None:
    words = {"image": "disk.img", "seed": "x", "in-place": "no", "to": "x.img"}
    personalise_image(words | {"readable-by": "group"}, tmp_path)
    assert given[0][1] == tmp_path / "x.img"
    assert given[0][4] is Readers.group
