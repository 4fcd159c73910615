"""``doit flash`` as it is typed: what it says, asks and shows, and what Ctrl-C leaves."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from aimager.commands.flash import run
from aimager.commands.flash.disks import Disk
from aimager.config.builds import read_builds
from aimager.errors import AimagerError, ConfigError, HostError
from aimager.image.bmap import bmap_text
from aimager.model.layout import Extent
from tests.support.places import ROOT
from tests.support.terminal import Terminal, doit

MIB = 1 << 20
SIZE = 8 * MIB
LARGE = 3 << 30
DISK = Disk("sdx", "8:0", SIZE, "Model", "USB", True, False, ())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where an image lies, and a card that is larger."""
    image = tmp_path / "disk.img"
    image.write_bytes(os.urandom(SIZE))
    image.with_name("disk.img.bmap").write_text(bmap_text(image, [Extent(0, 3 * MIB)]))
    (tmp_path / "card").write_bytes(b"\xa5" * (SIZE + 2 * MIB))
    return tmp_path


def flash(folder: Path, **words: str) -> None:
    run.flash_image(None, {name.replace("_", "-"): text for name, text in words.items()}, folder)


def refusal(folder: Path, **words: str) -> str:
    with pytest.raises(AimagerError) as caught:
        flash(folder, **words)
    return str(caught.value)


def test_what_is_written_is_told(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    flash(folder, image="disk.img", device="card")
    said = capsys.readouterr().out.splitlines()
    assert said[:3] == [
        f"   {folder}/disk.img: 8.4 MB, 3.1 MB of it by its block map",
        f"   {folder}/card: a file, whose data is lost",
        f"flash: disk.img to {folder}/card",
    ]
    assert re.fullmatch(rf"   wrote 3\.1 MB to {folder}/card and read it back in \S+ s", said[3])
    assert (folder / "card").read_bytes()[: 3 * MIB] == (folder / "disk.img").read_bytes()[
        : 3 * MIB
    ]


def test_what_becomes_of_the_device_is_told_where_the_image_is_damaged(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with (folder / "disk.img").open("r+b") as stream:
        stream.write(b"changed")
    assert "is damaged, or was changed" in refusal(folder, image="disk.img", device="card")
    assert "card is half written (0 B of 3.1 MB): what it held is lost" in capsys.readouterr().out


def test_the_image_of_a_build_is_found(folder: Path) -> None:
    (build,) = read_builds({"board": "x64-uefi", "out": str(folder / "out")}, folder)
    with pytest.raises(ConfigError, match=r"disk\.img does not exist"):
        run.flash_image(build, {"device": "card"}, folder)
    made = folder / "out" / build.id
    made.mkdir(parents=True)
    for name in ("disk.img", "disk.img.bmap"):
        (folder / name).rename(made / name)
    run.flash_image(build, {"device": "card"}, folder)
    assert (folder / "card").read_bytes()[:MIB] == (made / "disk.img").read_bytes()[:MIB]


def test_what_is_not_written_to(folder: Path) -> None:
    (folder / "link").symlink_to("disk.img")
    for device, said in {
        "none": "none does not exist",
        "link": "link is the image itself",
        ".": "is neither a disk nor a file",
        "/dev/null": "/dev/null is neither a disk nor a file",
    }.items():
        assert said in refusal(folder, image="disk.img", device=device)
    assert "there is nothing to flash" in refusal(folder, device="card")
    said = refusal(folder, image="disk.img", device="card", device_again="other")
    assert "device-again=" in said
    assert "other is not device=" in said
    assert set((folder / "card").read_bytes()) == {0xA5}


def test_who_may_not_write_is_told_what_to_type(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "access", lambda *_: False)
    card = folder / "card"
    said = refusal(folder, image="disk.img", device="card")
    assert re.search(rf"(\S+) may not write to {card}\n  hint: .*: sudo chown \1 {card}$", said)


@pytest.mark.parametrize(
    ("answer", "goes_on"), [("y", True), (" YES ", True), ("", False), ("n", False), (None, False)]
)
def test_on_a_terminal_it_asks(
    monkeypatch: pytest.MonkeyPatch, answer: str | None, goes_on: bool
) -> None:
    def type_it(question: str) -> str:
        assert question == "   overwrite /dev/sdx? [y/N] "
        if answer is None:
            raise EOFError
        return answer

    for stream in (sys.stdin, sys.stdout):
        monkeypatch.setattr(stream, "isatty", lambda: True, raising=False)
    monkeypatch.setattr("builtins.input", type_it)
    if goes_on:
        run._ask(DISK)
        return
    with pytest.raises(ConfigError, match="nothing was written to /dev/sdx"):
        run._ask(DISK)


def test_what_cannot_be_unmounted_is_told_of(tmp_path: Path) -> None:
    with pytest.raises(HostError, match=r"cannot be unmounted: umount: .*") as caught:
        run._unmount(f"{tmp_path}/a b")
    assert f"sudo umount '{tmp_path}/a b'" in caught.value.hint


@pytest.fixture
def large(folder: Path) -> Path:
    """The same with an image that takes some seconds, all of which is written."""
    (folder / "disk.img.bmap").unlink()
    os.truncate(folder / "disk.img", LARGE)
    return folder


def test_speed_and_time_left_are_shown_and_ctrl_c_is_told_of(large: Path) -> None:
    words = ("-f", str(ROOT / "dodo.py"), "flash", "image=disk.img", "device=card")
    here = {"AIMAGER_CACHE": str(large / "cache"), "NO_COLOR": "1"}
    # doit looks where its dodo.py lies, and goes on where it was called.
    shown = Terminal(doit(*words), large, here, columns=250)
    bar = re.compile(
        r"flash: writing +\d+%\|.*\| [\d.]+M?B of 3\.22GB \[\d\d:\d\d<\d\d:\d\d, +[\d.]+[MG]B/s\]"
    )
    shown.wait_for(lambda lines: any(map(bar.fullmatch, lines)))
    shown.type("\x03")
    said = " ".join(shown.finish())
    assert re.search(r"card is half written \([\d.]+ \wB of 3\.2 GB\): what it held is lost", said)
    assert "interrupted" in said
    assert "Traceback" not in said
    assert shown.running.returncode != 0
    with (large / "card").open("rb") as card:
        assert card.read(MIB) == bytes(MIB), "nothing starts from it"


@contextmanager
def attached(file: Path) -> Iterator[Path]:
    """A loop device of a file, where there are some and this user may have one."""
    argv = ["losetup", "--find", "--show", str(file)]
    try:
        done = subprocess.run(argv, capture_output=True, text=True, check=False)
    except OSError as error:
        pytest.skip(f"there is no losetup: {error}")
    if done.returncode:
        pytest.skip(f"there is no loop device to be had: {done.stderr.strip()}")
    device = Path(done.stdout.strip())
    try:
        yield device
    finally:
        subprocess.run(["losetup", "--detach", device], check=True)


def test_a_loop_device(folder: Path) -> None:
    with attached(folder / "card") as device:
        said = refusal(folder, image="disk.img", device=str(device))
        assert f"{device} (10.5 MB) is not removable" in said
        (folder / "link").symlink_to(device)
        flash(folder, image="disk.img", device="link", device_again=str(device))
        holder = os.open(device, os.O_RDONLY | os.O_EXCL)
        twice = {"device": str(device), "device_again": str(device)}
        assert f"{device} is in use" in refusal(folder, image="disk.img", **twice)
        os.close(holder)
    written, wanted = (folder / "card").read_bytes(), (folder / "disk.img").read_bytes()
    assert written[: 3 * MIB] == wanted[: 3 * MIB]
    assert written[3 * MIB : -MIB] == b"\xa5" * (6 * MIB)
    assert written[-MIB:] == bytes(MIB)


def test_a_loop_device_that_is_too_small(folder: Path) -> None:
    os.truncate(folder / "card", SIZE - 512)
    with attached(folder / "card") as device:
        twice = {"device": str(device), "device_again": str(device)}
        assert "is too small: the image has 8.4 MB" in refusal(folder, image="disk.img", **twice)
