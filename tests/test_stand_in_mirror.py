"""The stand-in mirror as a whole: closed under dependencies, signed, and made once."""

import tarfile
from pathlib import Path

import pytest

from aimager.stand_in import fingerprint, make_mirror

pytestmark = pytest.mark.slow


def _read_database(path: Path) -> dict[str, dict[str, list[str]]]:
    packages = {}
    with tarfile.open(path) as archive:
        for member in archive:
            stream = archive.extractfile(member) if member.isfile() else None
            if stream:
                blocks = stream.read().decode().strip().split("\n\n")
                fields = {
                    block.split("\n")[0].strip("%"): block.split("\n")[1:] for block in blocks
                }
                packages[fields["NAME"][0]] = fields
    return packages


@pytest.mark.parametrize(
    ("arch", "top", "kernel"),
    [
        ("x86_64", "archlinux/{repository}/os/x86_64", "linux"),
        ("aarch64", "archlinuxarm/aarch64/{repository}", "linux-aarch64"),
    ],
)
def test_whole_mirror(mirror: Path, arch: str, top: str, kernel: str) -> None:
    repositories = ("core", "extra") if arch == "x86_64" else ("core", "extra", "alarm", "aur")
    packages: dict[str, dict[str, list[str]]] = {}
    for repository in repositories:
        place = mirror / top.format(repository=repository)
        database = _read_database(place / f"{repository}.db")
        packages |= database
        for fields in database.values():
            file = place / fields["FILENAME"][0]
            assert file.stat().st_size == int(fields["CSIZE"][0])
            assert Path(f"{file}.sig").stat().st_size > 60
    assert {"base", "pacman", kernel, "booster", "mkinitcpio", "qemu-user-static"} <= set(packages)
    provided = {
        name.split("=")[0] for fields in packages.values() for name in fields.get("PROVIDES", [])
    }
    for name, fields in packages.items():
        needs = {need.split(">")[0].split("=")[0] for need in fields.get("DEPENDS", [])}
        assert needs <= provided | set(packages), f"{name} has a dependency that nobody provides"
    assert len(fingerprint(mirror)) == 40


def test_what_is_made_is_not_made_again(mirror: Path) -> None:
    work = mirror.with_name(f"{mirror.name}.work")
    before = {p: p.read_text() for p in (work / "packages").glob("*.current")}
    assert before
    make_mirror(mirror, work=work)
    assert {p: p.read_text() for p in (work / "packages").glob("*.current")} == before
