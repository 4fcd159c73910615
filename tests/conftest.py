"""What the tests of whole builds share: the stand-in mirror, a cache, and doit run as a user does.

They keep it in ``AIMAGER_TEST_CACHE``, by default a folder of the project's cache, so that a
second run finds downloads and packages there; a build's own products are always made anew. Tests
that run at the same time (pytest-xdist) have a folder for each worker, and one mirror for all.
"""

import functools
import os
import shutil
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from aimager import stand_in
from aimager.errors import AimagerError
from aimager.graph import artifacts
from aimager.locks import locked
from aimager.products.remote import transport
from aimager.sandbox import namespace
from aimager.sandbox.kept_tmpfs import Shelf
from tests.support.cells import HOST, build, fresh_folder
from tests.support.impatient import hurry
from tests.support.packagers import Packagers, short_folder
from tests.support.runs import Doit, Shared, Warm
from tests.support.seed import Copies, Seed
from tests.support.webserver import Site, serving

_RUN = os.environ.get("PYTEST_XDIST_TESTRUNUID") or f"{os.getpid()}-{time.time_ns()}"
"""What all workers of a run have in common, and no other run."""

_BUILDS = Path(__file__).parent / "builds"
"""All in this folder is slow, for it makes the stand-in mirror or builds an image."""

_SHARED = frozenset(
    ("builds", "mirror", "mirror.work", "newer", "ports", "results", "seed", "warm")
)
"""What several files of tests use of `test_cache`: the session's fixtures, and newer programs."""

_MEANWHILE = Path(__file__).parent / "commands/test_bad_inputs.py"
"""The longest file that builds nothing."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the long files first: the short tests fill up what workers have left in the end.

    The very first is for the second worker while one makes what all builds begin with.
    """
    for item in items:
        if _BUILDS in item.path.parents:
            item.add_marker(pytest.mark.slow)
    items.sort(key=_rank)


def _rank(item: pytest.Item) -> int:
    """The pages' commands are the longest file, then come the builds."""
    if item.path == _MEANWHILE:
        return 0
    if item.get_closest_marker("slow") is None:
        return 3
    return 2 if _BUILDS in item.path.parents else 1


@pytest.fixture(scope="session", autouse=True)
def _interruptible() -> None:
    """Have child processes heed what background jobs and nohup(1) ignore, and pass on."""
    for number, handler in (
        (signal.SIGINT, signal.default_int_handler),
        (signal.SIGHUP, signal.SIG_DFL),
    ):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, handler)


@pytest.fixture(scope="session", autouse=True)
def _patient() -> Iterator[None]:
    """Give shared stores that this machine serves all the time that it needs."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(transport, "_ANSWER", 600.0)
        patch.setattr(transport, "_CHUNK_TIME", 600.0)
        for options in (transport._S3, transport._SSH.options):
            patch.setitem(options, "connect_timeout", 600)
        patch.setitem(transport._S3, "read_timeout", 600)
        yield


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Downloads that ask again without a pause, and no proxy before this machine's servers."""
    hurry(monkeypatch.setattr)
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="module")
def packagers() -> Iterator[Packagers]:
    """Whose keys a module's packages are signed by."""
    with short_folder() as folder:
        yield Packagers(folder / "p")


@pytest.fixture
def site() -> Iterator[Site]:
    """A web server on this machine that has nothing yet."""
    with serving() as site:
        yield site


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    """The cache folder of stages that only play at building (`staged`)."""
    return tmp_path / "cache"


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """What they are to make loud."""
    (tmp_path / "source").write_text("hello there")
    return tmp_path / "source"


def _kept() -> Path:
    return Path(os.environ.get("AIMAGER_TEST_CACHE") or artifacts.CACHE / "test").absolute()


@pytest.fixture(scope="session")
def test_cache() -> Path:
    """Where the tests keep what is costly; what a file of them adds goes when it has passed."""
    return _kept() / os.environ.get("PYTEST_XDIST_WORKER", "")


@pytest.fixture(scope="module", autouse=True)
def _tidy(request: pytest.FixtureRequest, test_cache: Path) -> Iterator[None]:
    """Remove what a file's tests have put into `test_cache`, unless one has failed there.

    A whole run would hold some 50 GB in the end.
    """
    failed = request.session.testsfailed
    before = set(_entries(test_cache))
    yield
    if request.session.testsfailed == failed:
        for path in set(_entries(test_cache)) - before:
            if path.name not in _SHARED:
                shutil.rmtree(path)


def _entries(folder: Path) -> Iterator[Path]:
    """The folders of a folder, which need not be there."""
    if folder.exists():
        yield from (path for path in folder.iterdir() if path.is_dir())


def _make_mirror(architectures: Sequence[str]) -> Path:
    """The mirror, brought up to date for ``architectures`` once in a run, by whichever worker."""
    folder = _kept() / "mirror"
    folder.parent.mkdir(parents=True, exist_ok=True)
    made = folder.with_name("mirror.made")
    with locked(folder.with_name("mirror.lock")):
        of, *there = made.read_text().splitlines() if made.exists() else [""]
        there = there if of == _RUN and folder.exists() else []
        if missing := [name for name in architectures if name not in there]:
            try:
                stand_in.make_mirror(folder, missing, folder.with_name("mirror.work"))
            except AimagerError as error:
                pytest.skip(f"there is no stand-in mirror: {error}")
            made.write_text("\n".join((_RUN, *there, *missing)))
    return folder


@pytest.fixture(scope="session")
def mirror() -> Path:
    """The stand-in mirror's folder, with the architectures that most tests use."""
    return _make_mirror(["x86_64", "aarch64"])


@pytest.fixture(scope="session")
def mirror_for(mirror: Path) -> Callable[[str], Path]:
    """Adds an architecture to the stand-in mirror, once."""

    @functools.cache
    def add(architecture: str) -> Path:
        return _make_mirror([architecture])

    return add


@pytest.fixture(scope="session")
def mirror_url(mirror: Path) -> Iterator[str]:
    """Its address."""
    with stand_in.serve(mirror) as url:
        yield url


@pytest.fixture(scope="session")
def copies(test_cache: Path, mirror: Path, mirror_url: str) -> Copies:
    """Gives a cache of its own, in which cells are built that a run's tests build once."""
    variables = (f"repo-url-parent={mirror_url}", f"trust-key={stand_in.fingerprint(mirror)}")
    test_cache.mkdir(parents=True, exist_ok=True)
    return Copies(Seed(Doit(_kept() / "seed", variables), _RUN), test_cache)


@pytest.fixture(scope="session")
def doit(copies: Copies) -> Doit:
    """doit on a cache that all tests of builds share; only the host's own cell is built there."""
    return copies("builds")


@pytest.fixture(scope="session")
def ports(copies: Copies, test_cache: Path) -> Doit:
    """doit on a cache that held the host's own cell when the run began, and that workers share.

    For tests that look at results alone: what one has made of a platform, others need not make.
    """
    shared = _kept() / "ports"
    with locked(shared.with_name("ports.lock")):
        stamp = shared / "run"
        if not stamp.exists() or stamp.read_text() != _RUN:
            copies.seed.copy(shared)
            stamp.write_text(_RUN)
    folder = fresh_folder(test_cache / "results")
    return Shared(folder, copies.seed.doit.variables, shared / "cache")


@pytest.fixture(scope="session")
def warm(copies: Copies, test_cache: Path) -> Iterator[Warm]:
    """doit on a cache in which the host's own cell was built once; tests leave it as it is."""
    warm = copies.seed.copy(test_cache / "warm", links=False)
    yield warm
    shutil.rmtree(warm.doit.folder)


@pytest.fixture
def intact(warm: Warm) -> Doit:
    """That cache with the cell's own results, whatever the test before has left."""
    asked = {"sync-databases"}
    if not build(warm.doit, *HOST.words).stages <= asked:
        assert build(warm.doit, *HOST.words).stages <= asked
    return warm.doit


@pytest.fixture
def shelf(monkeypatch: pytest.MonkeyPatch) -> Iterator[Shelf]:
    """A shelf of the test's own."""
    shelf = Shelf()
    monkeypatch.setattr(namespace, "_shelf", shelf)
    yield shelf
    for descriptor in shelf.take().values():
        os.close(descriptor)
