"""Getting repositories' databases, each checked before it is kept.

::

    fetch_databases        decides: what is known, which mirrors are left, what is kept
      download_databases   has the network, and writes to the files that it is given
      check_databases      reads what came, and needs nothing else

The latter two are called in namespaces of their own.
"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from aimager import limits
from aimager.errors import DownloadError
from aimager.files import FILE, publish
from aimager.locks import locked
from aimager.model.lock import LockedPackage
from aimager.packages.download_errors import NotFoundError
from aimager.packages.mirror_fallback import Fallback, NoMirrorError, tell_of
from aimager.packages.remembered import note_asked, recall, remember, was_asked
from aimager.packages.sync_database import read_database
from aimager.progress import say
from aimager.sandbox.namespace import call
from aimager.shown import without_credentials

if TYPE_CHECKING:
    from aimager.packages.download import Client


@dataclass(frozen=True)
class Database:
    """A repository's database, which lies below each of ``urls`` and is kept at ``path``."""

    repository: str
    urls: tuple[str, ...]
    path: Path

    def address(self, url: str) -> str:
        """Where it lies below one of ``urls``."""
        return f"{url}/{self.repository}.db"


@dataclass(frozen=True)
class Wish:
    """To have a database written to the empty file ``target``.

    ``known`` is what was said of the one that is kept, by the address that said it.
    """

    database: Database
    target: Path
    known: dict[str, dict[str, str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Wishes:
    """What `download_databases` is to do; ``is_quiet``: without telling of mirrors that fail."""

    wishes: tuple[Wish, ...]
    is_quiet: bool = False


@dataclass(frozen=True)
class Failure:
    """Why a mirror did not give what it should; ``is_missing``: it has no such file."""

    message: str
    hint: str
    is_missing: bool = False

    def error(self) -> DownloadError:
        """The error that it was."""
        kind = NotFoundError if self.is_missing else DownloadError
        return kind(self.message, hint=self.hint)


@dataclass(frozen=True)
class Given:
    """What became of a wish: ``url`` gave it and told ``said`` of it; empty where none did.

    ``said`` is None where what is kept is still the same.
    """

    url: str
    said: dict[str, str] | None = None
    failures: tuple[Failure, ...] = ()


@dataclass(frozen=True)
class Arrived:
    """Files that came as the databases of repositories, for `check_databases`."""

    files: tuple[tuple[str, Path], ...]


def download_databases(asked: Wishes) -> tuple[Given, ...]:
    """Fetch what is wished for; of what comes, no more than how it begins is looked at."""
    from aimager.packages.download import Client

    client, fallback = Client(), Fallback(_mute if asked.is_quiet else say)
    return tuple(_download(client, fallback, wish) for wish in asked.wishes)


def _mute(_: str) -> None:
    """Tell nothing."""


def _download(client: "Client", fallback: Fallback, wish: Wish) -> Given:
    def fetch(url: str) -> Given:
        address = wish.database.address(url)
        known = wish.known.get(without_credentials(address))
        said = client.fetch_into(address, wish.target, limit=limits.DATABASE, known=known)
        return Given(url, said)

    try:
        return fallback.ask(client, wish.database.urls, fetch)
    except NoMirrorError as error:
        return Given("", failures=tuple(map(_failure, error.reasons)))


def _failure(error: DownloadError) -> Failure:
    return Failure(error.message, error.hint, isinstance(error, NotFoundError))


def check_databases(arrived: Arrived) -> tuple[Failure | None, ...]:
    """What is wrong with each file; None: it is a database."""
    return tuple(_check(repository, path) for repository, path in arrived.files)


def _check(repository: str, path: Path) -> Failure | None:
    try:
        read_database(repository, path)
    except DownloadError as error:
        return _failure(error)
    return None


@dataclass(frozen=True)
class Question:
    """What the database of a repository, in a file, says of packages."""

    repository: str
    path: Path
    names: tuple[str, ...]


def look_up(
    repository: str, path: Path, names: Sequence[str], *, work: Path
) -> dict[str, LockedPackage]:
    """Those of the packages ``names`` that a database has; ``work`` is for the call alone.

    :raises DownloadError: when it is damaged
    """
    question = Question(repository, path, tuple(names))
    return call(find_packages, question, work=work, reads=[path])


def find_packages(question: Question) -> dict[str, LockedPackage]:
    """The answer, by name."""
    known = read_database(question.repository, question.path)
    return {name: known[name].locked for name in question.names if name in known}


def fetch_databases(
    databases: Sequence[Database], *, work: Path, run: Path | None = None, is_quiet: bool = False
) -> None:
    """Let each of ``databases`` lie at its path, as the first mirror has it that gives one.

    A mirror is asked only whether it changed, by what it said last time. Two builds that ask at
    once wait for each other, and what was asked in the folder ``run``, which remembers it, is not
    again.

    ``work`` is a folder for the calls that it makes alone.

    :raises NoMirrorError: when none gives one of them; then what is there stays
    """
    with ExitStack() as stack:
        for path in sorted({database.path for database in databases}):
            stack.enter_context(locked(path.with_name(f".{path.name}.lock")))
        left = [database for database in databases if not _is_asked(database, run)]
        reasons: dict[str, list[DownloadError]] = {}
        while left:
            left = _fetch_once(left, reasons, work, run, is_quiet)


def _is_asked(database: Database, run: Path | None) -> bool:
    """Whether what is kept came in this run, from one of these mirrors."""
    known = recall(database.path)
    addresses = (without_credentials(database.address(url)) for url in database.urls)
    return any(address in known and was_asked(run, address) for address in addresses)


def _fetch_once(
    databases: Sequence[Database],
    reasons: dict[str, list[DownloadError]],
    work: Path,
    run: Path | None,
    is_quiet: bool,
) -> list[Database]:
    """Ask for each once; returns those of which what came is wrong, with the mirrors that are left.

    ``reasons`` collects why mirrors did not give them, by repository.

    :raises NoMirrorError: when none is left of one of them, once the others are kept
    """
    left, none = [], []
    with ExitStack() as stack:
        wishes = tuple(
            Wish(d, stack.enter_context(_empty_file(d.path)), recall(d.path)) for d in databases
        )
        asked, files = Wishes(wishes, is_quiet), [wish.target for wish in wishes]
        given = call(download_databases, asked, work=work, keeps=files, network=True)
        came = [w for w, one in zip(wishes, given, strict=True) if one.said is not None]
        arrived = Arrived(tuple((w.database.repository, w.target) for w in came))
        files = [wish.target for wish in came]
        checked = call(check_databases, arrived, work=work, reads=files) if came else ()
        faults = dict(zip((w.target for w in came), checked, strict=True))
        for wish, one in zip(wishes, given, strict=True):
            database, fault = wish.database, faults.get(wish.target)
            failures = reasons.setdefault(database.repository, [])
            failures += [failure.error() for failure in one.failures]
            if one.url and not fault:
                _keep(wish, one, run)
                continue
            if fault:
                failures.append(fault.error())
            others = tuple(url for url in database.urls if url != one.url) if fault else ()
            if not others:
                none.append(NoMirrorError(failures, repository=database.repository))
                continue
            left.append(replace(database, urls=others))
            if not is_quiet:
                say(tell_of(one.url, failures[-1], others[0]))
    if none:
        raise none[0]
    return left


@contextmanager
def _empty_file(path: Path) -> Iterator[Path]:
    """A file beside ``path``, whose lock is held, for what is to take its place."""
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(f".{path.name}.new")
    new.unlink(missing_ok=True)
    new.touch(mode=FILE, exist_ok=False)
    try:
        yield new
    finally:
        new.unlink(missing_ok=True)


def _keep(wish: Wish, given: Given, run: Path | None) -> None:
    """Let what came take its place, and note what was said of it."""
    database = wish.database
    if given.said is not None:
        with publish(database.path) as temporary:
            wish.target.replace(temporary)
        remember(database.path, database.address(given.url), given.said)
    note_asked(run, database.address(given.url))
