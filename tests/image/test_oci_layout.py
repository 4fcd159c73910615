"""The documents of an OCI image, as the image-spec has them."""

import hashlib
import json
from typing import Any

import pytest

from aimager.image.oci.layout import Layer, Told, layer_blob, make_documents
from aimager.model.architecture import Architecture

LAYERS = [Layer(layer_blob(10, "a" * 64), "base system"), Layer(layer_blob(20, "b" * 64), "users")]


def told(name: str = "arch:latest", architecture: Architecture = Architecture.x86_64) -> Told:
    return Told(name, "Arch Linux", architecture, "de_DE.UTF-8", 1_700_000_000)


def documents(image: Told) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    """The index, the manifest and the config, each found by what refers to it."""
    files = make_documents(image, LAYERS)
    assert json.loads(files["oci-layout"]) == {"imageLayoutVersion": "1.0.0"}
    index = json.loads(files["index.json"])
    (manifest_at,) = index["manifests"]
    manifest = read(files, manifest_at)
    assert len(files) == 4
    return index, manifest, read(files, manifest["config"])


def read(files: Any, descriptor: dict[str, Any]) -> dict[str, Any]:
    """The document that a descriptor refers to, which says true things of it."""
    algorithm, _, digest = descriptor["digest"].partition(":")
    content = files[f"blobs/{algorithm}/{digest}"]
    assert (len(content), hashlib.sha256(content).hexdigest()) == (descriptor["size"], digest)
    found: dict[str, Any] = json.loads(content)
    return found


def test_each_refers_to_the_next() -> None:
    index, manifest, config = documents(told())
    assert index["schemaVersion"] == manifest["schemaVersion"] == 2
    digests = [f"sha256:{letter * 64}" for letter in "ab"]
    assert [layer["digest"] for layer in manifest["layers"]] == digests
    assert [layer["size"] for layer in manifest["layers"]] == [10, 20]
    assert {layer["mediaType"] for layer in manifest["layers"]} == {
        "application/vnd.oci.image.layer.v1.tar"
    }
    assert manifest["config"]["mediaType"] == "application/vnd.oci.image.config.v1+json"
    assert config["rootfs"] == {"type": "layers", "diff_ids": digests}
    assert [made["created_by"] for made in config["history"]] == ["base system", "users"]


def test_what_an_engine_runs() -> None:
    _, manifest, config = documents(told())
    assert config["config"]["Cmd"] == ["/usr/bin/bash"]
    assert config["config"]["Env"] == [
        "PATH=/usr/local/sbin:/usr/local/bin:/usr/bin",
        "LANG=de_DE.UTF-8",
    ]
    assert (config["os"], config["created"]) == ("linux", "2023-11-14T22:13:20Z")
    labels = config["config"]["Labels"]
    assert labels == manifest["annotations"]
    assert labels == {
        "org.opencontainers.image.created": "2023-11-14T22:13:20Z",
        "org.opencontainers.image.title": "Arch Linux",
        "org.opencontainers.image.version": "20231114",
    }


@pytest.mark.parametrize(
    ("architecture", "name", "variant"),
    [
        (Architecture.x86_64, "amd64", None),
        (Architecture.aarch64, "arm64", "v8"),
        (Architecture.armv7h, "arm", "v7"),
        (Architecture.i486, "386", None),
        (Architecture.pentium4, "386", None),
        (Architecture.riscv64, "riscv64", None),
        (Architecture.loong64, "loong64", None),
    ],
)
def test_architectures_have_gos_names(
    architecture: Architecture, name: str, variant: str | None
) -> None:
    index, _, config = documents(told(architecture=architecture))
    for platform in (index["manifests"][0]["platform"], config):
        assert (platform["architecture"], platform.get("variant")) == (name, variant)


@pytest.mark.parametrize(
    ("name", "whole"),
    [
        ("arch:latest", "localhost/arch:latest"),
        ("me/arch:1", "localhost/me/arch:1"),
        ("quay.io/me/arch:1", "quay.io/me/arch:1"),
        ("localhost/arch:1", "localhost/arch:1"),
        ("store:5000/arch:1", "store:5000/arch:1"),
    ],
)
def test_a_name_without_a_registry_is_none_of_dockers(name: str, whole: str) -> None:
    index, _, _ = documents(told(name))
    assert index["manifests"][0]["annotations"] == {
        "org.opencontainers.image.ref.name": name,
        "io.containerd.image.name": whole,
    }
