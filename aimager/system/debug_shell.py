"""A shell in the root whose making failed, on the user's terminal: ``shell=yes``.

Nothing that is done in it reaches a product: the task has failed.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from aimager import progress
from aimager.errors import AimagerError, TrustError
from aimager.sandbox.chroot import Chroot
from aimager.system.image_shell import open_shell

_TOLD = """\
This is a shell in the root that failed. Nothing in it is kept; exit or ctrl-d ends it, and the \
build.
"""


@contextmanager
def shell_on_failure(image: Chroot, terminal: Path | None) -> Iterator[None]:
    """Open a shell in ``image`` when the block fails, if there is a ``terminal`` to do it on.

    Where a package is not trusted there is nothing to see: none has been installed.
    """
    try:
        yield
    except AimagerError as error:
        if terminal and not isinstance(error, TrustError):
            _look_around(image, terminal, error)
        raise


def _look_around(image: Chroot, terminal: Path, why: AimagerError) -> None:
    try:
        open_shell(image, terminal, f"{why}\n{_TOLD}", "[failed root] \\w # ")
    except AimagerError as error:
        progress.say(f"   no shell is opened: {error.message}")
