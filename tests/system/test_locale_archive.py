"""When the default locale is made without locale-gen(8), and of what."""

import hashlib
from pathlib import Path

import pytest

from aimager.sandbox.clean_run import CleanRun
from aimager.sandbox.privileges import Limits
from aimager.sandbox.program_files import UnknownFilesError
from aimager.sandbox.results import Results
from aimager.sandbox.tree import Tree
from aimager.system import locale_archive
from aimager.system.locale_archive import DefaultArchive

FOLDER = "usr/lib/locale"
GENERATOR = "usr/bin/locale-gen"
SOURCES = {
    "usr/share/i18n/locales/en_US": "one",
    "usr/share/i18n/locales/translit_combining": "two",
    "usr/share/i18n/charmaps/UTF-8.gz": "map",
    "etc/locale.alias": "aliases",
}
LIMITS = Limits(folder=Path("/"), written=0)


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A tree with the sources of locales, and a generator that is known."""
    monkeypatch.setattr(locale_archive, "program_files", lambda _, program: (program,))
    removed = {"one": ("locale-archive",), "removes all": ()}
    known = {hashlib.sha256(text.encode()).hexdigest(): names for text, names in removed.items()}
    monkeypatch.setattr(locale_archive, "_SCRIPTS", known)
    programs = {name: name for name in ("usr/bin/localedef", "usr/bin/gzip")}
    files = {**SOURCES, **programs, GENERATOR: "one", f"{FOLDER}/C.utf8/LC_TIME": ""}
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    (tmp_path / "usr/share/locale").mkdir()
    (tmp_path / "usr/share/locale/locale.alias").symlink_to("/etc/locale.alias")
    return tmp_path


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the files that localedef was given, which makes an archive of them."""
    seen: list[str] = []

    def run(self: CleanRun, place: Path, _: Limits) -> tuple[str, dict[str, bytes]]:
        place.rmdir()
        seen.extend(file.path for file in self.given())
        return self.key(), {"locale-archive": b"made"}

    monkeypatch.setattr(CleanRun, "run", run)
    return seen


def lay(root: Path, tmp_path: Path) -> tuple[bool, str]:
    """Whether it was laid, and what was said."""
    tree, log = Tree(root), tmp_path / "log"
    with log.open("wb") as stream:
        laid = DefaultArchive(tree, tree).lay(Results(), tmp_path, LIMITS, stream)
    return laid, log.read_text()


@pytest.mark.parametrize(
    ("script", "left"), [("one", ["C.utf8", "locale-archive"]), ("removes all", ["locale-archive"])]
)
def test_it_is_made_of_the_sources_alone(
    root: Path, tmp_path: Path, ran: list[str], script: str, left: list[str]
) -> None:
    (root / GENERATOR).write_text(script)
    assert lay(root, tmp_path)[0]
    names = {"usr/share/locale/locale.alias" if n.startswith("etc/") else n for n in SOURCES}
    assert set(ran) == {*names, "usr/bin/localedef", "usr/bin/gzip"}
    assert sorted(path.name for path in (root / FOLDER).iterdir()) == left
    archive = root / FOLDER / "locale-archive"
    assert (archive.read_bytes(), archive.stat().st_mode & 0o7777) == (b"made", 0o644)


@pytest.mark.parametrize(
    ("path", "why"),
    [
        (GENERATOR, "/usr/bin/locale-gen is another one"),
        ("usr/local/bin/localedef", "there is /usr/local/bin/localedef"),
        ("usr/sbin/gzip", "there is /usr/sbin/gzip"),
        ("usr/local/share/i18n", "there is /usr/local/share/i18n"),
        ("usr/share/i18n/locales/en_US.UTF-8", "there is /usr/share/i18n/locales/en_US.UTF-8"),
    ],
)
def test_what_is_not_known_is_left_to_locale_gen(
    root: Path, tmp_path: Path, ran: list[str], path: str, why: str
) -> None:
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_text("another")
    laid, said = lay(root, tmp_path)
    assert not laid
    assert f"the default locale is left to the image's programs: {why}" in said
    assert ran == []


def test_a_link_among_the_sources_is_not_followed(root: Path, tmp_path: Path) -> None:
    (root / "usr/share/i18n/locales/xx_XX").symlink_to("/etc/passwd")
    laid, said = lay(root, tmp_path)
    assert not laid
    assert "xx_XX is not a regular file" in said


def test_another_source_has_another_key(root: Path) -> None:
    keys = set()
    for text in ("one", "other"):
        (root / "usr/share/i18n/locales/en_US").write_text(text)
        tree = Tree(root)
        keys.add(CleanRun(["localedef"], DefaultArchive(tree, tree)._given, FOLDER).key())
    assert len(keys) == 2


def test_without_sources_it_cannot_be_made(root: Path) -> None:
    (root / "usr/share/i18n/locales").rename(root / "elsewhere")
    tree = Tree(root)
    with pytest.raises(UnknownFilesError):
        list(DefaultArchive(tree, tree)._given())
