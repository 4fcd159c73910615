"""What pacman is given to install, and which of its messages mean failure."""

import io
from pathlib import Path

import pytest

from aimager.errors import ConfigError, HostError
from aimager.model.lock import UNSIGNED
from aimager.packages import pacman
from aimager.packages.pacman import Pacman, TransactionError
from tests.packages.test_pacman import script
from tests.support.locked import make_package


@pytest.mark.parametrize(
    "script_text",
    [
        "echo \"warning: removing 'a-1-1' from target list because it conflicts with 'b-2-1'\" >&2",
        "echo ':: a-1-1 and b-2-1 are in conflict'; echo 'error: unresolvable' >&2; exit 1",
    ],
)
def test_packages_in_conflict_are_named(tmp_path: Path, script_text: str) -> None:
    program = Pacman(str(script(tmp_path / "pacman", script_text)), None)
    packages = [make_package("a"), make_package("b")]
    with pytest.raises(ConfigError, match="a-1-1 and b-2-1 cannot both be installed"):
        pacman.install(
            program, Path("/c"), packages, tmp_path, io.BytesIO(), explicit=["a"], epoch=7
        )


def test_what_must_give_way_is_no_refusal(tmp_path: Path) -> None:
    """The root may hold what is in conflict; it is removed, as pacman asks by the same words."""
    asks = "echo ':: a-1-1 and old-1-1 are in conflict (x). Remove old? [y/N]'"
    program = Pacman(str(script(tmp_path / "pacman", asks)), None)
    arguments = (program, Path("/c"), [make_package("a")], tmp_path, io.BytesIO())
    said = pacman.install(*arguments, explicit=[], epoch=7)
    assert "Remove old" in said


def test_a_signature_of_the_same_file_is_not_that_of_an_unsigned_package(tmp_path: Path) -> None:
    """The store may hold it from a repository, whose keys this build does not trust."""
    program = script(tmp_path / "pacman", f'for file; do :; done; echo "$file" > {tmp_path}/file')
    package = make_package("a", repository=UNSIGNED)
    package.signature(tmp_path).parent.mkdir(parents=True)
    package.signature(tmp_path).touch()
    arguments = (Pacman(str(program), None), tmp_path / "conf", [package], tmp_path, io.BytesIO())
    pacman.install(*arguments, explicit=[], epoch=7)
    given = Path((tmp_path / "file").read_text().strip())
    assert given.name == package.file
    assert given.readlink() == package.path(tmp_path)
    assert not given.with_name(f"{given.name}.sig").exists()


def test_a_lost_owner_is_no_success(tmp_path: Path) -> None:
    path = tmp_path / "root/usr/a b"
    said = f"warning given when extracting {path} (Can't set user=70000/group=9 for {path})"
    program = Pacman(str(script(tmp_path / "pacman", f'echo "warning: {said}" >&2')), None)
    arguments = (program, tmp_path / "conf", [make_package("a")], tmp_path, io.BytesIO())
    with pytest.raises(
        HostError, match=r"^usr/a b belongs to 70000:9, and your subordinate"
    ) as caught:
        pacman.install(*arguments, explicit=[], epoch=7)
    assert "a range of 70000 ids or more" in caught.value.hint


def test_install_marks_what_was_asked_for(tmp_path: Path) -> None:
    calls = tmp_path / "calls"
    program = script(tmp_path / "pacman", f'echo "$SOURCE_DATE_EPOCH $@" >> {calls}; echo done')
    packages = [make_package("a"), make_package("b")]
    paths = " ".join(str(package.path(tmp_path)) for package in packages)
    for several, explicit in ((packages, ["b"]), (packages, []), ([], ["a"])):
        said = pacman.install(
            Pacman(str(program), None),
            Path("/c"),
            several,
            tmp_path,
            io.BytesIO(),
            explicit=explicit,
            epoch=7,
        )
        assert said == ("done" if several else "")
    transaction = "7 -U --asdeps --noprogressbar --ask 4 --noconfirm --config /c --"
    assert calls.read_text().splitlines() == [
        f"{transaction} {paths}",
        "7 -D --asexplicit --noconfirm --config /c -- b",
        f"{transaction} {paths}",
        "7 -D --asexplicit --noconfirm --config /c -- a",
    ]


def test_all_that_a_failed_transaction_said_is_told(tmp_path: Path) -> None:
    program = script(tmp_path / "pacman", "seq 30; exit 1")
    how = (Pacman(str(program), None), Path("/c"), [make_package("a")], tmp_path, io.BytesIO())
    with pytest.raises(TransactionError, match="failed with status 1") as caught:
        pacman.install(*how, explicit=["a"], epoch=7)
    assert len(caught.value.said.splitlines()) == 30
