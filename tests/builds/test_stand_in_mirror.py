"""The stand-in mirror as a whole: closed under dependencies, signed, and made once."""

import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from aimager.errors import ConfigError
from aimager.stand_in import fingerprint, make_mirror
from aimager.stand_in.ports import PORTS, Port


def _read_database(path: Path) -> dict[str, dict[str, list[str]]]:
    entries: dict[str, dict[str, list[str]]] = {}
    with tarfile.open(path) as archive:
        for member in archive:
            stream = archive.extractfile(member) if member.isfile() else None
            if stream:
                blocks = stream.read().decode().strip().split("\n\n")
                fields = {
                    block.split("\n")[0].strip("%"): block.split("\n")[1:] for block in blocks
                }
                entries.setdefault(member.name.partition("/")[0], {}).update(fields)
    return {fields["NAME"][0]: fields for fields in entries.values()}


KERNELS = {"aarch64": "linux-aarch64", "armv7h": "linux-armv7"}


@pytest.mark.parametrize("port", PORTS.values(), ids=PORTS)
def test_whole_mirror(mirror_for: Callable[[str], Path], port: Port) -> None:
    mirror = mirror_for(port.arch)
    kernel = KERNELS.get(port.arch, "linux")
    packages: dict[str, dict[str, list[str]]] = {}
    for repository in port.repositories:
        place = mirror / port.layout()[repository]
        database = _read_database(place / f"{repository}.db")
        packages |= database
        for fields in database.values():
            file = place / fields["FILENAME"][0]
            assert file.stat().st_size == int(fields["CSIZE"][0])
            assert Path(f"{file}.sig").stat().st_size > 60
    assert {"base", "pacman", kernel, "booster", "mkinitcpio"} <= set(packages)
    assert ("qemu-user-static" in packages) == (port.arch in ("x86_64", "aarch64"))
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
    made = {path.relative_to(mirror) for path in mirror.rglob("*.db")}
    make_mirror(mirror, ["x86_64"], work)
    assert {p: p.read_text() for p in (work / "packages").glob("*.current")} == before
    assert {path.relative_to(mirror) for path in mirror.rglob("*.db")} == made, "others are kept"


def test_an_unknown_architecture_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        make_mirror(tmp_path / "mirror", ["x86_64", "m68k"])
    assert caught.value.message == "the stand-in mirror cannot have m68k"
    assert "riscv64" in caught.value.hint
    assert not list(tmp_path.iterdir())
