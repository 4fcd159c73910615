"""Built images of Raspberry Pis, as Raspberry Pi Imager lists what it can write.

Imager opens such a file by its suffix ``.rpi-imager-manifest``, or takes its address as that of a
repository (raspberrypi/rpi-imager, doc/json-schema).
"""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from aimager.config.variables import make_words
from aimager.errors import ConfigError
from aimager.graph import artifacts
from aimager.model.board import Firmware
from aimager.model.build import Build
from aimager.model.product import (
    BLOCK_MAP,
    MANIFEST,
    Compression,
    Product,
    compressed_name,
)

_MODELS = {"rpi2": "pi2", "rpi3": "pi3", "rpi4": "pi4", "rpi5": "pi5", "rpi-zero2w": "pi3"}
"""What Imager calls the models, by board; it takes a Zero 2 W for a 3."""

_BEST = (
    compressed_name(Product.disk, Compression.xz),
    compressed_name(Product.disk, Compression.zst),
    Product.disk.value,
)
"""Which form of an image is listed: the first that there is. Every Imager reads xz."""


def print_os_list(builds: Sequence[Build], variables: Mapping[str, str], folder: Path) -> None:
    """Print the list of what was built of ``builds``, whose files lie below ``url=``.

    Relative paths start at ``folder``.

    :raises ConfigError: when none was asked for, one is not of a Raspberry Pi, or was not built
    """
    if not builds:
        raise ConfigError("there is nothing to list", hint="name images: board=rpi4, or builds=")
    url: str = make_words(variables, folder).read("url", "")
    for build in builds:
        if Firmware.raspberry_pi not in build.board.firmware:
            raise ConfigError(
                f"the board {build.board.id} is not a Raspberry Pi, which Imager writes images for",
                hint="name others with board=, or pick builds with only=",
            )
    models = {build.board.id: _device(build) for build in builds}
    listed = {
        "imager": {"devices": list(models.values())},
        "os_list": [_entry(build, url) for build in builds],
    }
    print(json.dumps(listed, indent=2, ensure_ascii=False))


def _device(build: Build) -> dict[str, Any]:
    """A model; Imager shows only images for models that the same file has."""
    return {
        "name": build.board.name,
        "description": build.board.name,
        "icon": "",
        "tags": _tags(build),
        "matching_type": "exclusive",
    }


def _tags(build: Build) -> list[str]:
    model = _MODELS.get(build.board.id)
    return [f"{model}-{build.platform.architecture.bits}bit"] if model else []


def _architecture(build: Build) -> str:
    """Imager's name of it."""
    return "armv8" if build.platform.architecture.bits == 64 else "armhf"


def _entry(build: Build, url: str) -> dict[str, Any]:
    folder = artifacts.results_folder(build)
    manifest = _read_manifest(folder)
    results = {result["name"]: result for result in manifest["results"]}
    image = results.get(Product.disk)
    if not image:
        raise ConfigError(f"{folder} has no disk image", hint="build one: create=disk.img")
    name = next(name for name in _BEST if name in results)
    made = datetime.fromtimestamp(manifest["epoch"], UTC).date().isoformat()
    place = f"{url}/{folder.name}" if url else folder.absolute().as_uri()
    return {
        "name": f"{manifest['distro']} ({build.id})",
        "description": f"{len(manifest['packages'])} packages, for {build.board.name}",
        "icon": "",
        "url": f"{place}/{name}",
        "bmap_url": f"{place}/{BLOCK_MAP}",
        "extract_size": image["size"],
        "extract_sha256": image["sha256"],
        "image_download_size": results[name]["size"],
        "image_download_sha256": results[name]["sha256"],
        "release_date": made,
        "devices": _tags(build),
        "architecture": _architecture(build),
        "init_format": "none",
    }


def _read_manifest(folder: Path) -> dict[str, Any]:
    path = folder / MANIFEST
    if not path.is_file():
        raise ConfigError(f"{path} does not exist", hint="make the image with doit build")
    manifest: dict[str, Any] = json.loads(path.read_bytes())
    return manifest
