"""Packages for the tests."""

import dataclasses
import hashlib
from typing import Any

from aimager.lock import LockedPackage


def make_package(name: str, **changes: Any) -> LockedPackage:
    """A package of this name; ``changes`` are fields that matter to the test."""
    package = LockedPackage(
        name=name,
        version="1.0-1",
        architecture="x86_64",
        repository="core",
        file=f"{name}-1.0-1-x86_64.pkg.tar.zst",
        sha256=hashlib.sha256(name.encode()).hexdigest(),
        size=1000,
        installed_size=3000,
        build_date=1_700_000_000,
    )
    return dataclasses.replace(package, **changes)
