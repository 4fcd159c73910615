"""What the Raspberry Pi's config.txt says, and to which machines.

Its lines are settings, files to include, and filters, each of which is for what follows until
another of its kind replaces it or ``[all]`` ends them all; those of different kinds are combined
(raspberrypi.com/documentation/computers/config_txt.html#conditional-filters).
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum

_FILTER = re.compile(r"\[([^\]]*)\]")
_WORDS = re.compile(r"(initramfs|include)\s+(\S+)")
_SETTING = re.compile(r"(?!initramfs=|include=)(\w+)=(\S*)")

_VARIANTS = {
    "pi0": ("pi0w", "pi02", "cm0"),
    "pi1": ("cm1",),
    "pi2": (),
    "pi3": ("pi3+", "cm3", "cm3+"),
    "pi4": ("pi400", "cm4", "cm4s"),
    "pi5": ("pi500", "cm5"),
}
"""The filter of each family of models, which all of them see, and those of its models."""

_DEVICE_TREES = (
    (re.compile(r"bcm2712"), "pi5"),
    (re.compile(r"bcm2711"), "pi4"),
    (re.compile(r"-rpi-(zero|cm0)"), "pi0"),
    (re.compile(r"-rpi-(3|cm3)"), "pi3"),
    (re.compile(r"-rpi-2"), "pi2"),
    (re.compile(r"bcm(2708|2835)"), "pi1"),
)
_FIRMWARE_OF_PI4, _FIRMWARE_OF_OTHERS = "start4.elf", "start.elf"

_NAMES_FILE = (
    *("kernel", "armstub", "device_tree", "start_file", "fixup_file"),
    *("initramfs", "ramfsfile", "include"),
)
_SEVERAL = ("initramfs", "ramfsfile")
"""These name files with commas between them."""


class Applies(IntEnum):
    """To which of a board's machines a statement applies."""

    never = 0
    perhaps = 1
    """Nobody can tell here: it depends on what is attached, or on a model that is not known."""
    sometimes = 2
    """To some of them."""
    always = 3


@dataclass(frozen=True)
class Statement:
    """A setting with its value, or ``initramfs`` or ``include`` with the file."""

    key: str
    value: str
    applies: Applies


def families(boot_files: Iterable[str]) -> frozenset[str]:
    """The families of models that are started by these files; none: nobody knows.

    Device trees tell, and else the firmware's program if it is that of one family alone.
    """
    names = list(boot_files)
    by_tree = {
        next((family for pattern, family in _DEVICE_TREES if pattern.search(name)), "")
        for name in names
        if name.endswith(".dtb")
    }
    is_pi4 = _FIRMWARE_OF_PI4 in names and _FIRMWARE_OF_OTHERS not in names
    return frozenset(by_tree - {""} or ({"pi4"} if is_pi4 else ()))


def read_statements(
    text: str, known: frozenset[str], included: Callable[[str], str] = lambda name: ""
) -> list[Statement]:
    """What the text of a config.txt says that may apply to machines of the ``known`` families.

    ``included`` gives the text of a file that it includes, whose filters go on after it.
    """
    return list(_read(text, _Filters(known), included))


def _read(text: str, filters: "_Filters", included: Callable[[str], str]) -> Iterator[Statement]:
    for line in (line.strip() for line in text.split("\n")):
        if name := _FILTER.match(line):
            filters.add(name[1].strip())
        elif filters.applies and (found := _WORDS.match(line) or _SETTING.match(line)):
            yield Statement(found[1], found[2], filters.applies)
            if found[1] == "include":
                yield from _read(included(found[2].lstrip("/")), filters, included)


class _Filters:
    """The filters that hold for the next statement."""

    def __init__(self, known: frozenset[str]) -> None:
        self._known = known
        self._of_kind: dict[str, Applies] = {}

    @property
    def applies(self) -> Applies:
        return min(self._of_kind.values(), default=Applies.always)

    def add(self, name: str) -> None:
        kind, _, value = name.lower().partition("=")
        if kind == "all":
            self._of_kind.clear()
            return
        if "none" in self._of_kind:
            self._of_kind["none"] = Applies.perhaps  # whether another filter ends it is not told
        if kind == "none":
            self._of_kind["none"] = Applies.never
        elif value or not re.match(r"pi\d|cm\d", kind):
            self._of_kind[kind] = Applies.perhaps
        else:
            self._of_kind["model"] = self._model(kind)

    def _model(self, name: str) -> Applies:
        family = next((f for f, models in _VARIANTS.items() if name in (f, *models)), "")
        if not family or not self._known:
            return Applies.perhaps
        if family not in self._known:
            return Applies.never
        return Applies.always if self._known == {name} else Applies.sometimes


def named_files(
    statements: Iterable[Statement], applies: Sequence[Applies] = tuple(Applies)
) -> tuple[str, ...]:
    """The files that are named by statements that apply so, relative to config.txt's folder.

    Of a setting the last one that always applies takes the place of those before it.
    """
    kept: list[Statement] = []
    for statement in statements:
        if statement.key in _NAMES_FILE:
            if statement.applies is Applies.always and statement.key != "include":
                kept = [other for other in kept if other.key != statement.key]
            kept.append(statement)
    names = (
        name
        for statement in kept
        if statement.applies in applies
        for name in (statement.value.split(",") if statement.key in _SEVERAL else [statement.value])
    )
    return tuple(name.lstrip("/") for name in names if name)


def initramfs(configuration: str) -> str:
    """The first initramfs that the text of a config.txt names; empty where it names none."""
    statements = read_statements(configuration, frozenset())
    names = named_files(statement for statement in statements if statement.key in _SEVERAL)
    return next(iter(names), "")


def values(statements: Iterable[Statement], key: str, usual: str) -> tuple[str, ...]:
    """What a setting is on one machine or another; ``usual`` is what it is where nothing is said.

    The last that applies counts. What may not apply at all is left out.
    """
    found = [usual]
    for statement in statements:
        if statement.key == key and statement.applies > Applies.perhaps:
            kept = [] if statement.applies is Applies.always else found
            found = [*kept, statement.value]
    return tuple(dict.fromkeys(found))
