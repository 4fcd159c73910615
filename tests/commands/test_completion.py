"""Completion in real shells, of scripts as users load them."""

import os
import pty
import re
import select
import shutil
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from aimager.commands.completion import write_completion
from aimager.config.build import read_build
from aimager.config.run_variables import SHELLS
from aimager.config.variables import VARIABLES
from aimager.errors import AimagerError, ConfigError
from boards import BOARDS
from tests.support.places import BIN

TASKS = {"build": "build what it's told", "boards": "list the boards", "boot": "boot it"}

CASES = {
    "doit bo": {"boards", "board=", "boot", "boards=", "borrow="},
    "doit build board=x6": {"board=x64-legacy", "board=x64-uefi"},
    "doit build board=x64-uefi create=root.tar,disk.i": {"create=root.tar,disk.img"},
    "doit build offline=": {"offline=yes", "offline=no"},
    "doit build table==gpt_1g_esp_16g_root_x": {"table==gpt_1g_esp_16g_root_x86_64"},
    "doit matrix boards=x64-uefi,rpi": {
        *(f"boards=x64-uefi,{name}" for name in BOARDS if name.startswith("rpi"))
    },
    "doit build repo-url-p": {"repo-url-parent="},
    "doit build lock=ima": {"lock=image.lock"},
    "doit build overlay=a.tar,b": {"overlay=a.tar,b.tar"},
    "doit build hostname=": set(),
    ".venv/bin/doit build initrd-maker=dr": {"initrd-maker=dracut"},
    "doit build zqx": set(),
    "doit diff ima": {"image.lock"},
    "doit diff a.tar b": {"b.tar"},
}
"""What is typed, and what each shell is to offer for its last word."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with files to complete, and the scripts in files."""
    for name in ("image.lock", "a.tar", "b.tar"):
        (tmp_path / name).touch()
    for shell in SHELLS:
        (tmp_path / f"script.{shell}").write_text(write_completion(shell, TASKS))
    return tmp_path


def run(argv: list[str], folder: Path, **given: str) -> str:
    """What a shell prints, without a user's own settings."""
    if shutil.which(argv[0]) is None:
        pytest.skip(f"{argv[0]} is not installed")
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "LC_ALL": "C", **given}
    done = subprocess.run(
        argv, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


BASH = """
source script.bash
read -r -a words <<<"$LINE"
complete -p doit >/dev/null
COMP_WORDBREAKS=$BREAKS COMP_LINE=$LINE COMP_POINT=${#LINE}
COMP_WORDS=("${words[@]}") COMP_CWORD=$((${#words[@]} - 1))
_aimager doit "${words[-1]}" "${words[-2]}"
printf '%s\\n' "${COMPREPLY[@]}"
"""


@pytest.mark.parametrize("breaks", [" \t\n\"'@><=;|&(:", " \t\n\"'><;|&("], ids=["usual", "few"])
@pytest.mark.parametrize("line", CASES)
def test_bash(folder: Path, line: str, breaks: str) -> None:
    found = run(["bash", "-c", BASH], folder, LINE=line, BREAKS=breaks).split()
    word = line.split()[-1]
    kept = re.match(f"(.*[{'=:' if '=' in breaks else ' '}])?", word)
    assert kept
    assert sorted(kept[0] + end for end in found) == sorted(CASES[line])


@pytest.mark.parametrize("line", CASES)
def test_fish(folder: Path, line: str) -> None:
    script = f"source script.fish; complete -C '{line}'"
    found = [
        offer.split("\t")[0] for offer in run(["fish", "-N", "-c", script], folder).split("\n")
    ]
    assert sorted(filter(None, found)) == sorted(CASES[line])


def test_fish_says_what_each_is(folder: Path) -> None:
    said = run(["fish", "-N", "-c", "source script.fish; complete -C 'doit boot'"], folder)
    assert said == "boot\tboot it\n"


ZSH = """
zmodload zsh/zpty
zpty shell zsh -f -i
talk() { zpty -w shell $1; zpty -r shell reply "*$2*" || exit 1; }
talk 'PS1= PROMPT_EOL_MARK=; autoload -U compinit; compinit -u -d $PWD/dump; print -r - DO\\NE' DONE
talk 'source script.zsh; print -r - LOA\\DED' LOADED
# What would be offered is printed in its place.
talk 'compadd() {
  if (( ${argv[(I)-[OAD]]} )); then builtin compadd "$@"; return; fi
  local -a offers; builtin compadd -O offers "$@"
  for offer in $offers; do print -r - "<$IPREFIX$offer>"; done
}; show() { _main_complete; print -r - "EN""D"; compstate[insert]=; compstate[list]=; }
zle -C show list-choices show; bindkey "^X" show; print -r - BOUN\\D' BOUND
zpty -n -w shell "$LINE"$'\\C-X'
zpty -r shell reply '*END*'
print -r - $reply
zpty -d shell
"""


@pytest.mark.parametrize("line", CASES)
def test_zsh(folder: Path, line: str) -> None:
    said = run(["zsh", "-f", "-c", ZSH], folder, LINE=line, TERM="dumb")
    assert "END" in said, said
    found = set(re.findall(r"<(\S*?)>", said))
    assert {offer.replace("\\", "") for offer in found} == CASES[line]


def type_in(argv: list[str], folder: Path, lines: list[str], until: str) -> str:
    """What a shell prints on a terminal while somebody types."""
    if shutil.which(argv[0]) is None:
        pytest.skip(f"{argv[0]} is not installed")
    environment = {"PATH": f"{folder}:{os.environ['PATH']}", "HOME": str(folder), "TERM": "dumb"}
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(folder)
        os.execvpe(argv[0], argv, environment)
    said = ""
    try:
        for line in lines:
            os.write(terminal, line.encode())
        deadline = time.monotonic() + 900
        while until not in said and time.monotonic() < deadline:
            if select.select([terminal], [], [], 1)[0]:
                said += os.read(terminal, 4096).decode(errors="replace")
    finally:
        os.write(terminal, b"\x03\x04")
        os.close(terminal)
        os.waitpid(pid, 0)
    return said


TYPED = "doit build initrd\tdrac\tcreate=root.tar,disk.i\toff\ty\t\n"
TOLD = "run with: build initrd-maker=dracut create=root.tar,disk.img offline=yes."
INTERACTIVE = {"bash": ["bash", "--norc", "--noprofile", "-i"], "zsh": ["zsh", "-f", "-i"]}
BASH_COMPLETION = Path("/usr/share/bash-completion/bash_completion")


@pytest.fixture
def stub(folder: Path) -> Path:
    """The folder, with a program ``doit`` that says what it was run with."""
    doit = folder / "doit"
    doit.write_text('#!/bin/sh\necho "run with: $*."\n')
    doit.chmod(0o755)
    return folder


@pytest.mark.parametrize(
    ("shell", "load"),
    [
        ("bash", "source script.bash"),
        ("zsh", "autoload -U compinit; compinit -u -d dump; source script.zsh"),
    ],
)
def test_a_key_completes_it(stub: Path, shell: str, load: str) -> None:
    assert TOLD in type_in(INTERACTIVE[shell], stub, [f"{load}\n", TYPED], TOLD)


@pytest.mark.parametrize(
    ("shell", "place", "load"),
    [
        (
            "bash",
            ".local/share/bash-completion/completions/doit",
            f"unset BASH_COMPLETION_VERSINFO; source {BASH_COMPLETION}",
        ),
        ("zsh", ".zfunc/_doit", "fpath+=~/.zfunc; autoload -U compinit; compinit -u -d dump"),
    ],
)
def test_it_is_found_where_the_page_puts_it(stub: Path, shell: str, place: str, load: str) -> None:
    if shell == "bash" and not BASH_COMPLETION.exists():
        pytest.skip("bash-completion is not installed")
    (stub / place).parent.mkdir(parents=True)
    shutil.move(stub / f"script.{shell}", stub / place)
    assert TOLD in type_in(INTERACTIVE[shell], stub, [f"{load}\n", TYPED], TOLD)


def test_fish_finds_it_where_the_page_puts_it(stub: Path) -> None:
    place = stub / ".config/fish/completions/doit.fish"
    place.parent.mkdir(parents=True)
    shutil.move(stub / "script.fish", place)
    path = f"{stub}:{os.environ['PATH']}"
    found = run(["fish", "-c", "complete -C 'doit build board=x6'"], stub, PATH=path)
    assert found.split() == ["board=x64-legacy", "board=x64-uefi"]


def test_shellcheck(folder: Path) -> None:
    argv: list[str | Path] = [BIN / "shellcheck", "--shell=bash", folder / "script.bash"]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_a_shell_that_is_not_known_is_refused() -> None:
    with pytest.raises(ConfigError, match="for=ksh is not a shell"):
        write_completion("ksh", TASKS)


CHOSEN = {variable.name: variable.choices for variable in VARIABLES if variable.choices}
NEEDED: Mapping[str, Mapping[str, str]] = {
    "create": {"board": "x64-uefi", "table": "@table"},
    "arch": {},
    "board": {"distro": "archlinux"},
    "remote-unsigned": {"remote": "store", "remote-key": "table"},
    "root-fs": {"board": "x64-uefi"},
    "table": {"board": "x64-uefi"},
}
"""What else is said so that every value may go; by default it is a root archive of Arch Linux."""

REFUSED_ALONE = {
    *("is not for", "does not exist for", "does not go with", "distro= is missing"),
    *("no key is pinned for the repository", "from which the board x64-uefi cannot boot"),
}
"""What tells of a value that is known, but does not go with others."""


@pytest.mark.parametrize("name", sorted(CHOSEN.keys() - {"boards", "for", "shell"}))
def test_every_value_is_one_that_a_build_takes(name: str, tmp_path: Path) -> None:
    table = "label: gpt\naimager@boot: size=1GiB\naimager@home:\naimager@swap: size=1GiB\n"
    (tmp_path / "table").write_text(f"{table}aimager@root:\n")
    for word in CHOSEN[name]:
        others = NEEDED.get(name, {"distro": "archlinux", "board": "none"})
        variables = {"distro": "archlinux", **others, name: word}
        try:
            assert read_build(variables, tmp_path)
        except AimagerError as error:
            assert any(told in error.message for told in REFUSED_ALONE), error
