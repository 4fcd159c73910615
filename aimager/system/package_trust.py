"""Whether packages may be installed, found out before pacman sees any of them."""

from collections.abc import Sequence
from pathlib import Path
from typing import IO

from aimager import progress
from aimager.errors import TrustError
from aimager.files import sha256
from aimager.model.lock import LockedPackage
from aimager.model.workshop import Workshop
from aimager.packages.keyring import find_doubt, open_home
from aimager.toolbox import Toolbox


def are_verified(
    tools: Toolbox,
    packages: Sequence[LockedPackage],
    workshop: Workshop,
    log: IO[bytes],
    *,
    keys: Path,
    keyring: Path,
) -> bool:
    """Whether those of ``packages`` that are signed are by trusted keys, as far as ``keys`` tell.

    Else ``keyring`` is opened, as ``gnupg`` in the work folder, for pacman to verify them with.

    What is read here is what pacman reads: a worker's namespace has the files themselves, so that
    others of their names make no difference, and nothing in it can write to them.
    """
    if not workshop.pacman_verifies:
        progress.step("verifying packages")
        signed = [package for package in packages if package.is_signed]
        doubt = find_doubt(keys, signed, workshop.store)
        if not doubt:
            return True
        log.write(f"gpg is to verify all packages, for of one there is doubt: {doubt}\n".encode())
    progress.step("opening the keyring")
    open_home(tools, keyring, workshop.work / "gnupg")
    return False


def tell_unsigned(packages: Sequence[LockedPackage], store: Path) -> None:
    """Name the packages that nobody signed, which are known by the lock alone.

    :raises TrustError: when one differs from its lock
    """
    for package in packages:
        if sha256(package.path(store)) != package.sha256:
            raise TrustError(
                f"the package {package} differs from the one in the lock",
                hint=f"remove {package.path(store)} and build again",
            )
        progress.say(f"   NOT SIGNED by anybody: {package}, known by its SHA-256 alone")
