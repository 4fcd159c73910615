"""One package's way from recipe to signed file, as the worker processes run it."""

import json
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from aimager.stand_in.contents import gather_files, read_scriptlet
from aimager.stand_in.entry import Entry, arrange_entries
from aimager.stand_in.firmware import gather_firmware
from aimager.stand_in.kernels import (
    gather_alarm_kernel,
    gather_kernel,
    gather_microcode,
    gather_rpi_kernel,
)
from aimager.stand_in.keyrings import gather_keyring, write_scriptlet
from aimager.stand_in.metadata import Built, Metadata
from aimager.stand_in.package_file import write_package
from aimager.stand_in.recipe import Recipe
from aimager.stand_in.signing import SigningKey
from aimager.stand_in.static_pacman import gather_static_pacman

# The date of packages that hold no Debian file.
_DEFAULT_DATE = 1746230400


@dataclass(frozen=True)
class Job:
    """A package to make; ``folder`` is its place in the cache, named by all that goes into it."""

    recipe: Recipe
    arch: str
    metadata: Metadata
    debs: tuple[Path, ...]
    folder: Path


@dataclass(frozen=True)
class Result:
    """A package in the cache, its signature beside it, and the files that it owns."""

    job: Job
    built: Built
    files: tuple[str, ...]

    @property
    def file(self) -> Path:
        return self.job.folder / self.built.filename


def convert_package(job: Job, key: SigningKey) -> Result:
    """Make the package, unless the cache has it, and its signature by this key."""
    record = job.folder / "built.json"
    if not record.is_file():
        _make_package(job, key, record)
    data = json.loads(record.read_text())
    metadata = _read_metadata(data["built"].pop("metadata"))
    result = Result(job, Built(metadata, **data["built"]), tuple(data["files"]))
    signed = job.folder / f"signed-by-{key.fingerprint}"
    if not signed.exists():
        key.sign(result.file)
        signed.touch()
    return result


def _make_package(job: Job, key: SigningKey, record: Path) -> None:
    job.folder.mkdir(parents=True, exist_ok=True)
    gathered = _gather(job, key)
    date = max((entry.mtime for entry in gathered), default=0) or _DEFAULT_DATE
    entries = arrange_entries(gathered, date)
    metadata = replace(job.metadata, date=date)
    scriptlet = (
        write_scriptlet(job.recipe.option)
        if job.recipe.maker == "keyring"
        else read_scriptlet(job.recipe)
    )
    built = write_package(
        job.folder,
        metadata,
        entries,
        install=scriptlet,
        compression="xz" if job.recipe.maker == "static-pacman" else "zst",
    )
    files = [entry.path for entry in entries if entry.kind != "dir"]
    # The record is what says that the package is whole, so it comes last and at once.
    new = record.with_suffix(f".{os.getpid()}")
    new.write_text(json.dumps({"built": asdict(built), "files": files}))
    new.rename(record)


def _gather(job: Job, key: SigningKey) -> list[Entry]:
    recipe = job.recipe
    match recipe.maker:
        case "kernel":
            return gather_kernel(recipe, job.debs)
        case "alarm-kernel":
            return gather_alarm_kernel(recipe, job.debs)
        case "rpi-kernel":
            return gather_rpi_kernel(recipe, job.debs)
        case "ucode":
            return gather_microcode(recipe, job.debs)
        case "firmware":
            return gather_firmware(job.debs)
        case "keyring":
            # A real keyring's keys are armoured.
            public = key.export(armored=bool(job.debs))
            return gather_keyring(recipe.option, key.fingerprint, public, job.debs)
        case "static-pacman":
            return gather_static_pacman(job.debs)
        case _:
            return gather_files(recipe, job.arch, job.debs)


def _read_metadata(fields: dict[str, Any]) -> Metadata:
    """Back from JSON, which knows lists only."""
    values: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in fields.items()
    }
    return Metadata(**values)


def find_conflicts(results: Iterable[Result]) -> list[str]:
    """Files that two packages own which do not declare a conflict."""
    owners: dict[str, Result] = {}
    found = []
    for result in results:
        for file in result.files:
            other = owners.setdefault(file, result)
            if other is not result and not _may_conflict(other.built, result.built):
                found.append(f"{file}: {other.built.metadata.name}, {result.built.metadata.name}")
    return found


def _may_conflict(one: Built, other: Built) -> bool:
    return _declares(one.metadata, other.metadata) or _declares(other.metadata, one.metadata)


def _declares(one: Metadata, other: Metadata) -> bool:
    return not {other.name, *other.provides}.isdisjoint(one.conflicts)
