"""Tasks that do ahead what another task would, beside one that this has to wait for.

They make no product, only what that other task finds done. So they are left out wherever nobody
would wait for less: where tasks run one by one, or what the other task waits for is there.
"""

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from aimager import progress
from aimager.errors import AimagerError
from aimager.graph.actions import run_heard
from aimager.graph.runner import LEAVES_NOTHING, PRODUCT
from aimager.products.stage import Stage
from aimager.sandbox.answer import ChildFailed


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
        self.beside: dict[str, str] = {}
        """By task that does something ahead, the one beside which it runs."""

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
        self.beside[name] = meanwhile
        return {
            "basename": basename,
            "name": subject,
            "actions": [(run_heard, [name, self._run, [name, helper, get_ready, helped]])],
            "task_dep": list(after),
            "uptodate": [(self._is_in_vain, [helper, meanwhile])],
            "meta": {PRODUCT: lambda: helper.id, LEAVES_NOTHING: True},
        }

    def _is_in_vain(self, helper: Helper, meanwhile: str) -> bool:
        found = "" if self._is_done(meanwhile) else self._find_work(helper)
        if not found or found in self._begun:
            return True
        self._begun.add(found)
        return False

    def _find_work(self, helper: Helper) -> str:
        """The helper's id; empty: it is not to do anything."""
        try:
            return helper.id if self._wanted else ""
        except (AimagerError, OSError):  # what it reads is missing, which others tell
            return ""

    def _run(self, name: str, helper: Helper, get_ready: Callable[[], object], helped: str) -> None:
        if not self._find_work(helper):  # doit was told to run all that it knows
            return
        get_ready()
        progress.reason(name, f"ahead of {helped}, which has to wait")
        try:
            helper.run()
        except (AimagerError, ChildFailed, OSError) as error:
            progress.say(f"   left to {helped}: {error}")
