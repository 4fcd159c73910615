"""What every distribution keeps to, one of ours as a user's own: what breaks a rule would fail at
the first download, or leave packages without a key to verify them by."""

import re
from collections.abc import Iterable, Iterator
from itertools import chain

from aimager.config.parse import check_address, read_fingerprints, read_packages
from aimager.config.paths import is_below
from aimager.config.repositories import read_repository_names
from aimager.errors import ConfigError
from aimager.model.distro import Distro, Keyring

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9@._+-]*")
"""Of a keyring, which stands in paths."""

_VENDOR = re.compile(r"[a-z0-9.+-]*")
_VARIABLE = re.compile(r"\$\w*")
_OF_MIRRORS = frozenset({"$repo", "$arch"})
_OF_ARCHIVES = frozenset({"$initial", "$name"})

_Fault = tuple[str, str]
"""What a distribution has, and what to do about it."""


def check_distro(distro: Distro, told: str) -> None:
    """Refuse a distribution that breaks a rule; ``told`` is what it is called.

    :raises ConfigError: then
    """
    kinds = (_name_faults, _keyring_faults, _mirror_faults, _repository_faults, _root_faults)
    for problem, hint in chain.from_iterable(kind(distro) for kind in kinds):
        raise ConfigError(f"{told} {problem}", hint=hint)


def _name_faults(distro: Distro) -> Iterator[_Fault]:
    if not (distro.name.strip() and distro.name.isprintable()):
        yield f"has the name {distro.name!r}", "give it words: name= is what boot menus show"
    if not distro.architectures:
        yield "has no architectures", "add those that its packages are for"
    if len(set(distro.architectures)) < len(distro.architectures):
        yield "has one of its architectures twice", "leave one out"
    if not _VENDOR.fullmatch(distro.vendor):
        yield f"has the vendor {distro.vendor!r}", "it is a word in lower case, or left out"


def _keyring_faults(distro: Distro) -> Iterator[_Fault]:
    if not distro.keyrings:
        yield "has no keyrings=, by which its packages could be verified", "add a Keyring(...)"
    for keyring in distro.keyrings:
        if not _NAME.fullmatch(keyring.name):
            yield (
                f"has the keyring {keyring.name!r}, which no file can be called",
                "it is the NAME of /usr/share/pacman/keyrings/NAME.gpg",
            )
        if not _is_package(keyring.package):
            yield (
                f"has the keyring's package {keyring.package!r}, which is not the name of one",
                "write it as archlinux-keyring",
            )
        yield from _key_faults(keyring)


def _key_faults(keyring: Keyring) -> Iterator[_Fault]:
    hint = "give all of its 40 hexadecimal digits in capitals: gpg --fingerprint KEY"
    if not keyring.master_keys:
        yield f"has no master_keys= in the keyring {keyring.name}", hint
    for key in (*keyring.master_keys, *keyring.user_keys):
        try:
            is_one = read_fingerprints(key, variable="master_keys") == (key,)
        except ConfigError:
            is_one = False
        if not is_one:
            yield f"has the key {key!r} in the keyring {keyring.name}, not a fingerprint", hint


def _is_package(name: str) -> bool:
    try:
        return read_packages(name, variable="packages") == (name,)
    except ConfigError:
        return False


def _is_repository(name: str) -> bool:
    try:
        return read_repository_names(name, variable="base_repositories") == (name,)
    except ConfigError:
        return False


def _mirror_faults(distro: Distro) -> Iterator[_Fault]:
    url, path = distro.mirrors.url, distro.mirrors.path
    if not url:
        yield "has no url in mirrors=", "add that of a server for the whole world"
    if path and not _can_follow(path):
        yield (
            f"has the path {path!r} in mirrors=, which cannot follow a mirror's address",
            "write it without a leading slash: archlinux/$repo/os/$arch",
        )
    for field, text in (("url", url), ("path", path)):
        yield from _variable_faults(f"{field} of mirrors=", text, _OF_MIRRORS)
        if text and len(distro.base_repositories) > 1 and "$repo" not in text:
            yield (
                f"has no $repo in the {field} of mirrors=, but several repositories",
                "put $repo where a repository's name stands",
            )
    yield from _variable_faults("address of archive=", distro.archive, _OF_ARCHIVES)


def _can_follow(path: str) -> bool:
    try:
        check_address(f"https://host/{path}", told=path)
    except ConfigError:
        return False
    return is_below(path)


def _variable_faults(what: str, text: str, known: Iterable[str]) -> Iterator[_Fault]:
    for variable in _VARIABLE.findall(text):
        if variable not in known:
            yield f"has {variable} in the {what}", f"it may have {' and '.join(sorted(known))}"


def _repository_faults(distro: Distro) -> Iterator[_Fault]:
    names = distro.base_repositories
    for name in names:
        if not _is_repository(name):
            yield f"has the repository {name!r}, which pacman cannot have", "write it as core"
    if len(set(names)) < len(names):
        yield "has one of its base_repositories= twice", "leave one out"
    if distro.core_repository not in names:
        yield (
            f"has no {distro.core_repository} in base_repositories=, which every mirror has",
            "add it, or name another in core_repository=",
        )


def _root_faults(distro: Distro) -> Iterator[_Fault]:
    for package in distro.base_packages:
        if not _is_package(package):
            yield f"has the package {package!r}, which is not the name of one", "write it as base"
    if not is_below(distro.mirrorlist):
        yield (
            f"has the mirrorlist {distro.mirrorlist!r}, which is not a path in the root",
            "write it without a leading slash: etc/pacman.d/mirrorlist",
        )
