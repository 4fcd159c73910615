"""The dispatcher: how it starts programs, and that what is kept is what its source gives."""

import dataclasses
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from aimager.errors import HostError
from aimager.model.architecture import Architecture, host_architecture
from aimager.sandbox.binfmt import HOST_DIRECTORY, find_qemu, is_static
from aimager.sandbox.namespace import call
from tests.support import dispatching
from tests.support.bare_host import MAPPERS
from tests.support.dispatching import Lending, Start, Started
from tests.support.places import ROOT

FOLDER = ROOT / "aimager/sandbox/dispatcher"
MADE = (Architecture.x86_64, Architecture.aarch64)
HOST = host_architecture()
FOREIGN = next(a for a in MADE if a is not HOST)
NATIVE = ("/dev/kit/ld.so", "--inhibit-cache", "--library-path", "/dev/kit/lib", "--argv0")
PROGRAM = "/dev/kit/programs/opt/program"

on_a_host_that_has_one = pytest.mark.skipif(HOST not in MADE, reason=f"{HOST} has no dispatcher")


@pytest.fixture
def start(tmp_path: Path) -> Start:
    """The start of a program of the kit by another name."""
    dispatcher = FOLDER / f"dispatch-{HOST}"
    words = ("-name", "one two", "", "ü", "-x")
    return Start(tmp_path / "work", dispatcher, FOREIGN, "../opt/link", words)


def run(start: Start) -> Started:
    """Start it in a namespace."""
    reads = [start.dispatcher, *([start.emulator] if start.emulator else [])]
    return call(
        dispatching.start, start, work=start.work, reads=reads, foreign=FOREIGN, tmpfs=64 << 20
    )


@on_a_host_that_has_one
def test_the_kits_program_is_started_by_its_real_name(start: Start) -> None:
    started = run(start)
    assert started.words == (*NATIVE, "-name", PROGRAM, "one two", "", "ü", "-x")
    assert started.record == "borrowed /opt/program\n"
    assert "/opt/program" not in started.files


@on_a_host_that_has_one
def test_what_the_kit_lacks_is_emulated(start: Start) -> None:
    started = run(dataclasses.replace(start, lent=False))
    expected = ("-cpu", "model", "-0", "-name", "../opt/link", "one two", "", "ü", "-x")
    assert started.words == ("/dev/kit/qemu", *expected)
    assert started.record == "emulated /opt/program\n"
    assert "/opt/program" not in started.files


@on_a_host_that_has_one
def test_qemus_own_model(start: Start) -> None:
    started = run(dataclasses.replace(start, lent=False, model="", words=("name",)))
    assert started.words == ("/dev/kit/qemu", "-0", "name", "../opt/link")


@on_a_host_that_has_one
@pytest.mark.parametrize("name", ["LD_BIND_NOW", "LD_PRELOAD"])
def test_what_the_loader_is_told_is_for_the_images_own(start: Start, name: str) -> None:
    environment = {"A": "1", name: "1", "B": "1"}
    started = run(dataclasses.replace(start, environment=environment))
    assert started.words[0] == "/dev/kit/qemu"
    other = {"OLD_": "1", "LD": "1", "L": ""}
    assert run(dataclasses.replace(start, environment=other)).words[0] == "/dev/kit/ld.so"


@on_a_host_that_has_one
def test_a_scripts_interpreter(start: Start) -> None:
    started = run(dataclasses.replace(start, path="/opt/script", words=("script", "last")))
    assert started.words == (*NATIVE, "/opt/link", PROGRAM, "-e", "/opt/script", "last")


@on_a_host_that_has_one
def test_one_with_more_rights_than_its_caller_is_emulated(start: Start) -> None:
    by_user = dataclasses.replace(start, user=1000)
    assert run(by_user).words[0] == "/dev/kit/ld.so"
    assert run(dataclasses.replace(by_user, set_uid=True)).words[0] == "/dev/kit/qemu"


@on_a_host_that_has_one
def test_many_words(start: Start) -> None:
    words = tuple(f"word {number}" for number in range(20_000))
    assert run(dataclasses.replace(start, words=words)).words == (
        *(*NATIVE, words[0], PROGRAM),
        *words[1:],
    )


@pytest.fixture
def emulator() -> Path:
    """The host's QEMU."""
    try:
        return find_qemu(FOREIGN)
    except HostError as error:
        pytest.skip(str(error))


def hide_qemu(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no program be found but those that map ids, by links in ``folder``."""
    folder.mkdir()
    for name in MAPPERS:
        if found := shutil.which(name):
            (folder / name).symlink_to(found)
    monkeypatch.setenv("PATH", str(folder))


@on_a_host_that_has_one
@pytest.mark.parametrize("borrow", [True, False])
def test_the_borrowed_qemu_will_do(
    emulator: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, borrow: bool
) -> None:
    hide_qemu(tmp_path / "bin", monkeypatch)
    work = tmp_path / "work"
    lending = Lending(work, FOREIGN, emulator, borrow, hidden=True)
    said = call(
        dispatching.run_lent,
        lending,
        work=work,
        reads=[emulator],
        foreign=FOREIGN,
        qemu_later=True,
    )
    assert said.splitlines()[-1:] == (["      1 emulated /program"] if borrow else [])


@on_a_host_that_has_one
def test_the_hosts_qemu_will_do(emulator: Path, tmp_path: Path) -> None:
    work = tmp_path / "work"
    said = call(
        dispatching.run_lent, Lending(work, FOREIGN, None, True), work=work, foreign=FOREIGN
    )
    assert said.endswith("      1 emulated /program\n")


@on_a_host_that_has_one
def test_there_is_no_qemu_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if (HOST_DIRECTORY / f"qemu-{FOREIGN.qemu}").exists():
        pytest.skip("this host's own handler will do instead")
    hide_qemu(tmp_path / "bin", monkeypatch)
    work = tmp_path / "work"
    lending = Lending(work, FOREIGN, None, True, hidden=True)
    with pytest.raises(HostError, match="no statically linked qemu"):
        call(dispatching.run_lent, lending, work=work, foreign=FOREIGN, qemu_later=True)


def test_before_linux_6_7_the_hosts_handler_is_left_alone(tmp_path: Path) -> None:
    work = tmp_path / "work"  # without foreign=, this namespace has none of its own either
    lending = Lending(work, FOREIGN, None, True)
    assert not call(dispatching.lend_to_an_old_kernel, lending, work=work)


def test_the_foreign_one_works_as_far_as_it_can_be_tried(start: Start, emulator: Path) -> None:
    """QEMU hands over no open program, so it has to go by what the kernel says."""
    words = ("name", "one two", "")
    started = run(
        dataclasses.replace(
            start, dispatcher=FOLDER / f"dispatch-{FOREIGN}", words=words, emulator=emulator
        )
    )
    assert started.words == (
        "/dev/kit/qemu",
        "-cpu",
        "model",
        "-0",
        words[0],
        start.path,
        *words[1:],
    )
    assert started.record == f"emulated {start.path}\n"


@pytest.mark.parametrize("architecture", MADE)
def test_it_is_small_and_stands_alone(architecture: Architecture) -> None:
    program = (FOLDER / f"dispatch-{architecture}").read_bytes()
    assert is_static(program)
    assert len(program) < 4096
    assert int.from_bytes(program[18:20], "little") == architecture.elf_machine


@pytest.mark.parametrize("architecture", MADE)
def test_it_is_what_the_source_gives(
    architecture: Architecture, start: Start, tmp_path: Path
) -> None:
    """Equal bytes by the compiler that made it; by another one, equal deeds."""
    compiler = f"{architecture}-linux-gnu-gcc"
    if not shutil.which(compiler) and not (architecture is HOST and shutil.which("gcc")):
        pytest.skip(f"{compiler} is not installed, so dispatch-{architecture} is not made again")
    subprocess.run([FOLDER / "rebuild", architecture, tmp_path], check=True)
    made = tmp_path / f"dispatch-{architecture}"
    kept = FOLDER / made.name
    if _compiler(made) == _compiler(kept):
        assert made.read_bytes() == kept.read_bytes()
    elif architecture is HOST:
        assert run(dataclasses.replace(start, dispatcher=made)) == run(start)
    else:
        pytest.skip(f"{_compiler(made)} is not what made it: {_compiler(kept)}")


def _compiler(program: Path) -> str:
    """What the section .comment says."""
    found = re.search(rb"GCC: [^\0]+", program.read_bytes())
    assert found
    return found[0].decode()
