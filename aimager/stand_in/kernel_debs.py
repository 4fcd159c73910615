"""Which Debian packages a kernel is in: one, or, since forky, its image and modules apart."""

import re
from collections.abc import Iterable, Mapping

from aimager.stand_in.deb import Deb
from aimager.stand_in.recipe import Recipe

_MAKERS = ("kernel", "alarm-kernel", "rpi-kernel")
_PART = re.compile(r"linux-(image|binary|modules|base)-")


def is_kernel(recipe: Recipe) -> bool:
    """Whether the recipe's ``option`` is the name of Debian's meta package of a kernel."""
    return recipe.maker in _MAKERS


def is_part(name: str) -> bool:
    """Whether a Debian package is a kernel, or a part of one."""
    return bool(_PART.match(name))


def oldest(meta: str, names: Iterable[str]) -> str:
    """Of the kernels in ``names``, the oldest of the flavour that ``meta`` stands for."""
    flavour = re.escape(meta.removeprefix("linux-image-"))
    # 6.1.0-37-amd64 or 6.12.107+deb13-amd64, and neither rt-amd64 nor cloud-amd64
    kernel = re.compile(rf"linux-image-\d[^-]*(-\d+)?-{flavour}")
    return min(filter(kernel.fullmatch, names), key=_version, default="")


def _version(name: str) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", name)]


def find_kernel(recipe: Recipe, debs: Mapping[str, Deb]) -> list[Deb]:
    """The packages with the recipe's kernel; empty, if there is no older one."""
    newest = _parts(recipe.option, debs)
    if not recipe.older:
        return [debs[name] for name in newest]
    name = oldest(recipe.option, debs)
    return [debs[part] for part in _parts(name, debs)] if name and name not in newest else []


def _parts(name: str, debs: Mapping[str, Deb]) -> list[str]:
    """The package, and those that it depends on, as far as they are parts of a kernel."""
    found: list[str] = []
    waiting = [name]
    while waiting:
        current = waiting.pop()
        if current in debs and is_part(current) and current not in found:
            found.append(current)
            waiting += [other for names in debs[current].control.depends for other in names]
    return sorted(found)
