"""Tasks that do ahead what another task would, while a core has nothing better to do.

They make no product, only what that other task finds done. So they are left out wherever nobody
would wait for less: where tasks run one by one, or what it waits for is there.
"""

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from aimager import progress
from aimager.errors import AimagerError
from aimager.graph.actions import run_heard
from aimager.graph.runner import LEAVES_NOTHING, PRODUCT
from aimager.products.stage import Stage


class Helper(Stage, Protocol):
    """What is done ahead, as much of it as can be: a stage without a product."""

    @property
    def id(self) -> str:
        """What tells it from what others do; empty: there is nothing to do."""


class Ahead:
    """What is done ahead in a run; ``is_done`` tells of a task, by its name, whether it is.

    With ``wanted`` unset nothing is.
    """

    def __init__(self, is_done: Callable[[str], bool], *, wanted: bool) -> None:
        self._is_done = is_done
        self._wanted = wanted
        self._begun: set[str] = set()
        self._helpers: dict[str, list[str]] = {}

    def helpers(self, name: str) -> list[str]:
        """The tasks that do a part of what the task ``name`` does."""
        return self._helpers.get(name, [])

    def task(
        self,
        names: tuple[str, str],
        helper: Helper,
        get_ready: Callable[[], object],
        helped: str,
        meanwhile: str,
        after: Sequence[str],
    ) -> dict[str, Any]:
        """The doit task of ``names``, which helps the task ``helped`` while ``meanwhile`` runs.

        It comes ``after`` others, and calls ``get_ready`` before it begins.
        """
        basename, subject = names
        name = f"{basename}:{subject}"
        self._helpers.setdefault(helped, []).append(name)
        return {
            "basename": basename,
            "name": subject,
            "actions": [(run_heard, [name, _run, [name, helper, get_ready, helped]])],
            "task_dep": list(after),
            "uptodate": [(self._is_in_vain, [helper, (helped, meanwhile)])],
            "meta": {PRODUCT: lambda: helper.id, LEAVES_NOTHING: True},
        }

    def _is_in_vain(self, helper: Helper, others: Sequence[str]) -> bool:
        if not self._wanted or any(map(self._is_done, others)):
            return True
        found = helper.id
        if not found or found in self._begun:
            return True
        self._begun.add(found)
        return False


def _run(name: str, helper: Helper, get_ready: Callable[[], object], helped: str) -> None:
    get_ready()
    progress.reason(name, f"ahead of {helped}, while a core has nothing else to do")
    try:
        helper.run()
    except (AimagerError, OSError) as error:
        progress.say(f"   left to {helped}: {error}")
