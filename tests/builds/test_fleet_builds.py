"""A file of builds: one run, one lock file, and the bytes of each build by itself."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from aimager.files import sha256
from tests.support.cells import HOST, fresh_folder
from tests.support.doit_output import read_output
from tests.support.runs import Doit
from tests.support.seed import Copies

NAMES = ("plain", "named", "larger")


@pytest.fixture(scope="module")
def fleet(copies: Copies) -> Iterator[Doit]:
    """Where the file ``fleet.toml`` lies, with a cache that has the host's base system."""
    doit = copies("fleet")
    distro, board = (word.split("=")[1] for word in HOST.words)
    (doit.folder / "fleet.toml").write_text(
        f"""
        [defaults]
        distro = "{distro}"
        board = "{board}"
        create = ["root.tar"]
        files = ["motd:/etc/motd"]
        lock = "fleet.lock"
        [builds.plain]
        [builds.named]
        hostname = "{{name}}"
        [builds.larger]
        install-pkgs = ["nano"]
        """
    )
    (doit.folder / "motd").write_text("welcome\n")
    yield doit
    fresh_folder(doit.folder).rmdir()


def sums(doit: Doit) -> dict[str, str]:
    """The SHA-256 of each root archive, by its folder's name."""
    return {path.parent.name: sha256(path) for path in doit.out.glob("*/root.tar")}


def run(doit: Doit, *words: str) -> subprocess.CompletedProcess[str]:
    """Run doit with these words, and return all that it says."""
    return subprocess.run(
        doit.command(*words),
        env=doit.environment,
        cwd=doit.start,
        capture_output=True,
        text=True,
        check=False,
    )


def test_one_run_makes_what_each_makes_alone(fleet: Doit) -> None:
    file = f"builds={fleet.folder}/fleet.toml"
    locked = run(fleet, "lock", file)
    assert locked.returncode == 0, locked.stderr
    said = read_output(fleet.build(file))
    assert said.count()["pack-image"] == 3
    together = sums(fleet)
    assert together.keys() == set(NAMES)
    assert len(set(together.values())) == 3
    again = read_output(fleet.build(file, "only=named,larger"))
    assert not again.stages
    _check_alone(fleet, together)
    told = run(fleet, "update", file, "only=plain").stdout
    assert "fleet.lock holds larger, named as well, which would be lost" in told


def _check_alone(fleet: Doit, together: dict[str, str]) -> None:
    """The same words without a file come to the same bytes."""
    words = ("create=root.tar", f"files={Path(fleet.folder, 'motd')}:/etc/motd")
    fleet.build(*HOST.words, *words, "install-pkgs=nano")
    assert sums(fleet)[HOST.id] == together["larger"]
