"""What an image's ids and salts are derived from tells no password."""

from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

from aimager.model.architecture import Architecture
from aimager.model.board import Boot
from aimager.model.lock import Lock
from aimager.model.partition import Label, MiB, PartitionTable, boot_fat, root_ext4
from aimager.model.product import Product
from aimager.model.recipe import Recipe
from aimager.model.settings import HashedPassword, Password, Script, Settings
from aimager.model.workshop import Workshop
from aimager.products.stage import settings
from aimager.stages.pack_image import PackImage
from tests.support.locked import make_package

LOCK = Lock("archlinux-x86_64", ("bash",), (make_package("bash"),))
SETUP = Settings("pc", passwords=(Password("alice", "secret"),))
HASHED = (HashedPassword("alice", "$6$salt$hash"),)
STAGE = PackImage(
    id="archlinux-x86_64-pc",
    title="Arch Linux",
    vendor="arch",
    architecture=Architecture.x86_64,
    systems=(Path("/system"),),
    lock=Path("/lock"),
    setup=SETUP,
    table=None,
    boot=Boot(),
    mirrorlist="etc/mirrors",
    mirror="http://m",
    repositories=(),
    own_repositories=(),
    root_size=None,
    products=(Product.root_tar,),
    compressions=(),
    recipe=Recipe(),
    seed="",
    epoch=None,
    targets=(Path("/out/root.tar"),),
    borrowed=None,
    overlays=(),
    workshop=Workshop(Path("/c"), Path("/c/w"), Path("/c/s"), Path("/c/l")),
)


def test_a_password_is_in_no_seed() -> None:
    other = replace(STAGE, setup=replace(SETUP, passwords=(Password("alice", "hunter2"),)))
    assert other.salt_seed(LOCK) == STAGE.salt_seed(LOCK)
    assert other.id_seed(LOCK, HASHED) == STAGE.id_seed(LOCK, HASHED)
    hashed = (HashedPassword("alice", "$6$salt$other"),)
    assert STAGE.id_seed(LOCK, hashed) != STAGE.id_seed(LOCK, HASHED)


@pytest.mark.parametrize(
    "changes", [{"seed": "x"}, {"id": "other"}, {"setup": replace(SETUP, hostname="other")}]
)
def test_other_images_have_other_seeds(changes: dict[str, Any]) -> None:
    other = replace(STAGE, **changes)
    assert other.salt_seed(LOCK) != STAGE.salt_seed(LOCK)
    assert other.id_seed(LOCK, HASHED) != STAGE.id_seed(LOCK, HASHED)


def test_other_packages_make_other_seeds() -> None:
    newer = replace(LOCK, packages=(make_package("bash", version="2"),))
    assert STAGE.salt_seed(newer) != STAGE.salt_seed(LOCK)


def test_the_list_of_licences_counts_in_the_id() -> None:
    assert settings(STAGE)["license_list"] == version("license-expression")


TABLE = PartitionTable(Label.gpt, (boot_fat(64 * MiB), root_ext4()))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, ""),
        ({"overlays": (Path("/o.tar"),)}, "images are made whole because overlay= is given"),
        (
            {"setup": Settings("pc", scripts=(Script("s", "true"),))},
            "images are made whole because scripts= is given",
        ),
        ({"overlays": (Path("/o.tar"),), "products": (Product.root_tar,)}, ""),
        ({"overlays": (Path("/o.tar"),), "table": None}, ""),
    ],
)
def test_why_an_image_is_made_whole_is_told(changes: dict[str, Any], said: str) -> None:
    stage = replace(STAGE, table=TABLE, products=(Product.disk,))
    assert replace(stage, **changes).remark() == said
