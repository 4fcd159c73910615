"""Reading an OCI image in one file, and unpacking it as the image-spec says."""

import hashlib
import io
import json
import os
import shutil
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

WHITEOUT = ".wh."


@dataclass(frozen=True)
class Image:
    """What is in the archive of a layout, by path; digests and sizes have been compared."""

    files: dict[str, bytes]

    @property
    def index(self) -> dict[str, Any]:
        """The index."""
        found: dict[str, Any] = json.loads(self.files["index.json"])
        return found

    @property
    def manifest(self) -> dict[str, Any]:
        """The manifest of the only image."""
        (descriptor,) = self.index["manifests"]
        found: dict[str, Any] = json.loads(self.blob(descriptor))
        return found

    @property
    def config(self) -> dict[str, Any]:
        """Its config."""
        found: dict[str, Any] = json.loads(self.blob(self.manifest["config"]))
        return found

    @property
    def digests(self) -> list[str]:
        """Those of the layers, from the lowest on."""
        return [layer["digest"] for layer in self.manifest["layers"]]

    def blob(self, descriptor: dict[str, Any]) -> bytes:
        """The content that a descriptor refers to."""
        content = self.files["blobs/" + descriptor["digest"].replace(":", "/")]
        assert len(content) == descriptor["size"]
        return content

    def layers(self) -> list[list[tarfile.TarInfo]]:
        """The members of each layer."""
        found = []
        for layer in self.manifest["layers"]:
            with tarfile.open(fileobj=io.BytesIO(self.blob(layer))) as archive:
                found.append(archive.getmembers())
        return found

    def unpack(self, root: Path) -> None:
        """Lay all layers over each other in ``root``, with owners if this process may."""
        root.mkdir()
        for layer in self.manifest["layers"]:
            with tarfile.open(fileobj=io.BytesIO(self.blob(layer))) as archive:
                # Python before 3.11.4 has no filters, and trusts as this one does.
                archive.extraction_filter = getattr(tarfile, "fully_trusted_filter", None)
                for member in archive:
                    _lay(archive, member, root)


def _lay(archive: tarfile.TarFile, member: tarfile.TarInfo, root: Path) -> None:
    place = root / member.name
    if place.name.startswith(WHITEOUT):
        _remove(place.with_name(place.name.removeprefix(WHITEOUT)))
        return
    if os.path.lexists(place) and not (member.isdir() and _is_folder(place)):
        _remove(place)
    archive.extract(member, root, numeric_owner=True)


def _is_folder(path: Path) -> bool:
    return path.is_dir() and not path.is_symlink()


def _remove(path: Path) -> None:
    if _is_folder(path):
        shutil.rmtree(path)
    else:
        path.unlink()


def read_image(path: Path) -> Image:
    """The image in ``path``, whose blobs are called by their digests."""
    with tarfile.open(path) as archive:
        files = {
            member.name: content.read()
            for member in archive
            if (content := archive.extractfile(member))
        }
    for name, data in files.items():
        if name.startswith("blobs/"):
            assert name == f"blobs/sha256/{hashlib.sha256(data).hexdigest()}"
    assert json.loads(files["oci-layout"]) == {"imageLayoutVersion": "1.0.0"}
    return Image(files)
