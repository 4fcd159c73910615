"""Mistakes in files of builds: each is told with its file, line and key."""

from pathlib import Path

import pytest

from aimager.config.toml_file import Key, TomlFile
from tests.config.test_fleet import built, refused, write

GOOD = '[builds.a]\nboard = "rpi4"\n'


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "fleet.toml has no builds"),
        (f"[builds.a]\nroot-size = {'9' * 5000}\n", "is not valid TOML: Exceeds the limit"),
        ("[defaults]\nseed = 'x'\n", "fleet.toml has no builds"),
        ("[builds]\n", "fleet.toml has no builds"),
        (
            "[builds.a\n",
            "is not valid TOML: Expected ']' at the end of a table declaration (at line 1",
        ),
        ("a = 1\na = 2\n", "is not valid TOML: Cannot overwrite a value (at line 2"),
        (
            '[builds.a]\nboard = "rpi4"\n\n# a comment\nhostnam = "x"\n',
            "there is no variable hostnam= (fleet.toml, line 5: builds.a.hostnam)",
        ),
        (
            '[builds.a]\nboard = "rpi4"\nhostname = "x_y"\n',
            "hostname=x_y is not a valid host name (fleet.toml, line 3: builds.a.hostname)",
        ),
        (
            '[defaults]\nservices = [\n  "sshd",\n  "a b",\n]\n[builds.a]\nboard = "rpi4"\n',
            "services=a b.service is not a valid name of a unit"
            " (fleet.toml, line 2: defaults.services)",
        ),
        (
            '[builds.a]\nboard = "rpi44"\n',
            "there is no board rpi44 (fleet.toml, line 2: builds.a.board)",
        ),
        ("[builds.a]\nseed = 'x'\n", "distro= is missing (fleet.toml, line 1: builds.a)"),
        (
            "[builds.'a b']\n",
            "'a b' is not a valid name of a build (fleet.toml, line 1: builds.a b)",
        ),
        (
            "[builds.'a.b']\n",
            "'a.b' is not a valid name of a build (fleet.toml, line 1: builds.a.b)",
        ),
        ("[builds]\na = 1\n", "this has to be a table (fleet.toml, line 2: builds.a)"),
        ("builds = 1\n", "this has to be a table (fleet.toml, line 1: builds)"),
        ("defaults = []\n[builds.a]\n", "this has to be a table (fleet.toml, line 1: defaults)"),
        (f'seed = "x"\n{GOOD}', "seed is in no table (fleet.toml, line 1: seed)"),
        (
            f"{GOOD}root-size = 1.5\n",
            "root-size has a value that is neither text, a whole number, true nor false"
            " (fleet.toml, line 3: builds.a.root-size)",
        ),
        (
            f"{GOOD}install-pkgs = [['vim']]\n",
            "install-pkgs has a value that is neither text, a whole number, true nor false"
            " (fleet.toml, line 3: builds.a.install-pkgs[1])",
        ),
        (
            f"{GOOD}install-pkgs = ['vim', '@list']\n",
            "install-pkgs has @FILE among others (fleet.toml, line 3: builds.a.install-pkgs)",
        ),
        (
            f"{GOOD}hostname = ['a', 'b']\n",
            "hostname takes one value (fleet.toml, line 3: builds.a.hostname)",
        ),
        (
            '[matrix]\nboard = ["rpi4"]\nchpasswd = ["a:secret", "b:secret"]\n',
            "chpasswd takes one value (fleet.toml, line 3: matrix.chpasswd)",
        ),
        (
            f"{GOOD}add.hostname = 'x'\n",
            "hostname takes one value (fleet.toml, line 3: builds.a.add.hostname)",
        ),
        (
            f"{GOOD}older = '1d'\n",
            "older has no place in a file of builds (fleet.toml, line 3: builds.a.older)",
        ),
        (
            f"{GOOD}only = 'a'\n",
            "only has no place in a file of builds (fleet.toml, line 3: builds.a.only)",
        ),
        ("[builds.a]\nboard = []\n", "board has no value (fleet.toml, line 2: builds.a.board)"),
        (
            '[matrix]\nboard = "rpi4"\n',
            "this has neither an array of several values nor variants (fleet.toml, line 1: matrix)",
        ),
        (
            '[matrix]\nboard = ["rpi4"]\nexclude = ["rpi5"]\n',
            "no build of the matrix is named rpi5 (fleet.toml, line 3: matrix.exclude)",
        ),
        (
            '[matrix]\nboard = ["rpi4"]\nexclude = "rpi4"\n',
            "this has to be an array of names (fleet.toml, line 3: matrix.exclude)",
        ),
        (
            '[builds.rpi4]\nboard = "rpi4"\n[[matrix]]\nboard = ["rpi4", "rpi5"]\n',
            "there are two builds rpi4: the other is that of fleet.toml, line 1: builds.rpi4"
            " (fleet.toml, line 3: matrix[1])",
        ),
        (
            '[matrix]\nboard = ["rpi4"]\nappend-all = ["quiet rw", "rw"]\n',
            "append-all=quiet rw cannot be part of a build's name"
            " (fleet.toml, line 3: matrix.append-all)",
        ),
        (
            "[builds.archlinux-x86_64]\ndistro = 'archlinux'\narch = 'x86_64'\n",
            "the build archlinux-x86_64 is named as the platform of one is",
        ),
        (
            f'{GOOD}hostname = "a\\u0000b"\n',
            "hostname= has a NUL character, which no value can have"
            " (fleet.toml, line 3: builds.a.hostname)",
        ),
    ],
)
def test_a_mistake_is_told_with_its_place(tmp_path: Path, text: str, told: str) -> None:
    assert told in refused(tmp_path, text)


def test_builds_that_are_too_many(tmp_path: Path) -> None:
    values = ", ".join(f'"{n}"' for n in range(70))
    text = f'[matrix]\nboard = ["rpi4"]\nseed = [{values}]\nhostname = [{values}]\n'
    assert refused(tmp_path, text) == "fleet.toml has more than 4096 builds"


@pytest.mark.parametrize(
    ("only", "told"),
    [
        ("b", "only=b is not the name of a build of fleet.toml"),
        ("a,b*", "only=b* is not the name of a build of fleet.toml"),
        ("", "only= is empty"),
    ],
)
def test_only_those_that_are_there(tmp_path: Path, only: str, told: str) -> None:
    assert refused(tmp_path, GOOD, only=only) == told


def test_files_that_cannot_be_one(tmp_path: Path) -> None:
    assert refused(tmp_path, GOOD, builds=str(tmp_path / "none")) == (
        "builds=none cannot be read: No such file or directory"
    )
    assert refused(tmp_path, GOOD, builds=str(tmp_path)) == f"builds={tmp_path} is not a file"
    assert refused(tmp_path, GOOD, builds="") == "builds= is empty"
    (tmp_path / "latin").write_bytes(b"# \xe4\n")
    assert refused(tmp_path, GOOD, builds=str(tmp_path / "latin")) == "builds=latin is not in UTF-8"
    (tmp_path / "large").write_text("#" * ((1 << 20) + 1))
    assert "has more than 1048576 bytes" in refused(tmp_path, GOOD, builds=str(tmp_path / "large"))
    (tmp_path / "deep").write_text("a = " + "[" * 5000)
    assert refused(tmp_path, GOOD, builds=str(tmp_path / "deep")) == (
        "deep is not valid TOML: it is nested too deeply"
    )


def test_what_an_editor_of_windows_writes(tmp_path: Path) -> None:
    text = ("\ufeff" + GOOD).replace("\n", "\r\n")
    (tmp_path / "w").write_bytes(text.encode())
    (build,) = built(tmp_path, GOOD, builds=str(tmp_path / "w"))
    assert build.name == "a"


PLACES = """\
# a comment with a ]
[defaults]
services = [ # [
  "a]b",
  "c",
]

[builds."a b".add]
x = 1
[builds.c]
add.install-pkgs = ["vim"]
text = '''
[builds.d]
'''
table = {one = 1, two = [2]}
[[matrix]]
[matrix.variants.x]
[[matrix]]
board = 1
[matrix.variants.x]
seed = 2
"""


@pytest.mark.parametrize(
    ("key", "line"),
    [
        (("defaults",), 2),
        (("defaults", "services"), 3),
        (("defaults", "services", 1), 3),
        (("builds",), 8),
        (("builds", "a b"), 8),
        (("builds", "a b", "add", "x"), 9),
        (("builds", "c"), 10),
        (("builds", "c", "add"), 11),
        (("builds", "c", "text"), 12),
        (("builds", "c", "table", "two", 0), 15),
        (("matrix", 0), 16),
        (("matrix", 0, "variants", "x"), 17),
        (("matrix", 1), 18),
        (("matrix", 1, "board"), 19),
        (("matrix", 1, "variants", "x"), 20),
        (("matrix", 1, "variants", "x", "seed"), 21),
    ],
)
def test_the_line_of_a_key(tmp_path: Path, key: Key, line: int) -> None:
    assert TomlFile(write(tmp_path, PLACES), "builds").line_of(key) == line


def test_a_place_in_a_large_file(tmp_path: Path) -> None:
    builds = "".join(f'[builds.b{n}]\nboard = "rpi4"\n' for n in range(4000))
    packages = "".join(f'  "p{n}",\n' for n in range(3000))
    text = f"{builds}[builds.last]\ninstall-pkgs = [\n{packages}]\nhostname = 1\n"
    file = TomlFile(write(tmp_path, text), "builds")
    assert file.line_of(("builds", "last", "hostname")) == 8000 + 2 + 3000 + 2
