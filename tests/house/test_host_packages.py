"""setup.sh asks of a host what the README says that it needs, and no more."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.places import ROOT

SETUP = (ROOT / "setup.sh").read_text()
FUNCTIONS, _ = SETUP.split("\npurpose=")

BUILDS_NEED = {"programs newuidmap newgidmap usermod", "python", "cryptography"}
"""What a build runs of the host's; all other programs are borrowed."""
ONLY_BY_TOOLS_HOST = (
    "tar",
    "mke2fs",
    "mkfs.fat",
    "mcopy",
    "sfdisk",
    "zstd",
    "xz",
    "lz4",
    "qemu-img",
)


def rows() -> Iterator[tuple[str, ...]]:
    """Who needs it, test and packages of each row of setup.sh's table."""
    table = SETUP.split("<<TABLE\n")[1].split("\nTABLE\n")[0]
    for line in table.splitlines():
        yield tuple(line.split("|"))


def test_a_build_needs_little_of_the_host() -> None:
    assert {test for needed_by, test, *_ in rows() if needed_by == "build"} == BUILDS_NEED


def test_the_demo_needs_one_machine_and_what_the_mirror_is_made_with() -> None:
    demo = {test.split()[0] for needed_by, test, *_ in rows() if needed_by == "demo"}
    assert demo == {"programs", "debian_keyring"}
    by_host = [test for needed_by, test, *_ in rows() if needed_by.startswith("$boots_")]
    assert sorted(by_host) == [
        "firmware aarch64",
        "firmware x86_64",
        "programs qemu-system-aarch64",
        "programs qemu-system-x86_64",
    ]


def test_what_only_tools_host_runs_comes_with_the_tests() -> None:
    tests = " ".join(test.replace("gnu_", "") for who, test, *_ in rows() if who == "tests")
    assert set(ONLY_BY_TOOLS_HOST) <= set(tests.split())


def test_every_row_is_for_every_package_manager() -> None:
    assert {len(row) for row in rows()} == {7}
    assert {row[0] for row in rows()} == {
        "build",
        "demo",
        "tests",
        "$boots_x86_64",
        "$boots_aarch64",
    }


def test_each_test_in_the_table_is_a_function() -> None:
    functions = set(re.findall(r"^(\w+)\(\) \{", SETUP, re.MULTILINE))
    assert {row[1].split()[0] for row in rows()} <= functions


@pytest.mark.skipif(os.getuid() != 0, reason="only root makes an environment for another user")
def test_no_environment_is_made_on_a_python_that_its_user_cannot_read(tmp_path: Path) -> None:
    (found,) = Path("/usr/bin").glob("python3.[0-9][0-9]")
    private = tmp_path / "private"
    private.mkdir()
    shutil.copy(found, private / "python3")

    def python_for(builder: str, mode: int) -> str:
        private.chmod(mode)
        for folder in (tmp_path, *tmp_path.parents[:3]):
            folder.chmod(folder.stat().st_mode | 0o011)
        script = f"{FUNCTIONS}\nme=root builder={builder}\nfind_python\necho $python"
        environment = {**os.environ, "PATH": f"{private}:/usr/sbin:/usr/bin:/sbin:/bin"}
        done = subprocess.run(
            ["sh", "-c", script, ROOT / "setup.sh"],
            env=environment,
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout.strip()

    assert python_for("nobody", 0o755) == str(private / "python3")
    assert python_for("root", 0o700) == str(private / "python3")
    assert python_for("nobody", 0o700) == str(found.parent / found.name)
