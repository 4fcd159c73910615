"""``doit diff`` says in few lines what differs, and ends as diff(1) does."""

import json
import os
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from aimager.commands.diff import print_difference, tell
from aimager.errors import ConfigError
from aimager.image.compare.difference import Difference, FactChange, FileChange
from aimager.image.compare.differing_bytes import Bytes
from aimager.image.compare.packages import Change, PackageChange
from aimager.image.compare.side import Side
from tests.image.test_compare_archives import archive
from tests.support.runs import Doit

ONE, OTHER = Side("one"), Side("other")
PACKAGE = PackageChange("linux", Change.upgraded, "1-1", "2-1", 130_000_000, -1_500_000)
DIFFERENCE = Difference(
    packages=(PACKAGE, PackageChange("tree", Change.removed, "1-1", None, 90_000, -90_000)),
    files=(
        FileChange("/etc/a", "changed", 3, ("size 2 -> 3", "content")),
        FileChange("/etc/\x1b[2J", "added", 2000),
        FileChange("/etc/c", "removed", 0),
    ),
    settings=(FactChange("epoch", "1", None),),
    results=(FactChange("disk.img", "a", "b"),),
    ids=(FactChange("partition table", "gpt a", "gpt b"),),
    bytes=Bytes(4096, 1_000_000, 17),
    notes=("partition 2 has a btrfs: its files are not compared, only its bytes",),
)


def test_all_kinds_are_told() -> None:
    assert list(tell(DIFFERENCE, ONE, OTHER, 20)) == [
        "packages: 1 upgraded, 1 removed",
        "   ~ linux 1-1 -> 2-1  130.0 MB, -1.5 MB",
        "   - tree 1-1  90.0 kB",
        "files: 1 changed, 1 added, 1 removed",
        "   ~ /etc/a  size 2 -> 3, content",
        "   + /etc/\\x1b[2J  2.0 kB",
        "   - /etc/c",
        "settings: 1 changed",
        "   epoch: 1 -> none",
        "results: disk.img differ",
        "ids: 1 changed",
        "   partition table: gpt a -> gpt b",
        "bytes: 4.1 kB of 1.0 MB in blocks that differ",
        "note: partition 2 has a btrfs: its files are not compared, only its bytes",
    ]


def test_what_is_too_much_is_counted() -> None:
    many = Difference(files=tuple(FileChange(f"/{n:02}", "added", 1) for n in range(30)))
    lines = list(tell(many, ONE, OTHER, 20))
    assert lines[0] == "files: 30 added"
    assert lines[20:] == [
        "   + /19  1 B",
        "   and 10 more, which --all lists",
        "bytes: 30 B in files that were added or changed",
    ]
    assert len(list(tell(many, ONE, OTHER, None))) == 32


def test_what_no_file_has_is_told_by_its_place() -> None:
    lines = list(tell(Difference(bytes=Bytes(4096, 8192, 5000)), ONE, OTHER, 20))
    assert lines[-1] == "   the first is byte 5000, which is in no file that was compared"
    assert list(tell(Difference(), ONE, replace(OTHER, name="\x1b"), 20)) == [
        "nothing differs between one and \\x1b"
    ]


def test_programs_read_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names = ["one.tar", "other.tar"]
    archive(tmp_path / names[0])
    archive(tmp_path / names[1], long={"mode": 0o600})
    assert print_difference({}, tmp_path, names=names, as_json=True) == 1
    told = json.loads(capsys.readouterr().out)
    assert told["equal"] is False
    fact = "mode 0644 -> 0600"
    assert [(it["path"], it["facts"]) for it in told["files"]] == [
        ("/long", [fact]),
        ("/same", [fact]),
    ]
    assert print_difference({}, tmp_path, names=[names[0]] * 2 + ["--json"]) == 0
    assert json.loads(capsys.readouterr().out)["equal"] is True


@pytest.mark.parametrize(
    ("names", "variables", "said"),
    [
        ([], {}, "was given 0"),
        (["a"], {}, "was given 1"),
        (["a", "b", "c"], {}, "was given 3"),
        (["a", "b"], {"hostname": "x"}, "hostname= means nothing to diff"),
    ],
)
def test_other_words_are_refused(
    names: list[str], variables: dict[str, str], said: str, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match=said):
        print_difference(variables, tmp_path, names=names)


def test_it_ends_as_diff_does(tmp_path: Path) -> None:
    archive(tmp_path / "one.tar")
    archive(tmp_path / "other.tar", long={"mode": 0o600})
    for words, status, said in (
        (["one.tar", "one.tar"], 0, "nothing differs"),
        (["one.tar", "other.tar"], 1, "~ /long  mode 0644 -> 0600"),
        (["one.tar", "m*ssing"], 2, "there is no"),
        (["one.tar", "m" * 300], 2, "name it shorter"),
        (["--frob", "one.tar"], 2, "has no such option"),
        (["one.tar", "one.tar", "frob=1"], 2, "frob="),
    ):
        ascii_alone = {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}
        environment = os.environ | (ascii_alone if said == "nothing differs" else {})
        command = [
            word for word in Doit(tmp_path, ()).command("diff", *words) if "out=" not in word
        ]
        done = subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == status, done
        assert said in done.stdout + done.stderr
        assert not (tmp_path / "cache").exists()
