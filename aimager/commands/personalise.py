"""``doit personalise``: a finished image with its own name, users and ids, without a build."""

from collections.abc import Mapping
from pathlib import Path

from aimager import progress
from aimager.compression import DECODERS
from aimager.config.paths import check_new
from aimager.config.personal import PERSONAL, read_personal_settings
from aimager.config.variable import Words
from aimager.config.variables import make_words
from aimager.errors import ConfigError
from aimager.files import Readers
from aimager.graph.personalising import personalise
from aimager.units import count

_OTHERS = ("image", "to", "in-place", "seed", "tools", "readable-by")
_NAMED = 20
"""So many of the paths that changed are named."""


def personalise_image(variables: Mapping[str, str], folder: Path) -> None:
    """Write a copy of ``image=`` that is set up as ``variables`` say, or change it in place.

    :raises AimagerError: when the image cannot be set up so
    """
    words = make_words(variables, folder)
    _check_words(words)
    image: Path = words.read("image")
    setup = read_personal_settings(words)
    target = None if words.read("in-place") else _target(words, image, setup.hostname)
    readers = words.read("readable-by", Readers.nobody)
    tools = words.read("tools")
    changed = personalise(image, target, setup, words.read("seed", ""), readers, tools)
    told = [f"/{path}" for path in changed[:_NAMED]]
    more = [f"and {len(changed) - _NAMED} more"] if changed[_NAMED:] else []
    progress.say(f"   {target or image} has ids of its own, and changes in")
    progress.say(f"   {count(len(changed), 'path')}: {', '.join((*told, *more))}")


def _check_words(words: Words) -> None:
    """Refuse words that mean something for builds alone, and those that mean nothing together.

    :raises ConfigError: then
    """
    if not words.texts.get("image"):
        raise ConfigError(
            "personalise needs an image to start from",
            hint="name it: image=out/archlinux-x86_64-x64-uefi/disk.img",
        )
    for name in words.texts:
        if name not in (*PERSONAL, *_OTHERS):
            raise ConfigError(
                f"{name}= cannot be set in a finished image",
                hint=f"build anew with it; personalise sets {', '.join(PERSONAL)} and seed",
            )
    if not any(name in words for name in (*PERSONAL, "seed")):
        raise ConfigError(
            "personalise was not told what to change",
            hint=f"give it some of {', '.join(PERSONAL)} and seed",
        )
    if words.read("in-place") and "to" in words:
        raise ConfigError("in-place=yes makes no copy that to= could name", hint="leave one out")


def _target(words: Words, image: Path, hostname: str) -> Path:
    """The copy to be made: beside the image, named after its host, where ``to=`` names none."""
    if "to" in words:
        target: Path = words.read("to")
    elif hostname:
        target = image.with_name(f"{hostname}.img")
        check_new(str(target), "hostname")
    else:
        raise ConfigError("personalise was not told where the copy goes", hint="to=FILE names it")
    if target.exists() and target.samefile(image):
        raise ConfigError(
            f"the copy {target} would take the place of the image itself",
            hint="name another file with to=, or change it with in-place=yes",
        )
    if target.suffix in DECODERS:
        raise ConfigError(
            f"to={target.name} has the name of a compressed image, and the copy is not one",
            hint="leave its suffix out, and compress the copy afterwards",
        )
    if image.is_block_device():
        raise ConfigError(
            f"{image} is a device, of which no copy is made", hint="in-place=yes changes it"
        )
    return target
