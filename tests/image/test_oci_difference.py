"""What a layer has that the trees below it have not."""

import io
import tarfile
import tracemalloc

import pytest

from aimager.image.oci.difference import Difference, Known, State, find_difference, read_state

FOLDER, FILE = tarfile.DIRTYPE, tarfile.REGTYPE


def state(text: str) -> State:
    """A tree as ``PATH=CONTENT``, a folder as ``PATH/`` and a further name as ``PATH->FIRST``."""
    found = {"": Known(b"", FOLDER)}
    for word in text.split():
        name, arrow, first = word.partition("->")
        path, _, content = name.partition("=")
        if arrow:
            found[path] = Known(first.encode(), tarfile.LNKTYPE, first)
        elif path.endswith("/"):
            found[path[:-1]] = Known(b"", FOLDER)
        else:
            found[path] = Known(content.encode(), FILE)
    return found


@pytest.mark.parametrize(
    ("below", "tree", "whiteouts", "paths"),
    [
        ("", "", "", ""),
        ("a=1 d/ d/b=1", "a=1 d/ d/b=1", "", ""),
        # What is new or another, after the folders on the way to it.
        ("d/ d/b=1", "d/ d/b=2 d/c=1", "", "d d/b d/c"),
        # A folder comes before what lies in it, whatever names sort before its slash.
        ("", "d-e=1 d/ d/b=1", "", "d d/b d-e"),
        ("d/ d/b=1 d/c=1", "d/ d/c=1", "d/.wh.b", "d"),
        # Of a folder that is gone, one entry hides all.
        ("d/ d/e/ d/e/f=1", "d/", "d/.wh.e", "d"),
        ("d/ d/e/ d/e/f=1", "", ".wh.d", ""),
        # What takes the place of something needs no other entry.
        ("d/ d/e=1", "d=1", "", "d"),
        ("d=1", "d/ d/e=1", "", "d d/e"),
        # All names of a file, for one leads nowhere out of its own layer.
        ("a=1 b->a", "a=1 b->a c->a", "", "a b c"),
        ("a=1 b->a c=1", "a=2 b->a c=1", "", "a b"),
        ("a=1 b->a", "b=1", ".wh.a", "b"),
    ],
)
def test_what_is_laid_over_a_tree(below: str, tree: str, whiteouts: str, paths: str) -> None:
    found = find_difference(state(below), state(tree))
    top = ("",) if whiteouts or paths else ()
    assert found == Difference(tuple(whiteouts.split()), (*top, *paths.split()))
    assert bool(found) is bool(top)


def test_of_a_tree_nothing_else_is_held() -> None:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for number in range(5000):
            archive.addfile(tarfile.TarInfo(f"./usr/share/{number}"))
    stream.seek(0)
    tracemalloc.start()
    found = read_state(stream)
    held, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(found) == 5000
    assert most - held < 3_000_000
