"""Caches that hooks make are removed where they come back, or put in order, but for packages'."""

from pathlib import Path

import pytest

from aimager.sandbox.tree import Tree
from aimager.system.caches import REMOVED, find_caches, settle_caches

FILES = "var/lib/pacman/local/man-db-2-1/files"
MIME = "usr/share/applications/mimeinfo.cache"

SEEN = (
    *("var/cache/man/index.db", "var/cache/man/de/index.db", "var/cache/man/cat1/ls.1.gz"),
    *("var/cache/swcatalog/cache/C-os-catalog.xb", "var/tmp/tmp.aB3dEf", "var/tmp/folder/file"),
    *("root/.cache/fontconfig/x.cache-9", "usr/lib/python3.13/__pycache__/os.cpython-313.pyc"),
    *("usr/share/gdb/auto-load/__pycache__/x.pyc", "opt/app/__pycache__/x.cpython-313.opt-1.pyc"),
)


def left(root: Path) -> set[str]:
    return {str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()}


@pytest.mark.parametrize("path", [*SEEN, *(pattern.replace("*", "one") for pattern in REMOVED)])
def test_what_comes_back_is_removed(tmp_path: Path, path: str) -> None:
    tree = Tree(tmp_path)
    tree.write(path, "of now")
    tree.write(FILES, "%FILES%\nvar/\nvar/cache/\nvar/cache/man/\nroot/\nvar/tmp/\n")
    settle_caches(tree)
    assert left(tmp_path) == {FILES}
    settle_caches(tree)


@pytest.mark.parametrize("path", SEEN)
def test_what_packages_own_stays(tmp_path: Path, path: str) -> None:
    tree = Tree(tmp_path)
    tree.write(path, "of the package")
    parents = [f"{folder}/" for folder in Path(path).parents if folder.name]
    tree.write(FILES, "\n".join(["%FILES%", *reversed(parents), path, ""]))
    tree.write(MIME, "[MIME Cache]\nb/b=b;a;\n")
    settle_caches(tree)
    assert left(tmp_path) == {FILES, path, MIME}
    tree.write(FILES, f"%FILES%\n{MIME}\n")
    tree.write(MIME, "[MIME Cache]\nb/b=b;a;\n")
    settle_caches(tree)
    assert tree.read_text(MIME) == "[MIME Cache]\nb/b=b;a;\n"


@pytest.mark.parametrize("path", [*SEEN, *(pattern.replace("*", "one") for pattern in REMOVED)])
def test_what_the_user_gave_stays(tmp_path: Path, path: str) -> None:
    tree = Tree(tmp_path)
    tree.write(path, "of the user's archive")
    given = find_caches(tree)
    made = [f"{Path(path).parent}/made.cpython-313.pyc", "var/tmp/made"]
    for name in made:
        tree.write(name, "of now")
    settle_caches(tree, given)
    kept = {path, *([made[0]] if path == "root/.cache" else [])}
    assert left(tmp_path) == kept
    assert tree.read_text(path) == "of the user's archive"


@pytest.mark.parametrize("path", SEEN)
def test_what_scripts_leave_where_anybody_may(tmp_path: Path, path: str) -> None:
    tree = Tree(tmp_path)
    tree.write(path, "of a script")
    settle_caches(tree, scripts=True)
    may = path.startswith(("var/tmp/", "root/.cache/"))
    assert left(tmp_path) == ({path} if may else set())


def test_what_is_no_cache_stays(tmp_path: Path) -> None:
    tree = Tree(tmp_path)
    kept = {"usr/lib/app/plugin.pyc", "usr/lib/a/__pycache__/notes", "var/cache/fontconfig/a"}
    for path in kept:
        tree.write(path, "")
    (tmp_path / "usr/lib/a/__pycache__/link.pyc").symlink_to("notes")
    settle_caches(tree)
    assert left(tmp_path) == kept | {"usr/lib/a/__pycache__/link.pyc"}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("[MIME Cache]\nb/b=b.desktop;a.desktop;\na/a=c;\n", None),
        ("[MIME Cache]\na/a=c;\nb/b=a.desktop;b.desktop;\n", None),
        ("[MIME Cache]\na/a=c\nb/b=b.desktop;a.desktop\n", None),
        ("[MIME Cache]\n", "[MIME Cache]\n"),
        ("something else\nb=b;a;\n", "something else\nb=b;a;\n"),
        ("[MIME Cache]\nno type\na/a=b;a;\n", "[MIME Cache]\nno type\na/a=b;a;\n"),
        ("", ""),
    ],
)
def test_types_and_programs_are_in_order(tmp_path: Path, before: str, after: str | None) -> None:
    tree = Tree(tmp_path)
    tree.write(MIME, before, 0o600)
    settle_caches(tree)
    told = "[MIME Cache]\na/a=c;\nb/b=a.desktop;b.desktop;\n" if after is None else after
    assert tree.read_text(MIME) == told
    assert (tmp_path / MIME).stat().st_mode & 0o777 == 0o600
