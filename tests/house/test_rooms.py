"""The rooms of the house, and the only arrows between them: what each may import.

A module's room is the folder where it lies, so a new module has its place in the order by itself.
A room's docstring says what it may import besides itself.
"""

import ast
import re

from tests.support.modules import MODULES, imports, tree

GROUND = "ground"
"""The modules directly in aimager/, except definitions, which is for the authors of boards."""


def read_arrows() -> dict[str, set[str]]:
    """By room: those that it may import, as its docstring says."""
    rooms = {"aimager": GROUND, "boards": "boards", "bench": "bench"}
    rooms["aimager.definitions"] = "definitions"
    packages = [name for name, path in MODULES.items() if path.name == "__init__.py"]
    rooms |= {name: name.removeprefix("aimager.") for name in packages if name.count(".") == 1}
    arrows = {"dodo": {"commands", "graph", "stages"}}
    for package, name in rooms.items():
        told = ast.get_docstring(tree(MODULES[package])) or ""
        said = re.search(r"^May import: ([\w,\s]+)\.$", told, re.MULTILINE)
        assert said, f"the docstring of {package} says what it may import"
        words = " ".join(said[1].split()).replace("the ground", GROUND)
        arrows[name] = set(words.split(", ")) - {"nothing"}
    return arrows


MAY_USE = read_arrows()


def room(name: str) -> str:
    """The room of a module, by its dotted name."""
    first, *rest = name.split(".")
    if first != "aimager":
        return first
    return rest[0] if len(rest) > 1 or (rest and rest[0] in MAY_USE) else GROUND


def test_a_room_uses_only_what_lies_below() -> None:
    wrong = [
        f"{module} -> {other}"
        for module in MODULES
        for other in imports(module) & MODULES.keys()
        if room(other) not in {room(module), *MAY_USE[room(module)]}
    ]
    assert not wrong


def test_rooms_have_floors() -> None:
    """No room can reach itself: the house has an order from the ground up."""
    below = dict(MAY_USE)
    while free := {name for name, rooms in below.items() if not rooms}:
        below = {name: rooms - free for name, rooms in below.items() if name not in free}
    assert not below


def test_every_folder_is_a_room() -> None:
    assert {room(module) for module in MODULES} == MAY_USE.keys()


def test_modules_of_a_room_are_in_no_circle() -> None:
    left = {name: imports(name) & MODULES.keys() - {name} for name in MODULES}
    while free := {name for name, others in left.items() if not others}:
        left = {name: others - free for name, others in left.items() if name not in free}
    assert not left
