"""What a package's ``depends`` and ``provides`` name, and all that some packages need by them."""

import heapq
import re
from collections.abc import Container, Iterator, Mapping, Sequence
from itertools import chain

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
    providers = _Providers(packages)
    found: dict[str, None] = {}
    opened: list[Iterator[str]] = []
    settled = set[str]()

    def add(name: str) -> None:
        if name not in found:
            found[name] = None
            opened.append(iter(packages[name].depends))

    targets = dict.fromkeys(chosen for name in names if (chosen := providers.choose(name, ())))
    for target in targets:
        add(target)
        while opened:
            dependency = next(opened[-1], None)
            if dependency is None:
                opened.pop()
            elif dependency not in settled:  # else what satisfies it is found already
                settled.add(dependency)
                if chosen := providers.choose(dependency, found, targets):
                    add(chosen)
    return sorted(found)


def closure_of_all(packages: Mapping[str, DatabasePackage], names: Sequence[str]) -> list[str]:
    """The names of ``names`` and of all that may satisfy what they depend on, sorted.

    Of packages that are installed together, every one that gives what another needs is taken: so
    none is missing, whatever versions are asked for.
    """
    providers = _Providers(packages)
    found, waiting = set(names), list(names)
    while waiting:
        needed = {
            d for dependency in packages[waiting.pop()].depends for d in providers.of(dependency)
        }
        waiting += needed - found
        found |= needed
    return sorted(found)


def unmet(packages: Mapping[str, DatabasePackage], names: Sequence[str]) -> list[str]:
    """What ``names`` depend on and none of ``packages`` gives, in order."""
    providers = _Providers(packages)
    wanted = dict.fromkeys(d for name in names for d in packages[name].depends)
    return [dependency for dependency in wanted if not providers.choose(dependency)]


def first_provider(packages: Mapping[str, DatabasePackage], name: str) -> str | None:
    """The first package that provides ``name``, in the order of repositories and then of names."""
    return next((package for package, _ in _providers(packages).get(name, ())), None)


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


class _Providers:
    """Finds what satisfies a dependency without looking at all that gives its name.

    In a database that was made to be slow, a hundred thousand may.
    """

    def __init__(self, packages: Mapping[str, DatabasePackage]) -> None:
        self._packages = packages
        self._all: dict[str, list[tuple[int, str]]] = {}
        self._with_version: dict[str, list[tuple[int, str]]] = {}
        self._exact: dict[str, list[tuple[int, str]]] = {}
        self._of_any_release: dict[str, list[tuple[int, str]]] = {}
        for bare, provisions in _providers(packages).items():
            for place, (name, provision) in enumerate(provisions):
                self._all.setdefault(bare, []).append((place, name))
                self._exact.setdefault(provision, []).append((place, name))
                if provision != bare:
                    self._with_version.setdefault(bare, []).append((place, name))
                    without = _without_release(provision)
                    self._of_any_release.setdefault(without, []).append((place, name))

    def choose(self, dependency: str, *circles: Container[str]) -> str | None:
        """What satisfies it, of one of the circles, in their order; else the first of all."""
        for circle in circles:
            chosen = next((name for name in self.of(dependency) if name in circle), None)
            if chosen:
                return chosen
        return next(self.of(dependency), None)

    def of(self, dependency: str) -> Iterator[str]:
        """The package of that name, and those that provide it; of all versions, if none fits."""
        bare = bare_name(dependency)
        if bare in self._packages:
            yield bare
        fitting = self._fitting(bare, dependency)
        first = next(fitting, None)
        given = self._all.get(bare, ()) if first is None else chain((first,), fitting)
        yield from (name for _, name in given)

    def _fitting(self, bare: str, dependency: str) -> Iterator[tuple[int, str]]:
        """Where ``a=1`` is given and ``a``, ``a=1`` or, for all we know, ``a>0`` is wanted.

        The release, ``-1``, counts only where both have one (vercmp(8)).
        """
        if dependency == bare:
            return iter(self._all.get(bare, ()))
        if not dependency.startswith(f"{bare}="):
            return iter(self._with_version.get(bare, ()))
        without = _without_release(dependency)
        if without == dependency:
            return iter(self._of_any_release.get(dependency, ()))
        same, any_release = self._exact.get(dependency, ()), self._exact.get(without, ())
        return heapq.merge(same, any_release)


def _without_release(provision: str) -> str:
    """``a=1`` of ``a=1-2``."""
    name, equals, version = provision.partition("=")
    return f"{name}{equals}{version.partition('-')[0]}"


def _providers(packages: Mapping[str, DatabasePackage]) -> dict[str, list[tuple[str, str]]]:
    """By name what is provided, and by which packages and with which version, in order."""
    repositories = list(dict.fromkeys(p.locked.repository for p in packages.values()))
    ranks = {name: rank for rank, name in enumerate(repositories)}
    providers: dict[str, list[tuple[str, str]]] = {}
    for name in sorted(packages, key=lambda name: (ranks[packages[name].locked.repository], name)):
        for provision in packages[name].provides:
            providers.setdefault(bare_name(provision), []).append((name, provision))
    return providers
