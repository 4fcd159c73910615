"""What a package's ``depends`` and ``provides`` name, and all that some packages need by them."""

import re
from collections.abc import Container, Iterator, Mapping, Sequence

from aimager.packages.sync_database import DatabasePackage


def bare_name(dependency: str) -> str:
    """The name without the version: ``glibc`` of ``glibc>=2.40``, ``libz.so`` of ``libz.so=1``."""
    return re.split("[<>=]", dependency, maxsplit=1)[0]


def closure(packages: Mapping[str, DatabasePackage], names: Sequence[str]) -> list[str]:
    """The names of ``names`` and of all they depend on.

    Dependencies are followed as libalpm does it (deps.c, _alpm_resolvedeps): depth first, each
    satisfied by what is found already, else by one of ``names``, else by the package of that
    name, else by its first provider, in the order of repositories and then of names. Of versions
    only equality is looked at, and of conflicts nothing: it serves the borrowed root, where there
    is not yet a pacman that could resolve, and predictions.
    """
    providers = _providers(packages)
    found: dict[str, None] = {}
    opened: list[Iterator[str]] = []

    def choose(dependency: str, preferred: Container[str]) -> str | None:
        suitable = _suitable(packages, providers, dependency)
        for circle in (found, preferred, suitable[:1]):
            chosen = next((name for name in suitable if name in circle), None)
            if chosen:
                return chosen
        return None

    def add(name: str) -> None:
        if name not in found:
            found[name] = None
            opened.append(iter(packages[name].depends))

    targets = [chosen for name in names if (chosen := choose(name, ()))]
    for target in targets:
        add(target)
        while opened:
            dependency = next(opened[-1], None)
            if dependency is None:
                opened.pop()
            elif chosen := choose(dependency, targets):
                add(chosen)
    return sorted(found)


def named_by(packages: Mapping[str, DatabasePackage], word: str) -> list[str]:
    """The packages that ``word`` asks for, as with pacman(8)'s ``-S``; which may be empty.

    It is the name of a package, else what one provides, else that of a group.
    """
    if word in packages:
        return [word]
    providing = _providers(packages).get(word, ())[:1]
    members = (name for name, package in packages.items() if word in package.groups)
    return [name for name, _ in providing] or sorted(members)


def providers(
    packages: Mapping[str, DatabasePackage], names: Sequence[str], provision: str
) -> list[str]:
    """Which of ``names``, and of what these depend on by packages' own names, give ``provision``.

    Where a dependency leaves a choice of packages, nothing is chosen yet.
    """
    found: dict[str, None] = {}
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name in packages and name not in found:
            found[name] = None
            waiting += [bare_name(dependency) for dependency in packages[name].depends]
    return sorted(
        name
        for name in found
        if provision in (name, *(bare_name(given) for given in packages[name].provides))
    )


def _suitable(
    packages: Mapping[str, DatabasePackage],
    providers: Mapping[str, Sequence[tuple[str, str]]],
    dependency: str,
) -> list[str]:
    bare = bare_name(dependency)
    provisions = providers.get(bare, ())
    fitting = [name for name, provision in provisions if _satisfies(provision, dependency)]
    named = [bare] if bare in packages else []
    return named + (fitting or [name for name, _ in provisions])


def _providers(packages: Mapping[str, DatabasePackage]) -> dict[str, list[tuple[str, str]]]:
    """By name what is provided, and by which packages and with which version, in order."""
    repositories = list(dict.fromkeys(p.locked.repository for p in packages.values()))
    ranks = {name: rank for rank, name in enumerate(repositories)}
    providers: dict[str, list[tuple[str, str]]] = {}
    for name in sorted(packages, key=lambda name: (ranks[packages[name].locked.repository], name)):
        for provision in packages[name].provides:
            providers.setdefault(bare_name(provision), []).append((name, provision))
    return providers


def _satisfies(provision: str, dependency: str) -> bool:
    """Whether ``a=1`` is given where ``a``, ``a=1`` or, for all we know, ``a>0`` is wanted.

    The release, ``-1``, counts only where both have one (vercmp(8)).
    """
    bare = bare_name(dependency)
    if not dependency.startswith(f"{bare}="):
        return dependency == bare or provision != bare
    return provision == dependency or (
        provision.startswith(f"{dependency}-") or dependency.startswith(f"{provision}-")
    )
