"""How many bytes there will be is told while they are written, and comes about true."""

import json
import random
from pathlib import Path
from typing import Any

import pytest

from aimager import progress
from aimager.archive import pack_tree, tar_size
from aimager.files import data_size
from aimager.image.compress import compress
from aimager.image.make_partition import make_part, part_data
from aimager.model.image_ids import ImageIds
from aimager.model.partition import FileSystem, MiB, Partition, Role
from aimager.model.product import Compression
from aimager.model.sfdisk_table import read_table
from aimager.products import delivery
from aimager.products.cache import describe_files
from aimager.products.delivery import Delivery
from aimager.products.derivation import Derivation
from aimager.products.record import Record
from aimager.toolbox import Toolbox
from tests.support.heard import noted_records
from tests.support.trees import EPOCH, TOOLS
from tests.support.waiting import wait_until

TABLE = read_table("label: gpt; aimager@boot: size=80M; aimager@root:")


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """48 MiB in 400 files."""
    tree = tmp_path / "tree"
    numbers = random.Random(1)
    for number in range(400):
        path = tree / str(number % 20) / str(number)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(numbers.randbytes(numbers.randrange(0, MiB // 4)))
    return tree


@pytest.fixture
def eager(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, object]]:
    """Whoever looks at what grows does it often; what was told so far."""
    monkeypatch.setenv(progress.HEARD, "")
    monkeypatch.setattr(progress, "_LOOK", 0.001)
    monkeypatch.setattr(progress, "_OFTEN", 0.0)
    monkeypatch.setattr(progress, "_LONG", -1.0)
    return noted_records(monkeypatch)


class SeenToolbox(Toolbox):
    """A program has ended only when ``told`` has some of what it has done."""

    def __init__(self, told: list[dict[str, object]]) -> None:
        super().__init__(None)
        self._told = told

    def pipe_through(self, *arguments: Any, **options: Any) -> None:
        super().pipe_through(*arguments, **options)
        wait_until(lambda: bool(self._told[-1]["done"]))


def told(capsys: pytest.CaptureFixture[str]) -> list[tuple[str, int, int]]:
    """The steps that were told, with what was done and the total, but for their beginnings."""
    records = [json.loads(line[1:]) for line in capsys.readouterr().out.split("\n")[:-1]]
    return [(r["step"], r["done"], r["total"]) for r in records if r["done"]]


def test_of_an_archive(tmp_path: Path, tree: Path) -> None:
    pack_tree(TOOLS, tree, tmp_path / "root.tar", epoch=EPOCH)
    assert tar_size(tree) == pytest.approx((tmp_path / "root.tar").stat().st_size, rel=0.02)


@pytest.mark.parametrize("role", [Role.boot, Role.root])
def test_of_a_file_system(tmp_path: Path, tree: Path, role: Role) -> None:
    (partition,) = (p for p in TABLE.filled if p.role is role)
    make_part(TOOLS, ImageIds("x", TABLE), partition, tree, tmp_path / "part", epoch=EPOCH)
    assert part_data(partition, tree) == pytest.approx(data_size(tmp_path / "part"), rel=0.05)


def changed(**changes: object) -> Partition:
    """The root partition, otherwise."""
    partition = TABLE.changed(Role.root, **changes).with_role(Role.root)
    assert partition
    return partition


def test_of_what_is_packed_nothing_is_known(tree: Path) -> None:
    for partition in (changed(file_system=FileSystem.squashfs), changed(compression="zstd")):
        assert part_data(partition, tree) == 0
    assert part_data(changed(), None) == 0
    assert part_data(changed(), tree) > 0


@pytest.mark.parametrize("how", list(Compression))
def test_of_a_compressed_file(
    tmp_path: Path,
    how: Compression,
    capsys: pytest.CaptureFixture[str],
    eager: list[dict[str, object]],
) -> None:
    (tmp_path / "disk.img").write_bytes(random.Random(1).randbytes(2 * MiB))
    compress(SeenToolbox(eager), tmp_path / "disk.img", tmp_path / f"disk.img.{how}", how)
    steps = told(capsys)
    assert {(name, total) for name, _, total in steps} == {(f"disk.img.{how}", 2 * MiB)}
    done = [count for _, count, _ in steps]
    assert done == sorted(done)
    assert 0 < done[0] <= done[-1] <= 2 * MiB


def test_of_a_result(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    eager: list[dict[str, object]],
) -> None:
    view = tmp_path / "view"
    view.mkdir()
    (view / "disk.img").write_bytes(bytes(8 * MiB))
    derivation = Derivation("make", "Make", {}, {}, {})
    made = describe_files([view / "disk.img"])
    record = Record("make", "x", "0" * 32, False, derivation, {}, {}, {}, made)

    def copy(source: Path, target: Path) -> None:
        target.write_bytes(source.read_bytes()[: 2 * MiB])
        wait_until(lambda: bool(eager[-1]["done"]))
        target.write_bytes(source.read_bytes())

    monkeypatch.setattr(delivery, "_bring", copy)
    Delivery(tmp_path / "out", tmp_path / "memory.json").bring(view, record)
    steps = told(capsys)
    assert {(name, total) for name, _, total in steps} == {
        ("bringing disk.img", data_size(view / "disk.img"))
    }
    assert any(0 < done < total for _, done, total in steps)
