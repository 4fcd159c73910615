"""A disk that is larger than its label can tell, or whose root leaves no room, is refused."""

import pytest

from aimager.errors import ConfigError
from aimager.model.partition import MiB
from boards import BOARDS
from tests.config.test_bootable import read

TWO_TIB = (1 << 32) * 512


@pytest.mark.parametrize(
    ("board", "words", "hint"),
    [
        ("x64-legacy", {"root_size": "3T"}, "the board x64-legacy starts from no other label"),
        ("rpi3", {"root_size": "3T"}, "the board rpi3 starts from no other label"),
        ("rpi4", {"root_size": "3T"}, "use a GPT: label: gpt, or table==gpt_1g"),
        ("aarch64-uboot", {"table": "=dos_1g_esp", "root_size": "3T"}, "use a GPT: label: gpt"),
        (
            "x64-uefi",
            {"table": "label: dos; aimager@boot: size=1G, type=ef; aimager@root: size=3T"},
            "use a GPT: label: gpt, or table==gpt_1g_esp",
        ),
        (
            "x64-uefi",
            {"table": "label: dos; aimager@boot: size=1G, type=ef; aimager@root: start=2T"},
            "use a GPT: label: gpt, or table==gpt_1g_esp",
        ),
        (
            "x64-uefi",
            {"table": "label: dos; aimager@boot: size=1G, type=ef; aimager@root:; size=3T"},
            "use a GPT: label: gpt, or table==gpt_1g_esp",
        ),
    ],
)
def test_what_a_dos_label_has_no_numbers_for(board: str, words: dict[str, str], hint: str) -> None:
    with pytest.raises(ConfigError, match="but a dos label counts to 2 TiB") as caught:
        read(BOARDS[board], **words)
    assert caught.value.hint.startswith("give it a smaller size")
    assert hint in caught.value.hint


def test_what_a_label_just_counts_to() -> None:
    root = TWO_TIB - 1026 * MiB
    table = "label: dos; aimager@boot: start=2M, size=1G, type=ef; aimager@root:"
    read(BOARDS["x64-uefi"], table=table, root_size=str(root))
    with pytest.raises(ConfigError, match="counts to 2 TiB"):
        read(BOARDS["x64-uefi"], table=table, root_size=str(root + 512))
    read(BOARDS["x64-uefi"], root_size="16T")


def test_the_size_of_the_root_is_that_of_the_word() -> None:
    """What follows it could start within it, or a kernel have no room in it."""
    table = "label: gpt; aimager@boot: size=1G; aimager@root: size=1G; aimager@home: start=4G"
    read(BOARDS["x64-uefi"], table=table, root_size="2G")
    with pytest.raises(ConfigError, match="the home partition starts at sector 8388608, but"):
        read(BOARDS["x64-uefi"], table=table, root_size="4G")
    with pytest.raises(ConfigError, match="root partition of 1 MiB, which cannot hold a kernel"):
        read(BOARDS["aarch64-uboot"], table="label: dos; aimager@root: size=1G", root_size="1M")
