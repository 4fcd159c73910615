"""Mirrors are asked in turn, and each is told of once."""

from collections.abc import Callable, Mapping

import pytest

from aimager.errors import DownloadError
from aimager.packages.download import Client
from aimager.packages.download_errors import BusyError, NotFoundError, SilentError
from aimager.packages.mirror_fallback import Fallback, NoMirrorError

A, B, C = "http://me:secret@a:1/core", "http://b/core", "http://c/x"
MISSING = NotFoundError(f"{A}/f: the mirror says 404 Not Found", hint="a")
BUSY = BusyError(f"{A}/f: the mirror says 429", hint="d")
SILENT = SilentError(f"{A}/f cannot be reached: no route", hint="b")
WRONG = DownloadError(f"{B}/f has 1 bytes, its database says 2", hint="c")


class Mirrors:
    """Mirrors that raise these errors, and what was asked of them and told."""

    def __init__(self, errors: Mapping[str, DownloadError]) -> None:
        self.errors = dict(errors)
        self.asked: list[str] = []
        self.told: list[str] = []
        self.client = Client()
        self.patience: list[float] = []
        self.fallback = Fallback(self.told.append)

    def fetch(self, url: str) -> str:
        self.asked.append(url)
        self.patience.append(self.client.patience)
        if url in self.errors:
            raise self.errors[url]
        return f"from {url}"

    def ask(self, *urls: str, archive: str = "") -> str:
        self.asked.clear()
        self.patience.clear()
        return self.fallback.ask(self.client, urls, self.fetch, archive=archive)


def test_the_first_that_gives_is_the_last_that_is_asked() -> None:
    mirrors = Mirrors({A: MISSING})
    assert mirrors.ask(A, B, C) == f"from {B}"
    assert mirrors.asked == [A, B]
    assert mirrors.told == ["   a:1: f: the mirror says 404 Not Found; trying b"]
    assert mirrors.ask(B, A) == f"from {B}"
    assert len(mirrors.told) == 1


def test_one_mirrors_reason_stands_alone() -> None:
    mirrors = Mirrors({A: MISSING})
    with pytest.raises(NoMirrorError) as caught:
        mirrors.ask(A)
    assert (caught.value.message, caught.value.hint) == (MISSING.message, "a")
    assert mirrors.told == []


def test_the_last_of_several_reasons_is_told_with_their_number() -> None:
    mirrors = Mirrors({A: MISSING, B: WRONG})
    with pytest.raises(NoMirrorError) as caught:
        mirrors.ask(A, B)
    assert caught.value.message == f"{WRONG.message} (2 mirrors were tried)"
    assert caught.value.hint == "c"
    assert caught.value.reasons == (MISSING, WRONG)


def test_a_silent_mirror_is_left_out_and_told_of_once() -> None:
    mirrors = Mirrors({A: SILENT})
    for _ in range(3):
        assert mirrors.ask(A, B) == f"from {B}"
    assert mirrors.asked == [B]
    assert mirrors.told == ["   a:1: f cannot be reached: no route; trying b"]
    mirrors.errors[B] = WRONG
    with pytest.raises(NoMirrorError) as caught:
        mirrors.ask(A, B)
    assert caught.value.reasons == (SILENT, WRONG)
    other = A.replace("core", "extra")
    assert mirrors.ask(other, C) == f"from {C}"
    assert mirrors.asked == [C]


def test_a_busy_mirror_is_waited_for_only_when_no_other_gives_the_file() -> None:
    mirrors = Mirrors({A: BUSY, B: WRONG})
    with pytest.raises(NoMirrorError, match="2 mirrors were tried") as caught:
        mirrors.ask(A, B)
    assert (mirrors.asked, mirrors.patience) == ([A, B, A], [0, 60, 60])
    assert caught.value.reasons == (WRONG, BUSY)
    mirrors = Mirrors({A: BUSY, C: BUSY})
    assert mirrors.ask(A, C, B) == f"from {B}"
    assert (mirrors.asked, mirrors.patience) == ([A, C, B], [0, 0, 60])
    assert mirrors.ask(A, B) == f"from {B}"
    assert mirrors.asked == [B]


def test_several_busy_mirrors_are_each_waited_for_once() -> None:
    mirrors = Mirrors({A: BUSY, B: BUSY, C: MISSING})
    with pytest.raises(NoMirrorError, match="2 mirrors were tried"):
        mirrors.ask(A, B, archive=C)
    assert (mirrors.asked, mirrors.patience) == ([A, B, A], [0, 60, 60])
    with pytest.raises(NoMirrorError, match="3 mirrors were tried"):
        mirrors.ask(A, B, C)
    assert mirrors.asked == [C], "the others are known to be busy"


def test_where_all_are_silent_they_are_asked_again() -> None:
    mirrors = Mirrors({A: SILENT})
    with pytest.raises(NoMirrorError):
        mirrors.ask(A)
    del mirrors.errors[A]
    assert mirrors.ask(A) == f"from {A}"


@pytest.mark.parametrize(
    ("errors", "asked"),
    [
        ({A: MISSING, B: MISSING}, [A, B, C]),
        ({A: MISSING, B: WRONG}, [A, B, C]),
        ({A: WRONG, B: WRONG}, [A, B]),
        ({A: SILENT, B: WRONG}, [A, B]),
        ({A: SILENT, B: MISSING}, [A, B, C]),
        ({A: MISSING}, [A, B]),
    ],
)
def test_an_archive_is_asked_last_and_only_for_what_is_missed(
    errors: dict[str, DownloadError], asked: list[str]
) -> None:
    mirrors = Mirrors(errors)
    try:
        given = mirrors.ask(A, B, archive=C)
    except NoMirrorError:
        given = ""
    assert mirrors.asked == asked
    assert bool(given) == (asked[-1] not in errors)


def test_an_archive_is_asked_once() -> None:
    mirrors = Mirrors({A: MISSING, C: MISSING})
    with pytest.raises(NoMirrorError, match="2 mirrors were tried"):
        mirrors.ask(C, A, archive=C)
    assert mirrors.asked == [C, A]


@pytest.mark.parametrize(
    ("reasons", "is_certain", "is_missed"),
    [
        ([MISSING], True, True),
        ([MISSING, MISSING], True, True),
        ([MISSING, SILENT], False, True),
        ([SILENT, WRONG], False, False),
    ],
)
def test_how_sure_it_is_that_there_is_none(
    reasons: list[DownloadError], is_certain: bool, is_missed: bool
) -> None:
    error = NoMirrorError(reasons)
    assert (error.is_certain, error.is_missed) == (is_certain, is_missed)


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError])
def test_only_what_a_mirror_did_wrong_leads_to_the_next(error: type[BaseException]) -> None:
    def fail(url: str) -> Callable[[], None]:
        raise error

    with pytest.raises(error):
        Fallback().ask(Client(), [A, B], fail)
