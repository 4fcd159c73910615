"""Which packages a platform's mirror gets: recipes matched with what apt has downloaded."""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path

from aimager.stand_in.convert import Job
from aimager.stand_in.deb import Deb
from aimager.stand_in.kernel_debs import find_kernel, is_kernel, is_part
from aimager.stand_in.metadata import Metadata, translate_version
from aimager.stand_in.ports import PORTS, Port
from aimager.stand_in.recipe import Recipe
from aimager.stand_in.tables import CONTENT, read_table


def plan_packages(
    arch: str, recipes: Mapping[str, Recipe], debs: Mapping[str, Deb], cache: Path, salt: str
) -> list[Job]:
    """A job for every package; ``salt`` stands for the code and the key."""
    recipes = _complete_recipes(recipes, debs)
    owners = _map_names(recipes.values(), debs)
    jobs = []
    for recipe in recipes.values():
        sources = [debs[name] for name in recipe.debs if name in debs]
        if is_kernel(recipe):
            sources = find_kernel(recipe, debs)
            if not sources:
                continue
        if recipe.maker == "static-pacman":
            # makepkg's own needs are bash and perl; two of its programs are taken, no script.
            sources = [*_close_over(recipe.debs[0], debs), debs["makepkg"]]
        if recipe.maker == "files" and recipe.debs and not sources:
            continue
        metadata = _describe(arch, recipe, sources, owners)
        # What a port has no files of its own for is the same in each port of that architecture.
        files_of = arch if _has_own(PORTS[arch], recipe) else ""
        identity = json.dumps(
            [files_of, asdict(recipe), asdict(metadata), [deb.sha256 for deb in sources], salt],
            default=repr,
        )
        folder = cache / hashlib.sha256(identity.encode()).hexdigest()[:32]
        jobs.append(Job(recipe, arch, metadata, tuple(deb.path for deb in sources), folder))
    return jobs


def _complete_recipes(recipes: Mapping[str, Recipe], debs: Mapping[str, Deb]) -> dict[str, Recipe]:
    """Add a recipe for each Debian package that is in none, and leave out those without any."""
    complete = {
        name: recipe
        for name, recipe in recipes.items()
        if not recipe.debs or any(deb in debs for deb in recipe.debs)
    }
    claimed = {deb for recipe in complete.values() for deb in recipe.debs} | set(
        read_table("dropped-debs")
    )
    for name in debs:
        if name not in claimed and not is_part(name):
            complete.setdefault(name, Recipe(name, (name,), repository="extra"))
    return complete


def _map_names(recipes: Iterable[Recipe], debs: Mapping[str, Deb]) -> dict[str, str]:
    """Debian's names, virtual ones too, to the names of our packages."""
    owners: dict[str, str] = {}
    for recipe in recipes:
        if recipe.maker == "static-pacman":
            continue
        for name in recipe.debs:
            if name in debs:
                owners[name] = recipe.name
                for virtual in debs[name].control.provides:
                    owners.setdefault(virtual, recipe.name)
    return owners


def _describe(arch: str, recipe: Recipe, sources: list[Deb], owners: Mapping[str, str]) -> Metadata:
    first = sources[0].control if sources else None
    architectures = {deb.control.architecture for deb in sources}
    version = recipe.version or (translate_version(first.version) if first else "20250501-1")
    depends = set(recipe.depends)
    provides = set(recipe.provides)
    if recipe.maker == "files" and recipe.name != "bash":
        for deb in sources:
            depends |= {
                owners[name]
                for names in deb.control.depends
                for name in names[:1]
                if name in owners
            }
        provides |= {deb.control.name for deb in sources}
    any_arch = recipe.arch == "any" or recipe.maker in ("keyring", "ucode")
    port = PORTS[arch]
    # Arch Linux 32 has packages of i686 among those of pentium4.
    named = arch if _has_own(port, recipe) or not port.packages else port.packages[-1]
    return Metadata(
        recipe.name,
        version,
        "any" if any_arch or architectures == {"all"} else recipe.arch or named,
        recipe.description or (first.description if first else f"{recipe.name} (stand-in)"),
        first.homepage if first else "",
        0,
        depends=tuple(sorted(depends - {recipe.name})),
        provides=tuple(sorted(provides - {recipe.name})),
        conflicts=recipe.conflicts,
        backup=_list_backup(recipe, sources),
        optional=recipe.optional,
    )


def _has_own(port: Port, recipe: Recipe) -> bool:
    """Whether a package has files that are this distribution's, or name its architecture."""
    return (CONTENT / port.distro / recipe.name).is_dir()


def _list_backup(recipe: Recipe, sources: list[Deb]) -> tuple[str, ...]:
    if recipe.maker != "files":
        return recipe.backup
    kept = {path.lstrip("/") for deb in sources for path in deb.control.conffiles}
    dropped = re.compile(r"etc/(cron|init\.d|sv|ufw|runit|kernel)")
    kept = {path for path in kept if not dropped.match(path) and path not in recipe.drop}
    return tuple(sorted(kept | set(recipe.backup)))


def _close_over(name: str, debs: Mapping[str, Deb]) -> list[Deb]:
    """The package, and then all that it needs."""
    found: dict[str, Deb] = {}
    waiting = [name]
    while waiting:
        current = waiting.pop()
        if current in debs and current not in found and current not in read_table("dropped-debs"):
            found[current] = debs[current]
            waiting += [names[0] for names in debs[current].control.depends]
    return [found.pop(name), *(deb for _name, deb in sorted(found.items()))]
