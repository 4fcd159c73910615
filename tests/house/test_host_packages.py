"""setup.sh asks of a host what the README says that it needs, and no more."""

import re
from collections.abc import Iterator

from tests.support.places import ROOT

REQUIRED = {"programs newuidmap newgidmap usermod", "python", "cryptography"}
"""What a build runs of the host's; all other programs are borrowed."""
ONLY_BY_TOOLS_HOST = ("gpg", "tar", "mke2fs", "mkfs.fat", "mcopy", "sfdisk", "zstd", "xz")


def rows() -> Iterator[tuple[str, ...]]:
    """Kind, test and packages of each row of setup.sh's table."""
    table = (ROOT / "setup.sh").read_text().split("<<TABLE\n")[1].split("\nTABLE\n")[0]
    for line in table.splitlines():
        yield tuple(line.split("|"))


def test_a_build_needs_little_of_the_host() -> None:
    required = {test for kind, test, *_ in rows() if kind == "required"}
    assert required == REQUIRED


def test_what_only_tools_host_runs_is_optional() -> None:
    optional = " ".join(test.replace("gnu_", "") for kind, test, *_ in rows() if kind == "optional")
    assert set(ONLY_BY_TOOLS_HOST) <= set(optional.split())


def test_every_row_is_for_every_package_manager() -> None:
    assert {len(row) for row in rows()} == {7}
    assert {row[0] for row in rows()} == {"required", "optional"}


def test_each_test_in_the_table_is_a_function() -> None:
    functions = set(re.findall(r"^(\w+)\(\) \{", (ROOT / "setup.sh").read_text(), re.MULTILINE))
    assert {row[1].split()[0] for row in rows()} <= functions
