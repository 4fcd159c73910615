"""What a program makes in a root of its own follows from what its key is a digest of."""

from dataclasses import replace
from pathlib import Path

from aimager.sandbox.namespace import call
from tests.support.clean_runs import FOLDER, Made, Script, run_script

COPY = f"read -r line < /{FOLDER}/input; echo $line > /{FOLDER}/made"


def run(tmp_path: Path, text: str, *, input: str = "input\n", changing: bool = False) -> Made:
    script = Script(tmp_path / "work", text, input, changing)
    return call(run_script, script, work=script.work)


def test_it_has_what_it_is_given_and_nothing_is_left(tmp_path: Path) -> None:
    made = run(tmp_path, COPY)
    assert made == Made({"made": "input\n"}, made.key, made.key)
    assert made.key == run(tmp_path, COPY).key


def test_all_that_it_is_given_is_in_its_key(tmp_path: Path) -> None:
    keys = {
        run(tmp_path, text, input=i).key
        for text, i in ((COPY, "a\n"), (COPY, "b\n"), (f"{COPY};", "a\n"))
    }
    assert len(keys) == 3


def test_what_changes_before_it_is_run_has_the_key_of_what_it_read(tmp_path: Path) -> None:
    changed = run(tmp_path, COPY, changing=True)
    assert changed.before != changed.key
    assert changed.key == run(tmp_path, COPY, input="input\nchanged\n").key


def test_a_twin_is_given_itself_where_it_can_be(tmp_path: Path) -> None:
    """So what the program does to it is done to the twin, and it is no other by the key."""
    text = f"{COPY}; echo changed >> /{FOLDER}/input"
    copied = run(tmp_path, text)
    for has_twin, kept in ((True, "input\nchanged\n"), (False, "")):
        script = Script(tmp_path / "work", text, names_twin=True, has_twin=has_twin)
        made = call(run_script, script, work=script.work)
        assert made == replace(copied, left=("twins",), twin=kept)


def test_nothing_else_is_there(tmp_path: Path) -> None:
    """But for what every jail has."""
    made = run(tmp_path, f"cd /; echo * usr/* usr/lib/made/* > /{FOLDER}/list")
    (listed,) = made.files.values()
    allowed = {"dev", "lib", "lib64", "proc", "run", "sys", "tmp", "usr", "usr/bin", "usr/lib"}
    assert set(listed.split()) <= allowed | {f"{FOLDER}/input"}


def test_what_it_says_is_told_and_nothing_is_made(tmp_path: Path) -> None:
    for text, said in ((f"{COPY}; echo oh", "oh"), (f"{COPY}; echo oh >&2", "oh")):
        made = run(tmp_path, text)
        assert made == replace(made, files={}, said=said, left=())


def test_so_is_that_it_fails(tmp_path: Path) -> None:
    made = run(tmp_path, f"{COPY}; exit 3")
    assert made == replace(made, files={}, left=())
    assert "bash" in made.said
