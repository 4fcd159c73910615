"""What repositories the image's own pacman.conf has, and the keys that its pacman needs."""

import base64
import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from aimager.errors import ImageError
from aimager.model.distro import Keyring, ThirdPartyRepository
from aimager.packages.keyring_files import KEYRINGS
from aimager.sandbox.tree import Tree

_CONF = "etc/pacman.conf"


_SECTION = re.compile(r"[ \t]*\[([^\]\n]+)\][ \t]*")
_SET_OUT = re.compile(r"#[ \t]*(\[[^\]\n]+\][ \t]*)")
_WORDS = re.compile(r"(\w+)[ \t]*(?:=.*)?")


def add_repositories(
    tree: Tree,
    repositories: Sequence[ThirdPartyRepository],
    own: Mapping[str, str] = MappingProxyType({}),
    mirrorlist: str = "",
) -> None:
    """Let the pacman of ``tree`` use its distribution's ``own`` repositories and ``repositories``.

    ``own`` are names, in order, each with an address if the user named one; ``mirrorlist`` is where
    the others of them have their mirrors. The keyring packages of
    the others bring their keys; keys from a file are put where such a package would put them, and
    the first boot's ``pacman-key --populate`` takes both.

    :raises ImageError: when the root has no pacman.conf, and needs one
    """
    if not tree.is_file(_CONF):
        if repositories:
            raise ImageError(
                f"the image has no /{_CONF} to add repositories to",
                hint="the package pacman brings it: add it with install-pkgs=pacman, or leave"
                " add-repos= out",
            )
        return
    text = tree.read_text(_CONF)
    wanted = with_repositories(with_own(text, own, mirrorlist), repositories)
    if wanted != text:
        tree.write(_CONF, wanted)
    for repository in repositories:
        if not repository.keyring.package:
            _lay_keys(tree, repository.keyring)


def with_own(pacman_conf: str, own: Mapping[str, str], mirrorlist: str) -> str:
    """A pacman.conf with the distribution's ``own`` repositories, in that order.

    Those that it has keep what it says of them, one that is commented out is enabled as it stands,
    and others get their address, or the mirrors in ``mirrorlist``. If it has all of them in that
    order already, nothing changes.
    """
    for name, url in own.items():
        if name not in _names(pacman_conf):
            server = f"Server = {url}" if url else f"Include = /{mirrorlist}"
            pacman_conf = _enabled(pacman_conf, name, server)
    if [name for name in _names(pacman_conf) if name in own] == [*own]:
        return pacman_conf
    before, sections = _split(pacman_conf)
    texts = iter([text for name in own for found, text in sections if found == name])
    ordered = [next(texts) if found in own else text for found, text in sections]
    return before + "".join(text.rstrip("\n") + "\n\n" for text in ordered).rstrip("\n") + "\n"


def with_repositories(pacman_conf: str, repositories: Sequence[ThirdPartyRepository]) -> str:
    """A pacman.conf with ``repositories`` after its own; one that it has already stays as it is."""
    sections = _names(pacman_conf)
    added = [
        f"\n[{repository.id}]\nServer = {repository.mirrors.url}\n"
        for repository in repositories
        if repository.id not in sections
    ]
    return pacman_conf.rstrip("\n") + "\n" + "".join(added) if added else pacman_conf


def _names(pacman_conf: str) -> list[str]:
    """The sections of a pacman.conf, in order, ``options`` among them."""
    found = (_SECTION.fullmatch(line) for line in pacman_conf.split("\n"))
    return list(dict.fromkeys(match[1] for match in found if match))


def _split(pacman_conf: str) -> tuple[str, list[tuple[str, str]]]:
    """What is before the first section, and every section's name and text."""
    before, sections = "", list[tuple[str, str]]()
    for line in pacman_conf.splitlines(keepends=True):
        match = _SECTION.fullmatch(line.rstrip("\n"))
        if match:
            sections.append((match[1], line))
        elif sections:
            name, text = sections[-1]
            sections[-1] = (name, text + line)
        else:
            before += line
    return before, sections


def _enabled(pacman_conf: str, name: str, server: str) -> str:
    """A pacman.conf with a repository that is not enabled in it."""
    lines = pacman_conf.split("\n")
    for number, line in enumerate(lines):
        header = _SET_OUT.fullmatch(line)
        if header and header[1].strip() == f"[{name}]":
            lines[number] = header[1]
            settings = 0
            for after in range(number + 1, len(lines)):
                words = _setting(lines[after])
                if not words:
                    break
                lines[after], settings = words, settings + 1
            if settings:
                return "\n".join(lines)
            break
    return f"{pacman_conf.rstrip()}\n\n[{name}]\n{server}\n"


def _setting(line: str) -> str:
    """The setting of a repository in a line, which may be commented out; else nothing."""
    text = line.lstrip("# \t")
    match = _WORDS.fullmatch(text)
    return text if match and match[1] in ("Server", "Include", "SigLevel", "Usage") else ""


def _lay_keys(tree: Tree, keyring: Keyring) -> None:
    tree.write(f"{KEYRINGS}/{keyring.name}.gpg", base64.b64decode(keyring.keys), 0o644)
    trusted = "".join(f"{key}:4:\n" for key in keyring.named)
    tree.write(f"{KEYRINGS}/{keyring.name}-trusted", trusted, 0o644)
