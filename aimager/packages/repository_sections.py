"""A pacman.conf by its sections, as pacman reads it, and with other repositories in it."""

import posixpath
import re
from collections.abc import Collection, Iterator, Mapping, Sequence

from aimager.errors import ASK_PACKAGER, ImageError
from aimager.sandbox.tree import Tree, shown

_OPTIONS = "options"
_SET_OUT = re.compile(r"#\s*(\[.+\])")
_WORDS = re.compile(r"(\w+)\s*(?:=.*)?")
_ARCHITECTURE = re.compile(r"(?m)^[^\S\n]*Architecture[^\S\n]*=([^\n]*?)[^\S\n]*$")

_DEEPEST = 10
"""Includes in includes that pacman reads (conf.c, config_max_recursion)."""

_MOST_FILES = 1000
_LARGEST = 16 << 20
"""Bytes of all that is read for one pacman.conf."""

Sections = list[tuple[str, str]]
"""Names and texts, each from its header to the next; what is before the first has no name."""


def repositories(pacman_conf: str) -> tuple[str, ...]:
    """The repositories that a pacman.conf enables by itself, in order."""
    names = (name for name, _ in _split(pacman_conf))
    return tuple(dict.fromkeys(name for name in names if name not in ("", _OPTIONS)))


def read_settings(tree: Tree, path: str) -> Iterator[tuple[str, str, str]]:
    """Each setting of a pacman.conf in ``tree``, and of what it includes, with its section.

    A section's header is a setting without a name; one in a file that is included holds behind the
    Include, too, as in pacman's conf.c. What a file has for a section is told once, and those that
    lie deeper than pacman goes are not read.

    :raises ImageError: when it includes more than any would
    """
    yield from _Reading(tree).settings(path, depth=0)


class _Reading:
    """The section that is being read, and what has been read for which."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree
        self._section = ""
        self._read: dict[tuple[str, str], str] = {}
        self._size = 0

    def settings(self, path: str, depth: int) -> Iterator[tuple[str, str, str]]:
        """Those of a file, and of what it includes; afterwards the section is its last."""
        begun = (path, self._section)
        if begun in self._read:
            self._section = self._read[begun]
            return
        if depth > _DEEPEST or not self._tree.is_file(path):
            return
        self._read[begun] = self._section
        for line in self._lines(path):
            if header := _header(line):
                self._section = header
                yield header, "", ""
            elif line.strip() and not line.lstrip().startswith("#"):
                key, _, value = (part.strip() for part in line.partition("="))
                yield self._section, key, value
                if key == "Include" and value:
                    for included in self._tree.glob(posixpath.normpath(value)):
                        yield from self.settings(included, depth + 1)
        self._read[begun] = self._section

    def _lines(self, path: str) -> list[str]:
        status = self._tree.lstat(path)
        self._size += status.st_size if status else 0
        if self._size > _LARGEST or len(self._read) > _MOST_FILES:
            raise ImageError(
                f"what the image's pacman.conf includes is more than {_MOST_FILES} files or"
                f" {_LARGEST >> 20} MiB, with {shown(path)}",
                hint=ASK_PACKAGER,
            )
        return self._tree.read_text(path).split("\n")


def included_repositories(tree: Tree, path: str) -> frozenset[str]:
    """The repositories that a pacman.conf enables by other files alone."""
    all_of_them = {section for section, _, _ in read_settings(tree, path)}
    return frozenset(all_of_them - {"", _OPTIONS, *repositories(tree.read_text(path))})


def with_own(
    pacman_conf: str, own: Mapping[str, str], mirrorlist: str, included: Collection[str] = ()
) -> str:
    """A pacman.conf with the distribution's ``own`` repositories, in that order.

    Those that it has keep what it says of them, one that is commented out is enabled as it stands,
    and others get their address, or the mirrors in ``mirrorlist``. If it has all of them in that
    order already, nothing changes. What is ``included`` stays where it is.
    """
    for name, url in own.items():
        if name not in (*repositories(pacman_conf), *included):
            server = f"Server = {url}" if url else f"Include = /{mirrorlist}"
            pacman_conf = _enabled(pacman_conf, name, server)
    return _ordered(pacman_conf, tuple(own))


def with_added(
    pacman_conf: str,
    first: Mapping[str, str],
    last: Mapping[str, str],
    included: Collection[str] = (),
) -> str:
    """A pacman.conf with more repositories, each with its address, in these orders.

    ``first`` are before all others, and ``last`` behind them. One that it has already, or that is
    ``included``, keeps what it says of it.
    """
    known = (*repositories(pacman_conf), *included)
    for name, url in {**first, **last}.items():
        if name not in known:
            pacman_conf = f"{pacman_conf.rstrip()}\n\n[{name}]\nServer = {url}\n"
    others = [name for name in repositories(pacman_conf) if name not in {**first, **last}]
    return _ordered(pacman_conf, (*first, *others, *last))


def with_architectures(pacman_conf: str, names: Sequence[str]) -> str:
    """A pacman.conf whose pacman takes packages of these architectures beside its own.

    Where it names none, pacman takes those of all, and nothing changes (pacman.conf(5)).
    """
    sections = _split(pacman_conf)
    places = [
        (number, line)
        for number, (section, text) in enumerate(sections)
        if section == _OPTIONS
        for line in _ARCHITECTURE.finditer(text)
        if words(line[1])
    ]
    known = {word for _, line in places for word in words(line[1])}
    more = "".join(f" {name}" for name in names if name not in known)
    if not places or not more:
        return pacman_conf
    number, line = places[0]
    texts = [text for _, text in sections]
    texts[number] = f"{line.string[: line.end(1)]}{more}{line.string[line.end() :]}"
    return "".join(texts)


def words(value: str) -> list[str]:
    """What a setting with several values names: only blanks part them (pacman's conf.c)."""
    return [word for word in value.split(" ") if word]


def _split(pacman_conf: str) -> Sections:
    """Its sections, with all that comes before the first as one without a name."""
    sections: Sections = [("", "")]
    for line in re.findall(r"[^\n]*\n|[^\n]+", pacman_conf):
        name = _header(line)
        if name:
            sections.append((name, line))
        else:
            sections[-1] = (sections[-1][0], sections[-1][1] + line)
    return sections


def _header(line: str) -> str:
    """The name that stands in a section's header; in other lines nothing (pacman's ini.c)."""
    text = line.strip()
    return text[1:-1] if text.startswith("[") and text.endswith("]") else ""


def _ordered(pacman_conf: str, names: Collection[str]) -> str:
    """The sections of these names in this order, at the places that such sections have."""
    sections = _split(pacman_conf)
    found = [name for name, _ in sections if name in names]
    wanted = [name for name in names for other in found if other == name]
    if found == wanted:
        return pacman_conf
    texts = iter([text for name in names for other, text in sections if other == name])
    ordered = [next(texts) if name in names else text for name, text in sections[1:]]
    body = "".join(text.rstrip("\n") + "\n\n" for text in ordered).rstrip("\n")
    return f"{sections[0][1]}{body}\n"


def _enabled(pacman_conf: str, name: str, server: str) -> str:
    """A pacman.conf with a repository that is not enabled in it."""
    lines = pacman_conf.split("\n")
    for number, line in enumerate(lines):
        header = _SET_OUT.fullmatch(line.strip())
        if header and header[1] == f"[{name}]":
            lines[number] = header[1]
            settings = 0
            for after in range(number + 1, len(lines)):
                setting = _setting(lines[after])
                if not setting:
                    break
                lines[after], settings = setting, settings + 1
            if settings:
                return "\n".join(lines)
            break
    return f"{pacman_conf.rstrip()}\n\n[{name}]\n{server}\n"


def _setting(line: str) -> str:
    """The setting of a repository in a line, which may be commented out; else nothing."""
    text = line.lstrip("# \t")
    match = _WORDS.fullmatch(text.rstrip())
    return text if match and match[1] in ("Server", "Include", "SigLevel", "Usage") else ""
