"""``doit why`` tells what a build would do, in the build's own words, and does nothing."""

from pathlib import Path

from tests.support.cells import HOST, build, products, state_of, truncate, why
from tests.support.doit_output import STAGES
from tests.support.runs import Doit

ASKED = {"sync-databases"}


def state(doit: Doit) -> list[tuple[str, int, int]]:
    """All products, packages and results; the records beside products say when they were used."""
    made = [path for stage in STAGES for path in products(doit.cache, stage)]
    kept = [(str(path), path.stat().st_ino, path.stat().st_mtime_ns) for path in made]
    return [*kept, *state_of(doit.cache / "pkg"), *state_of(doit.out)]


def told(doit: Doit, *words: str) -> list[tuple[str, str]]:
    """What would be done, and that nothing was."""
    before = state(doit)
    said = why(doit, *HOST.words, *words)
    assert state(doit) == before
    assert said.ran == ()
    return [(r.stage, r.text) for r in said.reasons if r.stage not in ASKED]


def done(doit: Doit, *words: str) -> list[tuple[str, str]]:
    """What a build then does."""
    said = build(doit, *HOST.words, *words)
    return [(r.stage, r.text) for r in said.reasons if r.stage not in ASKED]


def test_nothing(intact: Doit) -> None:
    assert told(intact) == []


def test_a_hostname(intact: Doit) -> None:
    expected = [("pack-image", f"hostname: {HOST.board} -> why")]
    assert told(intact, "hostname=why") == expected
    assert done(intact, "hostname=why") == expected
    assert told(intact, "hostname=why") == []
    assert told(intact) == []


def test_a_damaged_product(intact: Doit) -> None:
    made = products(intact.cache, "keyring-backup")
    assert made
    for product in made:  # another test may have left one that is used no more
        truncate(product)
    said = told(intact)
    assert [stage for stage, _ in said] == ["keyring-backup"]
    assert done(intact) == said
    assert told(intact) == []


def test_one_more_package(intact: Doit) -> None:
    said = told(intact, "install-pkgs=tree")
    assert "resolve-packages" in {stage for stage, _ in said}
    made = done(intact, "install-pkgs=tree")
    assert {stage for stage, _ in said} == {stage for stage, _ in made}
    # What depends on a product that is not there yet cannot know more.
    assert {line for line in said if not line[1].startswith("follows ")} <= set(made)
    assert told(intact, "install-pkgs=tree") == []


def test_a_cell_that_was_never_built(intact: Doit, tmp_path: Path) -> None:
    board = tmp_path / "never.py"
    fields = 'id="never", name="a board that no other test builds", packages=("tree",)'
    board.write_text(f"from aimager.definitions import Board\n\nBOARD = Board({fields})\n")
    said = told(intact, f"board={board}")
    assert {stage for stage, _ in said} >= {"resolve-packages"}
