"""The root of a worker: only what its call needs exists in it.

::

    /usr, /bin, /lib ..., and some of /etc     the host's programs, read-only
    Python and our code                        read-only, where the host has them
    the call's inputs                          read-only, at their own paths
    its products, logs and downloads           files that the builder opened, at their own paths
    the work directory                         at its own path, on the disk or in memory
    /dev /proc /sys /run /tmp                  its own

There is no home, nothing of the host's /tmp and /run, and nothing else of the cache.
"""

import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from aimager.sandbox.mounts import (
    RUN,
    Bind,
    Directory,
    Link,
    Operation,
    Proc,
    Sys,
    Text,
    Tmpfs,
    device_mounts,
)

TEMPORARY = Path("/tmp")
"""Where programs may put temporary files."""

CERTIFICATES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR")
"""Variables that name the certificates of those whom the user believes."""

TERMINAL = RUN / "terminal"
"""The user's, for a call that is given it."""

_PROGRAMS = ("usr", "bin", "sbin", "lib", "lib32", "lib64", "libx32", "nix/store", "gnu/store")
_SETTINGS = (
    *("ld.so.cache", "ld.so.conf", "ld.so.conf.d", "alternatives", "nsswitch.conf"),
    *("mke2fs.conf", "mtools.conf", "protocols", "services"),
)
_NETWORK_SETTINGS = (
    *("resolv.conf", "hosts", "host.conf", "gai.conf", "ca-certificates", "crypto-policies"),
    *("ssl/certs", "ssl/cert.pem", "ssl/openssl.cnf", "pki/ca-trust", "pki/tls/certs"),
)
"""What is read of /etc; no keys are among it."""

_PYTHON = ("bin", "lib", "lib32", "lib64", "ssl", "etc/ssl", "pyvenv.cfg")
"""What belongs to Python where it lies, which may be in a home."""

_USERS = "root:x:0:0::/root:/usr/bin/sh\nnobody:x:65534:65534::/:/usr/bin/nologin\n"
_GROUPS = "root:x:0:\ntty:x:5:\nnobody:x:65534:\n"


@dataclass(frozen=True)
class Seen:
    """The host's file or folder ``source``, without symbolic links, is seen at ``target``."""

    source: Path
    target: Path
    writable: bool = False

    @property
    def is_plain(self) -> bool:
        """Whether it is as the host has it: there is nothing to do for it below another."""
        return self.source == self.target and not self.writable


def see(path: Path, *, writable: bool = False) -> Seen:
    """``path`` at its own place.

    :raises FileNotFoundError: when there is nothing
    """
    return Seen(path.resolve(strict=True), path.absolute(), writable)


def program_mounts(root: Path = Path("/")) -> tuple[Operation, ...]:
    """The programs of ``root``, and what they read of /etc."""
    return (
        *_programs(root, _PROGRAMS),
        *_settings(root, _SETTINGS),
        Text(Path("/etc/passwd"), _USERS),
        Text(Path("/etc/group"), _GROUPS),
        Directory(Path("/root"), 0o700),
    )


def worker_mounts(
    seen: Iterable[Seen], *, work: Path, work_at: Path, tmpfs: int | None, network: bool
) -> tuple[Operation, ...]:
    """The root, with ``seen``, and at ``work_at`` the folder ``work``, or ``tmpfs`` new bytes."""
    places = sorted(set(seen), key=lambda place: place.target)
    # Folders alone: of files there are as many as there are packages.
    folders = [Path("/", name) for name in _PROGRAMS]
    folders += [p.target for p in places if p.is_plain and p.source.is_dir()]
    covered = _covered([p.target for p in places if not p.is_plain] + [work_at], folders)
    places = [p for p in places if not p.is_plain or not _is_seen(p.target, folders, covered)]
    settings = _settings(Path("/"), _NETWORK_SETTINGS) if network else ()
    own = Bind(work, work_at) if tmpfs is None else Tmpfs(work_at, mode=0o700, size=tmpfs)
    there: list[Bind | Tmpfs] = [Tmpfs(path) for path in covered]
    there += [Bind(p.source, p.target, read_only=not p.writable) for p in places]
    return (
        *program_mounts(),
        *settings,
        Tmpfs(RUN),
        Directory(RUN / "user/0", 0o700),  # where GnuPG puts its sockets
        Directory(TEMPORARY, 0o1777),
        *device_mounts(),
        Proc(Path("/proc")),
        Sys(Path("/sys")),
        *sorted(there, key=lambda operation: operation.target),
        own,
    )


def code() -> tuple[Seen, ...]:
    """Python, and what this process has imported, or may import, from elsewhere, ours among it."""
    prefixes = {Path(prefix) for prefix in (sys.prefix, sys.base_prefix, sys.exec_prefix)}
    prefixes |= {Path(os.path.realpath(sys.executable)).parents[1]}
    foreign = [prefix for prefix in prefixes if not prefix.is_relative_to("/usr")]
    found = {prefix / part for prefix in foreign for part in _PYTHON}
    entries = [Path(entry or Path.cwd()) for entry in sys.path]
    entries = [entry for entry in entries if entry.exists()]
    for entry in entries:
        if not any(entry.is_relative_to(prefix) for prefix in {*prefixes, Path("/usr")}):
            whole = entry.is_file() or entry.name in ("site-packages", "dist-packages")
            found |= {entry} if whole else {*_imported(entry), *_modules(entry)}
    return tuple(see(path) for path in _outermost(found) if path.exists())


def _imported(folder: Path) -> Iterator[Path]:
    """What lies at the top of ``folder`` and has been imported from there."""
    start, found = os.path.join(folder, ""), set[str]()  # noqa: PTH118 - as text: each call asks
    for module in [m for m in sys.modules.values() if isinstance(m, ModuleType)]:
        for place in (getattr(module, "__file__", None), *getattr(module, "__path__", ())):
            if place and place.startswith(start):
                found.add(place.removeprefix(start).partition("/")[0])
    yield from (folder / name for name in found)


def _modules(folder: Path) -> Iterator[Path]:
    """What may be imported later from ``folder``, which may hold anything else, too."""
    with suppress(PermissionError):  # nothing can be imported from there either
        for path in folder.iterdir():
            if path.suffix in (".py", ".so", ".dist-info") or os.access(
                path / "__init__.py", os.R_OK
            ):
                yield path


def _outermost(paths: Iterable[Path]) -> list[Path]:
    """Those that are not below another of them, in order."""
    kept: list[Path] = []
    for path in sorted(set(paths)):  # by which what is below another follows it at once
        if not (kept and path.is_relative_to(kept[-1])):
            kept.append(path)
    return kept


def _programs(root: Path, names: Sequence[str]) -> Iterator[Operation]:
    for name in names:
        source, target = root / name, Path("/", name)
        if source.is_symlink():
            yield Link(target, str(source.readlink()))
        elif source.is_dir():
            yield Bind(source, target, read_only=True)


def _settings(root: Path, names: Sequence[str]) -> Iterator[Operation]:
    for name in names:
        path = root / "etc" / name
        if path.exists():
            yield Bind(path.resolve(), Path("/etc", name), read_only=True)


def _covered(targets: Sequence[Path], folders: Sequence[Path]) -> list[Path]:
    """Where one of ``targets`` lies in what is seen read-only of the host, the folder it is in.

    Nothing could be made there to mount on, and what lies beside it is not for the worker.
    """
    parents = {target.parent for target in targets if _is_seen(target, folders, ())}
    return _outermost(parents)


def _is_seen(target: Path, folders: Sequence[Path], covered: Sequence[Path]) -> bool:
    """Whether ``target`` is there by one of ``folders``, which are seen as the host has them."""
    if any(target.is_relative_to(folder) for folder in covered):
        return False
    return any(target != folder and target.is_relative_to(folder) for folder in folders)
