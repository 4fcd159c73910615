"""The packages of a desktop are as many and as large as they should be, and the same each time."""

import lzma
import statistics
from pathlib import Path

import pytest
import zstandard

from aimager.errors import HostError
from aimager.packages.sync_database import read_database
from aimager.stand_in.entry import arrange_entries, make_file
from aimager.stand_in.metadata import Metadata
from aimager.stand_in.package_file import write_database, write_package
from aimager.stand_in.signing import SigningKey
from bench import desktop_set, mirrors, real_size
from bench.lab import PLAIN, Lab

NO_KEY = SigningKey(Path("/nonexistent"), "A" * 40)


def test_sizes_are_spread_as_those_of_real_packages() -> None:
    planned = desktop_set.plan(600, 1_500_000_000, 27_000)
    sizes = sorted(package.size for package in planned)
    assert sum(sizes) == pytest.approx(1_500_000_000, rel=0.01)
    assert sum(package.files for package in planned) == pytest.approx(27_000, rel=0.02)
    assert 300_000 < statistics.median(sizes) < 1_000_000
    assert sizes[540] > 5_000_000
    assert planned == desktop_set.plan(600, 1_500_000_000, 27_000)
    largest = max(planned, key=lambda package: package.size)
    assert largest.files > statistics.median(package.files for package in planned)


def test_contents_of_a_package() -> None:
    planned = desktop_set.Planned("bench-1", 3_000_000, 40)
    files = [entry for entry in desktop_set.entries(planned) if entry.kind == "file"]
    assert len(files) == 40
    whole = b"".join(entry.data for entry in files)
    assert len(whole) == pytest.approx(3_000_000, rel=0.01)
    assert 0.2 < len(zstandard.compress(whole)) / len(whole) < 0.6
    assert files == [entry for entry in desktop_set.entries(planned) if entry.kind == "file"]


def test_firmware_has_the_size_that_is_asked_for() -> None:
    files = dict(desktop_set.firmware(3, 5_000_000))
    assert sum(map(len, files.values())) == 5_000_000
    assert files == dict(desktop_set.firmware(3, 5_000_000))


def test_a_kernel_gets_modules_as_arch_has_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(real_size, "_MODULES", 5000)
    folder = "usr/lib/modules/6/kernel"
    module = desktop_set.content("noise", 1000, "module")
    before = [
        make_file(f"{folder}/drivers/a.ko.xz", lzma.compress(module)),
        make_file("usr/lib/modules/6/vmlinuz", b"kernel"),
    ]
    after = {entry.path: entry.data for entry in real_size.modules(iter(before))}
    assert after.pop("usr/lib/modules/6/vmlinuz") == b"kernel"
    assert list(after)[:2] == [f"{folder}/drivers/a.ko.zst", f"{folder}/more1/drivers/a_1.ko.zst"]
    assert {zstandard.decompress(data) for data in after.values()} == {module}
    assert 4000 <= sum(map(len, after.values())) <= 5000


def test_a_disk_without_room_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    core = mirrors.repository(tmp_path / "plain", "core")
    core.mkdir(parents=True)
    write_database(core / "core.db", [])
    monkeypatch.setattr(real_size, "_NEEDED", 1 << 60)
    with pytest.raises(HostError, match=r"real-size has .* free, .* need \d+"):
        real_size.make(tmp_path / "real-size/plain", tmp_path / "plain", NO_KEY)


def test_packages_of_the_mirror_come_to_the_store(tmp_path: Path) -> None:
    lab = Lab(tmp_path)
    for name in ("core", "extra"):
        folder = mirrors.repository(lab.mirror(PLAIN), name)
        folder.mkdir(parents=True)
        entries = arrange_entries([make_file(f"usr/share/{name}", b"x")], 1)
        built = write_package(folder, Metadata(name, "1-1", "any", "", "", 1), entries)
        (folder / f"{built.filename}.sig").write_bytes(b"signature")
        write_database(folder / f"{name}.db", [built])
    lab.stock()
    lab.stock()
    found = read_database("core", mirrors.repository(lab.mirror(PLAIN), "core") / "core.db")
    locked = found["core"].locked
    assert locked.path(lab.warm / "pkg").stat().st_size == locked.size
    assert locked.signature(lab.warm / "pkg").read_bytes() == b"signature"


def test_what_a_board_has_more() -> None:
    assert not [word for word in Lab(Path()).board() if word.startswith("install-pkgs")]
    assert Lab(Path(), packages=("a",)).board("b")[-1] == "install-pkgs=a,b"
