"""Names and attributes that are taken are those that sfdisk writes."""

import re
from pathlib import Path

import pytest

from aimager.model.partition import MiB
from aimager.model.sfdisk_table import read_table
from tests.support.trees import TOOLS


@pytest.mark.parametrize(
    "fields",
    [
        f'name="{"x" * 36}"',
        'name="\u0416, \xe9"',
        'attrs="RequiredPartition GUID:63,60"',
        'attrs="LegacyBIOSBootable,60"',
        'attrs="48 NoBlockIOProtocol"',
    ],
)
def test_what_sfdisk_writes_as_said(tmp_path: Path, fields: str) -> None:
    """Its dump can be given as a table again."""
    read_table(f"label: gpt; aimager@root: {fields}")
    disk = tmp_path / "disk.img"
    disk.write_bytes(bytes(4 * MiB))
    line = f"label: gpt\nstart=2048, size=2048, {fields}\n"
    TOOLS.run(["sfdisk", "--quiet", disk], input=line.encode())
    dump = TOOLS.run(["sfdisk", "--dump", disk])
    (again,) = re.findall(r"^.*start=.*$", dump, re.MULTILINE)
    raw, _ = read_table(f"label: gpt\n{again}\naimager@root:").partitions
    assert raw.name or raw.attributes
