"""The documents of an OCI image: config, manifest, index and layout (image-spec 1.1)."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from aimager.model.architecture import Architecture

_TYPES = "application/vnd.oci.image"
PATH = "/usr/local/sbin:/usr/local/bin:/usr/bin"
"""Of Arch's /etc/profile."""
_COMMAND = ["/usr/bin/bash"]


@dataclass(frozen=True)
class Blob:
    """What is known of a file of the image: its type, its size in bytes and its SHA-256."""

    media_type: str
    size: int
    sha256: str

    @property
    def digest(self) -> str:
        """As documents name it."""
        return f"sha256:{self.sha256}"

    @property
    def descriptor(self) -> dict[str, object]:
        """As other documents refer to it (descriptor.md)."""
        return {"mediaType": self.media_type, "digest": self.digest, "size": self.size}


@dataclass(frozen=True)
class Layer:
    """A layer that is not compressed, so that its digest is its diff_id, and ``made_by`` what."""

    blob: Blob
    made_by: str


@dataclass(frozen=True)
class Told:
    """What an image says of itself: its ``name``, ``NAME:TAG``, its title, and LANG.

    ``epoch`` is when it was made, in seconds since 1970.
    """

    name: str
    title: str
    architecture: Architecture
    lang: str
    epoch: int

    @property
    def created(self) -> str:
        """The time in the form of RFC 3339."""
        return f"{datetime.fromtimestamp(self.epoch, UTC):%Y-%m-%dT%H:%M:%SZ}"

    @property
    def annotations(self) -> dict[str, str]:
        """What is known of it by the keys of annotations.md, for labels, too."""
        name = "org.opencontainers.image"
        version = f"{datetime.fromtimestamp(self.epoch, UTC):%Y%m%d}"
        return {
            f"{name}.created": self.created,
            f"{name}.title": self.title,
            f"{name}.version": version,
        }


def layer_blob(size: int, sha256: str) -> Blob:
    """The blob of a layer."""
    return Blob(f"{_TYPES}.layer.v1.tar", size, sha256)


def make_documents(told: Told, layers: Sequence[Layer]) -> Mapping[str, bytes]:
    """All files of the layout but its layers, by their paths in it."""
    config, config_blob = _blob(f"{_TYPES}.config.v1+json", _config(told, layers))
    manifest, manifest_blob = _blob(
        f"{_TYPES}.manifest.v1+json",
        {
            "schemaVersion": 2,
            "mediaType": f"{_TYPES}.manifest.v1+json",
            "config": config_blob.descriptor,
            "layers": [layer.blob.descriptor for layer in layers],
            "annotations": told.annotations,
        },
    )
    index = {
        "schemaVersion": 2,
        "mediaType": f"{_TYPES}.index.v1+json",
        "manifests": [
            {
                **manifest_blob.descriptor,
                "platform": _platform(told.architecture),
                "annotations": _names(told.name),
            }
        ],
    }
    return {
        blob_path(config_blob): config,
        blob_path(manifest_blob): manifest,
        "index.json": _json(index),
        "oci-layout": _json({"imageLayoutVersion": "1.0.0"}),
    }


def blob_path(blob: Blob) -> str:
    """Where a blob lies in the layout."""
    return f"blobs/sha256/{blob.sha256}"


def _config(told: Told, layers: Sequence[Layer]) -> dict[str, object]:
    history = [{"created": told.created, "created_by": layer.made_by} for layer in layers]
    return {
        "created": told.created,
        **_platform(told.architecture),
        "config": {
            "Env": [f"PATH={PATH}", f"LANG={told.lang}"],
            "Cmd": _COMMAND,
            "Labels": told.annotations,
        },
        "rootfs": {"type": "layers", "diff_ids": [layer.blob.digest for layer in layers]},
        "history": history,
    }


def _platform(architecture: Architecture) -> dict[str, str]:
    name, variant = architecture.oci
    platform = {"architecture": name, "os": "linux"}
    return {**platform, "variant": variant} if variant else platform


def _names(name: str) -> dict[str, str]:
    """What engines call it: podman and skopeo by the first, containerd and docker the second.

    That has to have a registry; without one it would be taken for one of Docker's.
    """
    first, slash, _ = name.partition("/")
    has_host = slash and (first == "localhost" or set(".:") & set(first))
    whole = name if has_host else f"localhost/{name}"
    return {"org.opencontainers.image.ref.name": name, "io.containerd.image.name": whole}


def _blob(media_type: str, document: object) -> tuple[bytes, Blob]:
    content = _json(document)
    return content, Blob(media_type, len(content), hashlib.sha256(content).hexdigest())


def _json(document: object) -> bytes:
    return json.dumps(document, sort_keys=True, separators=(",", ":")).encode()
