"""The members of a package that is made of Debian packages and of files kept beside this code."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from aimager.stand_in.deb import read_entries
from aimager.stand_in.entry import Entry, make_directory, make_file, make_link
from aimager.stand_in.ports import PORTS, Port
from aimager.stand_in.recipe import Recipe
from aimager.stand_in.tables import CONTENT, read_table


def gather_files(recipe: Recipe, arch: str, debs: Iterable[Path]) -> list[Entry]:
    """Debian's files as the recipe wants them, corrected by our own."""
    entries = list(_adapt_debian_files(recipe, debs))
    derive = _DERIVED.get(recipe.name)
    if derive:
        entries += derive(entries)
    entries += [make_directory(path, mode, gid=gid) for path, mode, gid in recipe.directories]
    entries += [make_link(path, target) for path, target in recipe.links]
    entries += read_folder(CONTENT / "packages" / recipe.name)
    entries += _read_port_folder(PORTS[arch], recipe.name)
    modes = dict(recipe.modes)
    capabilities = dict(recipe.capabilities)
    return [
        replace(
            entry,
            mode=modes.get(entry.path, entry.mode),
            capability=capabilities.get(entry.path, b""),
        )
        for entry in entries
    ]


def read_folder(folder: Path) -> Iterator[Entry]:
    """The files below a folder; scripts are recognised by their first line.

    Modes are not read from the disk: an installed Python package need not keep them.
    """
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            data = path.read_bytes()
            mode = 0o755 if data.startswith(b"#!") else 0o644
            yield make_file(str(path.relative_to(folder)), data, mode)


def _read_port_folder(port: Port, name: str) -> Iterator[Entry]:
    """The port's own files of a package, in which ``@ARCH@`` stands for its architectures."""
    architectures = " ".join(port.packages or (port.arch,)).encode()
    for entry in read_folder(CONTENT / port.distro / name):
        yield replace(entry, data=entry.data.replace(b"@ARCH@", architectures))


def read_scriptlet(recipe: Recipe) -> bytes:
    path = CONTENT / "install" / f"{recipe.name}.install"
    return path.read_bytes() if path.is_file() else b""


def is_below(path: str, folders: Iterable[str]) -> bool:
    return any(path == folder or path.startswith(folder + "/") for folder in folders)


def _adapt_debian_files(recipe: Recipe, debs: Iterable[Path]) -> Iterator[Entry]:
    dropped = (*recipe.drop, *read_table("dropped-paths"))
    texts = {path: (old.encode(), new.encode()) for path, old, new in recipe.replace}
    for deb in debs:
        for entry in read_entries(deb):
            if is_below(entry.path, dropped) or _is_translation(entry.path):
                continue
            if recipe.keep and not is_below(entry.path, recipe.keep):
                continue
            entry = replace(entry, path=_move_path(entry.path, recipe.move))
            if entry.path in texts:
                entry = replace(entry, data=entry.data.replace(*texts[entry.path]))
            yield entry


def _move_path(path: str, moves: Iterable[tuple[str, str]]) -> str:
    for old, new in moves:
        if is_below(path, [old]):
            return new + path[len(old) :]
    return path


def _is_translation(path: str) -> bool:
    return path.startswith("usr/share/locale/") and "/LC_" in path


def _make_glibc_files(entries: list[Entry]) -> list[Entry]:
    """Arch's locale.gen: every locale, commented out, two spaces at the end. And one of the hard
    links to getconf(1) that its glibc has in another folder."""
    supported = next(entry for entry in entries if entry.path == "usr/share/i18n/SUPPORTED")
    head = "# Configuration file for locale-gen: uncomment what locale-gen shall generate.\n#\n"
    lines = [f"#{line.strip()}  \n" for line in supported.data.decode().splitlines() if line]
    getconf = next(entry for entry in entries if entry.path == "usr/bin/getconf")
    link = replace(getconf, path="usr/lib/getconf/POSIX_V7_LP64_OFF64")
    return [make_file("etc/locale.gen", head + "".join(lines)), link]


def _make_sshd_config(entries: list[Entry]) -> list[Entry]:
    """Debian's post-installation script copies the file that the package brings as an example."""
    example = next(entry for entry in entries if entry.path == "usr/share/openssh/sshd_config")
    return [replace(example, path="etc/ssh/sshd_config", inode="")]


_DERIVED: dict[str, Callable[[list[Entry]], list[Entry]]] = {
    "glibc": _make_glibc_files,
    "openssh": _make_sshd_config,
}
