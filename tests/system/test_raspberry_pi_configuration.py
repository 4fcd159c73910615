"""What config.txt says is known by its filters, for the machines of a board."""

from dataclasses import replace
from pathlib import Path

import pytest

from aimager.system.bootloader.raspberry_pi_configuration import (
    Applies,
    families,
    initramfs,
    named_files,
    read_statements,
    values,
)
from boards import BOARDS
from tests.support.bootable_root import check, make, refused

REAL = Path(__file__).parent / "config_txts"
PI4 = frozenset({"pi4"})


@pytest.mark.parametrize(
    ("board", "known"),
    [
        ("rpi2", {"pi2"}),
        ("rpi3", {"pi3"}),
        ("rpi4", {"pi4"}),
        ("rpi5", {"pi5"}),
        ("rpi-zero2w", {"pi0"}),
        ("aarch64-rpi-uboot", set()),
        ("x64-uefi", set()),
    ],
)
def test_a_boards_models_are_known_by_its_files(board: str, known: set[str]) -> None:
    assert families(BOARDS[board].boot_files) == known


@pytest.mark.parametrize(
    ("filters", "applies"),
    [
        ("", Applies.always),
        ("[all]", Applies.always),
        ("[pi4]", Applies.always),
        ("[PI4]", Applies.always),
        ("[cm4]", Applies.sometimes),
        ("[pi400]", Applies.sometimes),
        ("[pi5]", Applies.never),
        ("[cm5]", Applies.never),
        ("[pi3+]", Applies.never),
        ("[pi02]", Applies.never),
        ("[none]", Applies.never),
        ("[pi6]", Applies.perhaps),
        ("[EDID=VSC-TD2220]", Applies.perhaps),
        ("[gpio4=1]", Applies.perhaps),
        ("[0x12345678]", Applies.perhaps),
        ("[tryboot]", Applies.perhaps),
        ("[pi5]\n[pi4]", Applies.always),
        ("[pi4]\n[pi5]", Applies.never),
        ("[pi5]\n[gpio4=1]", Applies.never),
        ("[gpio4=1]\n[pi4]", Applies.perhaps),
        ("[none]\n[pi4]", Applies.perhaps),
        ("[none]\n[pi5]", Applies.never),
        ("[none]\n[all]", Applies.always),
        ("[gpio4=1]\n[pi5]\n[all]\n[cm4]", Applies.sometimes),
        ("# [none]", Applies.always),
    ],
)
def test_filters(filters: str, applies: Applies) -> None:
    found = read_statements(f"{filters}\nkernel=/a.img\n#kernel=b.img\n", PI4)
    assert [(s.key, s.value, s.applies) for s in found] == (
        [("kernel", "/a.img", applies)] if applies else []
    )
    assert named_files(found) == (("a.img",) if applies else ())


def test_of_an_unknown_board_every_model_is_one_perhaps() -> None:
    text = "[pi4]\nkernel=a\n[none]\nkernel=b\n[all]\nkernel=c\n"
    found = [(s.value, s.applies) for s in read_statements(text, frozenset())]
    assert found == [("a", Applies.perhaps), ("c", Applies.always)]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", ("cmdline.txt",)),
        ("cmdline=a\ncmdline=b\n", ("b",)),
        ("[pi5]\ncmdline=a\n", ("cmdline.txt",)),
        ("[gpio4=1]\ncmdline=a\n", ("cmdline.txt",)),
        ("[cm4]\ncmdline=a\n", ("cmdline.txt", "a")),
        ("[cm4]\ncmdline=a\n[all]\ncmdline=b\n", ("b",)),
        ("[pi4]\ncmdline=a\n", ("a",)),
    ],
)
def test_of_several_values_the_last_that_applies_counts(text: str, found: tuple[str, ...]) -> None:
    assert values(read_statements(text, PI4), "cmdline", "cmdline.txt") == found


def test_all_words_that_name_files() -> None:
    text = (
        "initramfs a,b 0x800000\nramfsfile=c,d\narmstub=e\n device_tree=f/g.dtb\nstart_file=h\n"
        "fixup_file=i\ninclude j\ndevice_tree=\ndtoverlay=k\ninitramfs=l\n"
    )
    assert "".join(named_files(read_statements(text, PI4))) == "abcdehij"
    assert initramfs(text) == "a"
    assert initramfs("[none]\ninitramfs x\n[all]\nramfsfile=/y\n") == "y"


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("kernel=old.img\nkernel=new.img\n", ("new.img",)),
        ("initramfs old 0\ninitramfs new 0\n", ("new",)),
        ("[cm4]\nkernel=a\n[all]\nkernel=b\n", ("b",)),
        ("kernel=b\n[cm4]\nkernel=a\n", ("b", "a")),
        ("kernel=a\n[gpio4=1]\nkernel=b\n", ("a", "b")),
        ("include a\ninclude b\n", ("a", "b")),
    ],
)
def test_a_later_setting_takes_the_place_of_earlier_ones(text: str, named: tuple[str, ...]) -> None:
    assert named_files(read_statements(text, PI4)) == named


def test_what_a_file_includes_is_in_its_place() -> None:
    texts = {"a.txt": "[pi4]\nkernel=b\n[pi5]\n", "c.txt": "kernel=d\n"}
    text = "include /a.txt\nkernel=never\n[all]\nkernel=e\n[none]\ninclude c.txt\n"
    found = read_statements(text, PI4, lambda name: texts[name])
    assert named_files(found) == ("a.txt", "e")


@pytest.mark.parametrize(("name", "board"), [("config.txt", "rpi2"), ("config8.txt", "rpi4")])
def test_real_ones(tmp_path: Path, name: str, board: str) -> None:
    made = make(tmp_path, BOARDS[board])
    text = (REAL / name).read_text()
    (tmp_path / "boot/config.txt").write_text(text)
    assert initramfs(text) == "initramfs-linux.img"
    check(tmp_path, BOARDS[board])
    (tmp_path / "boot/cmdline.txt").write_text((REAL / "cmdline.txt").read_text())
    check(tmp_path, BOARDS[board])
    assert made.disk in refused_root(tmp_path, board)


def refused_root(root: Path, board: str) -> str:
    """What is said where the real command line names the root of another image."""
    text = (REAL / "cmdline.txt").read_text().replace("/dev/mmcblk0p2", "PARTUUID=1-02")
    (root / "boot/cmdline.txt").write_text(text)
    return refused(root, BOARDS[board]).message


@pytest.mark.parametrize(
    ("text", "missing"),
    [
        ("[pi5]\nkernel=x.img\n", None),
        ("[none]\nkernel=x.img\n", None),
        ("[gpio4=1]\nkernel=x.img\n", ""),
        ("[cm4]\nkernel=x.img\n", "x.img"),
        ("[pi5]\n[all]\nkernel=x.img\n", "x.img"),
        ("[gpio4=1]\nkernel=x.img\n[all]\nkernel=x.img\n", "x.img"),
    ],
)
def test_files_of_other_machines_need_not_be_there(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, missing: str | None
) -> None:
    board = BOARDS["rpi4"]
    make(tmp_path, board)
    (tmp_path / "boot/config.txt").write_text(text)
    if missing:
        told = f"/boot/config.txt names /boot/{missing}, which is missing"
        assert refused(tmp_path, board).message == told
        return
    check(tmp_path, board)
    warned = "/boot/config.txt names /boot/x.img, which is missing, below"
    assert (warned in capsys.readouterr().out) == (missing == "")


def test_a_file_is_included_once(tmp_path: Path) -> None:
    board = BOARDS["rpi4"]
    make(tmp_path, board)
    config = tmp_path / "boot/config.txt"
    config.write_text("include config.txt\ninclude more.txt\n" * 60)
    (tmp_path / "boot/more.txt").write_text("include config.txt\ninclude MORE.txt\n" * 60)
    check(tmp_path, board)
    for number in range(80):
        (tmp_path / f"boot/{number}.txt").write_text(f"include {number + 1}.txt\n")
    (tmp_path / "boot/80.txt").touch()
    config.write_text("include 0.txt\n")
    assert refused(tmp_path, board).message == "/boot/config.txt includes more than 64 files"
    config.write_text("#" * (1 << 20) + "\n")
    assert "/boot/config.txt of the image cannot be read: " in refused(tmp_path, board).message


def test_a_board_whose_models_are_not_known(tmp_path: Path) -> None:
    board = replace(BOARDS["rpi4"], boot_files=("kernel8.img",))
    make(tmp_path, board)
    (tmp_path / "boot/config.txt").write_text("[pi5]\nkernel=x.img\n[none]\nkernel=y.img\n")
    check(tmp_path, board)
