"""Locales are enabled and generated, the default one ahead of its images."""

import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from aimager.errors import CommandError, ConfigError
from aimager.sandbox.tree import Tree
from aimager.system.locales import default_made_meanwhile, enable_locale, make_default, set_locales

LOCALE_GEN = """\
# Locale names are written as
#  en_US.UTF-8 UTF-8 and such

#de_DE.UTF-8 UTF-8  \n#de_DE ISO-8859-1  \n# fr_FR.UTF-8 UTF-8
C.UTF-8 UTF-8

#zu_ZA ISO-8859-1  \n"""
OFFERS = LOCALE_GEN + "#en_US.UTF-8 UTF-8\n"


def left() -> bool:
    """It is left to locale-gen."""
    return False


class Generator:
    """Notes that it ran, and makes an archive of what locale.gen enables."""

    def __init__(self, root: Path, *, fails: bool = False) -> None:
        self.root = root
        self.runs = 0
        self.fails = fails

    def __call__(self, argv: Sequence[str]) -> None:
        assert argv == ["locale-gen"]
        self.runs += 1
        self.archive.parent.mkdir(parents=True, exist_ok=True)
        self.archive.write_text(enabled(self.root))
        if self.fails:
            raise CommandError(argv, 1, "no space")

    @property
    def archive(self) -> Path:
        """Where the archive of all locales lies."""
        return self.root / "usr/lib/locale/locale-archive"


def enabled(root: Path) -> str:
    """The lines of locale.gen that count."""
    lines = (root / "etc/locale.gen").read_text().splitlines(keepends=True)
    return "".join(line for line in lines if line.strip() and line[0] != "#")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name, text in (("etc/locale.gen", OFFERS), ("usr/bin/locale-gen", "")):
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).write_text(text)
    return tmp_path


@pytest.mark.parametrize(
    ("locale", "before", "after"),
    [
        ("de_DE.UTF-8", "#de_DE.UTF-8 UTF-8  \n", "de_DE.UTF-8 UTF-8\n"),
        ("de_DE", "#de_DE ISO-8859-1  \n", "de_DE ISO-8859-1\n"),
        ("fr_FR.UTF-8", "# fr_FR.UTF-8 UTF-8\n", "fr_FR.UTF-8 UTF-8\n"),
        ("zu_ZA", "#zu_ZA ISO-8859-1  \n", "zu_ZA ISO-8859-1\n"),
        ("C.UTF-8", "", ""),
    ],
)
def test_one_line_of_locale_gen_changes(locale: str, before: str, after: str) -> None:
    enabled = enable_locale(LOCALE_GEN, locale)
    assert enabled == LOCALE_GEN.replace(before, after, 1)
    assert enable_locale(enabled, locale) == enabled


@pytest.mark.parametrize("locale", ["de", "xx_XX.UTF-8", "deXDE.UTF-8", "written"])
def test_a_locale_that_is_not_offered_is_named(locale: str) -> None:
    with pytest.raises(ConfigError) as caught:
        enable_locale(LOCALE_GEN, locale)
    assert caught.value.message == f"the image does not have the locale {locale}"


def test_locales_are_generated_and_the_first_is_lang(root: Path) -> None:
    run = Generator(root)
    set_locales(Tree(root), ("de_DE.UTF-8", "C.UTF-8", "zu_ZA"), run)
    text = (root / "etc/locale.gen").read_text()
    assert text == enable_locale(enable_locale(OFFERS, "de_DE.UTF-8"), "zu_ZA")
    assert (root / "etc/locale.conf").read_text() == "LANG=de_DE.UTF-8\n"
    assert run.runs == 1


def test_some_locales_need_no_generation(root: Path) -> None:
    (root / "etc/locale.gen").unlink()
    run = Generator(root)
    set_locales(Tree(root), ("C.UTF-8",), run)
    assert run.runs == 0
    assert (root / "etc/locale.conf").read_text() == "LANG=C.UTF-8\n"
    with pytest.raises(ConfigError, match=r"^the image does not have the locale de_DE\.UTF-8"):
        set_locales(Tree(root), ("de_DE.UTF-8",), run)


@pytest.mark.parametrize(
    ("locales", "runs"), [(("en_US.UTF-8",), 1), (("de_DE.UTF-8",), 2), (("C.UTF-8",), 1)]
)
def test_what_was_made_ahead_is_used_or_removed(
    root: Path, tmp_path: Path, locales: tuple[str, ...], runs: int
) -> None:
    os.utime(root / "etc/locale.gen", ns=(5, 7))
    run = Generator(root)
    with default_made_meanwhile(Tree(root), run, left):
        pass
    assert (root / "etc/locale.gen").read_text() == OFFERS
    assert (root / "etc/locale.gen").stat().st_mtime_ns == 7
    set_locales(Tree(root), locales, run)
    assert run.runs == runs
    there = [path.name for path in run.archive.parent.iterdir()]
    assert there == ([] if locales == ("C.UTF-8",) else ["locale-archive"])
    if there:
        assert run.archive.read_text() == enabled(root)


def test_an_archive_of_others_is_not_taken_for_ours(root: Path) -> None:
    run = Generator(root)
    run.archive.parent.mkdir(parents=True)
    run.archive.write_text("a package's")
    make_default(Tree(root), run, left)
    assert run.archive.read_text() == "a package's"
    set_locales(Tree(root), ("en_US.UTF-8",), run)
    assert run.archive.read_text() == enabled(root)


def test_a_failure_ahead_is_met_again(root: Path) -> None:
    run = Generator(root, fails=True)
    make_default(Tree(root), run, left)
    assert list(run.archive.parent.iterdir()) == []
    assert (root / "etc/locale.gen").read_text() == OFFERS
    with pytest.raises(CommandError):
        set_locales(Tree(root), ("en_US.UTF-8",), run)


@pytest.mark.parametrize("missing", ["etc/locale.gen", "usr/bin/locale-gen", "#en_US.UTF-8"])
def test_nothing_is_made_ahead_where_it_cannot_be(root: Path, missing: str) -> None:
    if missing.startswith("#"):
        (root / "etc/locale.gen").write_text(LOCALE_GEN)
    else:
        (root / missing).unlink()
    run = Generator(root)
    make_default(Tree(root), run, left)
    assert run.runs == 0


@pytest.mark.parametrize("more", ["", "de_DE.UTF-8 UTF-8\n"])
def test_it_is_laid_where_it_is_the_only_one(root: Path, more: str) -> None:
    text = f"# C.UTF-8 UTF-8\n#en_US.UTF-8 UTF-8\n\n{more}"
    (root / "etc/locale.gen").write_text(text)
    run = Generator(root)

    def lay() -> bool:
        run.archive.parent.mkdir(parents=True)
        run.archive.write_text("laid")
        return True

    make_default(Tree(root), run, lay)
    assert run.runs == bool(more)
    assert (root / "etc/locale.gen").read_text() == text
    set_locales(Tree(root), ("en_US.UTF-8",), run)
    assert run.runs == bool(more)
    assert (run.archive.read_text() == "laid") != bool(more)
