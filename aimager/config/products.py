"""Reading what a build is to make, and what container engines are to call it."""

import re
from collections.abc import Sequence

from aimager.config.parse import choices
from aimager.config.variable import Words
from aimager.errors import ConfigError
from aimager.model.architecture import Architecture
from aimager.model.board import Board
from aimager.model.build import Tools
from aimager.model.distro import Platform
from aimager.model.product import Product

_WINDOWS = (Architecture.x86_64, Architecture.aarch64)
"""What Windows with WSL runs on."""

_PART = r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
_HOST = rf"(?:localhost|{_LABEL}(?:\.{_LABEL})+|{_LABEL}(?:\.{_LABEL})*:[0-9]{{1,5}})"
_NAME = re.compile(rf"(?:{_HOST}/)?{_PART}(?:/{_PART})*")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")
"""The name and the reference of distribution-spec 1.1 ("Pulling manifests")."""
_LONGEST = 255
"""So many letters of a name, with its host, do registries take."""
_LATEST = "latest"


def read_products(
    board: Board, platform: Platform, tools: Tools, words: Words
) -> tuple[Product, ...]:
    """What is to be made: what ``create=`` names, or what the board is for.

    :raises ConfigError: for what cannot be made for the board
    """
    table = board.partition_table
    if "create" not in words:
        return (Product.disk if table else Product.root_tar,)
    possible = tuple(p for p in Product if _is_possible(p, board, platform, tools))
    products: tuple[str, ...] = words.read("create")
    for name in products:
        if name == Product.wsl and name not in possible:
            raise ConfigError(
                f"create={name} cannot be made for {platform.architecture}: Windows runs on"
                f" {choices(_WINDOWS)}",
                hint="leave it out, or name one of these with arch=",
            )
        if name not in possible:
            raise ConfigError(
                f"create={name} cannot be made for the board {board.id}",
                hint=f"it is one of {choices(possible)}",
            )
    if not products:
        raise ConfigError("create= is empty", hint=f"it is one of {choices(possible)}")
    return tuple(Product(name) for name in products)


def _is_possible(product: Product, board: Board, platform: Platform, tools: Tools) -> bool:
    table = board.partition_table
    if product is Product.keyring_helper:
        return tools is Tools.borrowed
    if product is Product.wsl:
        return platform.architecture in _WINDOWS
    if product.is_image:
        return bool(table and (product.role is None or table.with_role(product.role)))
    return True


def read_image_name(
    board: Board, platform: Platform, products: Sequence[Product], words: Words
) -> str:
    """What container engines are to call the image, ``NAME:TAG``; empty where none is made.

    :raises ConfigError: when it is named and not made
    """
    if Product.oci not in products:
        if "oci-name" in words:
            raise ConfigError(
                f"oci-name= has no effect without create={Product.oci}",
                hint=f"create={Product.oci} makes an image for podman and others",
            )
        return ""
    disk = f"-{board.id}" if board.partition_table else ""
    own = re.sub(r"[^a-z0-9]+", "-", f"{platform.distro.id}{disk}".lower()).strip("-")
    name: str = words.read("oci-name", f"{own}:{_LATEST}")
    return name


def read_name_and_tag(text: str) -> str:
    """``NAME:TAG`` of an image, of ``NAME`` or that.

    :raises ConfigError: when it is not what registries take
    """
    head, colon, tail = text.rpartition(":")
    # What comes after the port of a registry is a name.
    name, tag = (head, tail) if colon and "/" not in tail else (text, _LATEST)
    if not _NAME.fullmatch(name) or not _TAG.fullmatch(tag) or len(name) > _LONGEST:
        raise ConfigError(
            f"oci-name={text} is not the name of an image",
            hint="it is NAME or NAME:TAG, in small letters, as oci-name=quay.io/me/arch:2025-11",
        )
    return f"{name}:{tag}"
