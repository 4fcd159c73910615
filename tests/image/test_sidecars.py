"""What lies beside a build's products is all that was promised, and tells of all of it."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from aimager import files
from aimager.image.manifest import Built
from aimager.image.sidecars import Facts, write_sidecars
from aimager.model.board import Board
from aimager.model.layout import Extent
from aimager.model.product import Compression, Product
from tests.graph.test_products import make_build
from tests.image.test_manifest import PACKAGES, store
from tests.image.test_spdx import known
from tests.packages.test_signature import FINGERPRINT, NAMES_KEY, body, new_packet
from tests.support.digests import Digests
from tests.support.trees import TOOLS


@pytest.fixture
def facts(tmp_path: Path) -> Facts:
    return Facts(
        build=Built("archlinux-x86_64-none", "Arch Linux", 1_700_000_000),
        vendor="arch",
        packages=PACKAGES,
        installed={package.name: known(package.name) for package in PACKAGES},
        store=store(tmp_path / "store", new_packet(body(NAMES_KEY))),
        products={"install-packages:x": "b" * 64},
        mapped=(Extent(0, 4096),),
    )


@pytest.mark.parametrize("compressions", [(), tuple(Compression)])
@pytest.mark.parametrize("products", [(Product.root_tar,), (Product.disk, Product.part_boot)])
def test_all_are_made(
    tmp_path: Path,
    facts: Facts,
    products: tuple[Product, ...],
    compressions: tuple[Compression, ...],
) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    for product in products:
        (folder / product).write_bytes(b"x" * 10_000)
    with Digests(2) as digests:
        write_sidecars(TOOLS, folder, products, compressions, facts, digests)
    names = list(
        replace(
            make_build(Board("none", "none")), products=products, compressions=compressions
        ).results
    )
    assert sorted(path.name for path in folder.iterdir()) == sorted(names)
    manifest = json.loads((folder / "manifest.json").read_text())
    assert [result["name"] for result in manifest["results"]] == names[:-2]
    assert manifest["packages"][0]["signing_key"] == FINGERPRINT
    sums = [line.split() for line in (folder / "SHA256SUMS").read_text().splitlines()]
    assert [name for _, name in sums] == names[:-1]
    assert all(files.sha256(folder / name) == digest for digest, name in sums)


def test_what_else_is_installed_came_with_the_archive(facts: Facts) -> None:
    more = replace(facts, installed={**facts.installed, "acl": known("acl")}, reused="d" * 64)
    assert more.given == (known("acl"),)
    assert replace(more, reused="").given == ()
