"""pacman: which one to run, its configuration, and what we run it for."""

import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from aimager import process, progress
from aimager.errors import CommandError
from aimager.model.lock import LockedPackage
from aimager.packages.hooks import places
from aimager.packages.local_database import LOCAL
from aimager.packages.pacman_output import Transaction, explain_resolving, refuse_conflict
from aimager.program_output import More, Watch
from aimager.sandbox.chroot import IMAGE, PACKAGES, PACMAN, Chroot, make_mount_points
from aimager.sandbox.mounts import Bind
from aimager.sandbox.owners import refuse_lost_owner
from aimager.sandbox.program_archive import unpack_programs
from aimager.sandbox.tree import Tree
from aimager.toolbox import Toolbox

FOLDERS = ("cache", "hooks", "gnupg")
_CONF = "pacman.conf"
_LOG = "pacman.log"

_OLDEST = (6, 0)
"""The first pacman that takes a package's signature from the file beside it."""

_CONFLICT_QUESTION = "4"
"""ALPM_QUESTION_CONFLICT_PKG (alpm.h), for ``--ask``, which answers it with yes."""

_INSTALLING = ("-U", "--noconfirm", "--asdeps", "--noprogressbar", "--ask", _CONFLICT_QUESTION)


class TransactionError(CommandError):
    """pacman failed; ``said`` is all that it said."""

    def __init__(self, error: CommandError, said: str) -> None:
        super().__init__(error.argv, error.status, error.tail, hint=error.hint)
        self.said = said


@dataclass(frozen=True)
class Pacman:
    """A pacman program, and the tools that it is found among; None are the host's own.

    ``binds`` are what it needs beside them, and `at` the files of a build has to be told.
    """

    program: str
    tools: Path | None
    binds: tuple[Bind, ...] = ()


@dataclass(frozen=True)
class PacmanRun:
    """``pacman`` at work on ``image`` by the configuration in ``work``, in a jail.

    It sees the ``packages``, by name, and what lies in `FOLDERS` of ``work``.
    """

    pacman: Pacman
    image: Chroot
    work: Path
    log: IO[bytes]
    packages: tuple[Path, ...] = ()

    def run(
        self,
        arguments: Sequence[str],
        *,
        epoch: int = 0,
        watch: Watch = lambda _: None,
    ) -> str:
        """Run it, and return all that it says: what fails in a hook is on standard error.

        Each line is given to ``watch`` as it comes.

        :raises CommandError: when it fails
        """
        jail = self.image.jail_of_tools(
            self.pacman.tools,
            *self.pacman.binds,
            *(Bind(self.work / name, PACMAN / name) for name in ("cache", "gnupg")),
            *(Bind(self.work / name, PACMAN / name, read_only=True) for name in ("hooks", _CONF)),
            *(Bind(path.resolve(), PACKAGES / path.name, read_only=True) for path in self.packages),
        )
        argv = [self.pacman.program, "--config", str(PACMAN / _CONF), *arguments]
        env = {"SOURCE_DATE_EPOCH": str(epoch)}
        return process.run(argv, within=jail, log=self.log, env=env, watch=watch)

    def own_log(self) -> str:
        """What it has written to its log (`aimager.packages.hooks` reads that)."""
        cache = Tree(self.work / "cache")  # what runs in the jail may have changed what is there
        return cache.read_text(_LOG) if cache.is_file(_LOG) else ""


def choose_pacman(tools: Toolbox, static: Path | None, work: Path) -> Pacman | None:
    """The borrowed pacman, which is the same on every host, else pacman-static, else the host's.

    All of them need gpg. ``static`` is the archive of pacman-static: None where the host's pacman
    is enough, an empty file where there is none for this host, missing if it was not fetched.
    """
    if tools.borrowed and (tools.borrowed / "usr/bin/pacman").exists():
        return Pacman("pacman", tools.lender)
    if static and static.exists() and static.stat().st_size:
        unpacked = work / "pacman-static"
        unpack_programs(static, unpacked)
        among = tools.lender if tools.root_of("gpg") else None
        place = PACMAN / "pacman-static"
        binds = (Bind(unpacked, place, read_only=True),)
        return Pacman(f"{place}/usr/bin/pacman-static", among, binds)
    gpg = shutil.which("gpg", path=process.ENVIRONMENT["PATH"])
    return Pacman("pacman", None) if gpg and host_has_pacman() else None


def host_has_pacman() -> bool:
    """Whether the host's own pacman is new enough to do the job."""
    return _host_version() >= _OLDEST


def _host_version() -> tuple[int, ...]:
    if not shutil.which("pacman", path=process.ENVIRONMENT["PATH"]):
        return ()
    found = re.search(r"Pacman v(\d+)\.(\d+)", process.run(["pacman", "--version"]))
    return tuple(int(number) for number in found.groups()) if found else ()


def pacman_conf(
    architectures: Sequence[str],
    servers: Sequence[tuple[str, str]] = (),
    *,
    unsigned: bool = False,
    verified: bool = False,
    hooks: Sequence[str] = (),
) -> str:
    """The pacman.conf of a build, which takes packages of ``architectures``.

    ``servers`` are repositories with their addresses, in order.

    ``hooks`` are folders of the root (`aimager.packages.hooks`); those of ours come after them.
    With ``unsigned`` a package file may lack a signature; whoever asks for that has verified those
    that must not. Who has ``verified`` all files has pacman look at no signature of theirs.

    It has no DownloadUser: that user is looked up on the host, and the sandbox that comes with it
    fails in containers and under emulation. It has no CheckSpace, which needs the mount table.
    """
    level = "Never" if verified else "Optional" if unsigned else "Required"
    lines = [
        "[options]",
        f"Architecture = {' '.join(architectures)}",
        f"RootDir = {IMAGE}",
        f"DBPath = {IMAGE}/var/lib/pacman/",
        f"CacheDir = {PACMAN}/cache/",
        f"LogFile = {PACMAN}/cache/{_LOG}",
        f"GPGDir = {PACMAN}/gnupg/",
        *(f"HookDir = {place}" for place in (*places(hooks), f"{PACMAN}/hooks/")),
        "SigLevel = Required DatabaseOptional",
        f"LocalFileSigLevel = {level}",
    ]
    for name, url in servers:
        lines += ["", f"[{name}]", f"Server = {url}"]
    return "\n".join(lines) + "\n"


def write_conf(text: str, work: Path) -> None:
    """Write it, and make the folders that it names: pacman 7.1 wants them to exist."""
    for folder in FOLDERS:
        (work / folder).mkdir(mode=0o700, exist_ok=True)
    (work / _CONF).write_text(text)


def prepare_root(root: Path) -> None:
    """Make the folders that pacman needs before the first package is installed."""
    root.mkdir(parents=True, exist_ok=True)
    tree = Tree(root)
    for folder in ("var/cache/pacman/pkg", "var/lib/pacman/sync", "var/log", "etc/pacman.d"):
        tree.mkdir(folder)
        tree.chmod(folder, 0o755)
    make_mount_points(tree)


def resolve(pacman: PacmanRun, names: Sequence[str]) -> list[tuple[str, str]]:
    """All packages that installing ``names`` to an empty root installs: repository and name.

    :raises ConfigError: when the repositories do not have one of them, or it needs what they lack
    :raises DownloadError: when pacman cannot read a database
    """
    progress.step("resolving dependencies")
    arguments = ["-Sp", "--noconfirm", "--print-format", "package %r %n"]
    said = _Heard()
    try:
        text = pacman.run([*arguments, "--", *names], watch=said.hear)
    except CommandError as error:
        refuse_conflict(said.text)
        explained = explain_resolving(said.text)
        if explained is None:
            raise
        raise explained from error
    return re.findall(r"^package (\S+) (\S+)$", text, re.MULTILINE)


class _Heard:
    """All lines that pacman says: those of a failure's `CommandError` are its last alone."""

    def __init__(self) -> None:
        self._lines: list[str] = []

    def hear(self, line: str) -> bool:
        """Take the next; False where it is part of one that is too long, which the log has."""
        if isinstance(line, More):
            return False
        self._lines.append(line)
        return True

    @property
    def text(self) -> str:
        return "\n".join(self._lines)


def install(
    pacman: PacmanRun, packages: Sequence[LockedPackage], *, explicit: Sequence[str], epoch: int
) -> str:
    """Install the files of ``packages``, all verified first, and return what pacman says.

    There may be no packages. Those in ``explicit``, which may be there already, are marked as
    explicitly installed.

    :raises ConfigError: when two of the packages are in conflict
    :raises HostError: when the namespace lacks the id of a file's owner
    :raises TransactionError: when pacman fails
    """
    files = [str(PACKAGES / package.file) for package in packages]
    said, text = _Heard(), ""
    transaction = Transaction(len(packages))

    def watch(line: str) -> None:
        if said.hear(line):
            transaction.read(line)

    if files:
        try:
            pacman.run([*_INSTALLING, "--", *files], epoch=epoch, watch=watch)
        except CommandError as error:
            refuse_conflict(said.text)
            raise TransactionError(error, said.text) from error
        text = said.text
        refuse_conflict(text)
        refuse_lost_owner(text, IMAGE)
    if explicit:
        pacman.run(["-D", "--asexplicit", "--noconfirm", "--", *explicit], epoch=epoch)
    return text


def package_files(packages: Sequence[LockedPackage], store: Path) -> tuple[Path, ...]:
    """What pacman has to see of ``packages``: of one that nobody signed no signature.

    In the store may lie one beside it, where a repository has had the very same file.
    """
    signatures = [package.signature(store) for package in packages if package.is_signed]
    return (*(package.path(store) for package in packages), *signatures)


def installed(tree: Tree) -> set[str]:
    """``name-version`` of every package in the local database of ``tree``."""
    return {name for name in tree.names(LOCAL) if tree.is_dir(f"{LOCAL}/{name}")}


def enable_mirror(mirrorlist: str, url: str) -> str:
    """The mirrorlist with the server ``url`` enabled, if it ships them all commented out."""
    if re.search(r"^\s*Server\s*=", mirrorlist, re.MULTILINE):
        return mirrorlist
    pattern = re.compile(rf"^#[ \t]*(Server\s*=\s*{re.escape(url)})[ \t]*$", re.MULTILINE)
    enabled, count = pattern.subn(r"\1", mirrorlist, count=1)
    return enabled if count else f"{mirrorlist.rstrip()}\nServer = {url}\n".lstrip()
