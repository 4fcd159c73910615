"""The rooms of the house, and the only arrows between them: what each may import.

A module's room is the folder where it lies, so a new module has its place in the order by itself.
"""

from tests.support.modules import MODULES, imports

GROUND = "ground"
"""The modules directly in aimager/ but for definitions, which is what authors' files import."""

MAY_USE = {
    "ground": "",
    "model": "ground",
    "definitions": "model",
    "distros": "ground model definitions",
    "boards": "definitions",
    "sandbox": "ground model",
    "stand_in": "ground sandbox",
    "packages": "ground model sandbox",
    "system": "ground model sandbox packages",
    "products": "ground model sandbox packages",
    "config": "ground model packages distros boards",
    "image": "ground model packages system",
    "stages": "ground model sandbox packages system image products",
    "graph": "ground model distros sandbox packages products stages",
    "commands": "ground model boards distros config sandbox packages system products graph"
    " stand_in",
    "bench": "ground model sandbox packages graph stand_in",
    "dodo": "commands graph stages",
}
"""By room: those that it may import, besides itself."""


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
        if room(other) not in {room(module), *MAY_USE[room(module)].split()}
    ]
    assert not wrong


def test_rooms_have_floors() -> None:
    """No room can reach itself: the house has an order from the ground up."""
    below = {name: set(rooms.split()) for name, rooms in MAY_USE.items()}
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
