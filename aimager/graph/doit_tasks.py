"""How stages become doit's tasks."""

import functools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from aimager.errors import AimagerError, ConfigError, KeyTroubleError
from aimager.graph import artifacts
from aimager.graph.actions import run_heard
from aimager.graph.ahead import Ahead, Helper
from aimager.graph.failure import hint_of
from aimager.graph.plan import most_trees
from aimager.graph.runner import PRODUCT
from aimager.locks import locked
from aimager.model.build import Build
from aimager.model.remote import RecordTrust, Remote
from aimager.model.workshop import Workshop
from aimager.products.cache import Kept
from aimager.products.delivery import DeliveredTask, Delivery
from aimager.products.dry_run import find_reasons
from aimager.products.errand import Expected, away_notes
from aimager.products.fulfil import is_expected, run_as_expected
from aimager.products.run_folder import hold_run_folder
from aimager.products.stage import Stage, all_inputs, differing, outputs
from aimager.products.task import CachedTask
from aimager.sandbox.namespace import get_ready
from aimager.stages.fetch_again import run_fetching_again

Tasks = Iterator[dict[str, Any]]
"""Tasks as doit takes them."""

MakeStage = Callable[..., Stage]
"""A stage that still lacks its ``workshop``."""

Stages = Iterator[tuple[str, MakeStage] | tuple[str, MakeStage, Delivery]]
"""Stages by their subjects; the product of one with a delivery is for the user's folder."""

Helpers = Iterator[tuple[str, Callable[..., Helper], str, str]]
"""Helpers that lack their ``workshop``, and whether they are ``early``: before it is known whether
what they help is to be made. They are by their subjects, each with the names of the task that it
helps and of the one beside which it does."""


class Graph:
    """Stages as tasks of one ``run`` of doit, each after those that make its inputs.

    Of a task and a subject, ``kept`` tells where products lie, and ``workshop`` where their stage
    works; ``maker`` tells which task makes a file.
    ``jobs`` is how many tasks doit runs at the same time; memory and cores are shared among as many
    of them as may hold the tree of a system. With ``anew`` they make what the cache
    holds, too; ``alone``, they run without those that make their inputs. ``before`` is called once
    in a run, before the first task that is run; a failure of keys becomes what ``with_news`` makes
    of it. ``variables`` set the stages' settings, as `aimager.products.changed_settings` takes
    them. What another machine asks for is ``expected``.
    """

    def __init__(
        self,
        run: Path,
        builds: Sequence[Build],
        *,
        jobs: int = 1,
        anew: bool = False,
        alone: bool = False,
        kept: Callable[[str, str], Kept] = artifacts.kept,
        workshop: Callable[[str, str], Workshop] = artifacts.workshop,
        maker: Callable[[Path], str | None] = artifacts.maker,
        before: Callable[[], object] | None = None,
        with_news: Callable[[KeyTroubleError], KeyTroubleError] | None = None,
        variables: Mapping[str, str] | None = None,
        expected: Expected | None = None,
    ) -> None:
        self.tasks: list[CachedTask] = []
        self._run = run
        self._build = builds[0].id if len(builds) == 1 else ""
        self._builds = tuple(builds)
        asked = builds[0] if builds else None  # others differ by their boards only
        self._remote: Remote | None = None
        self._wishes: dict[str, Any] = {"jobs": jobs if expected else min(jobs, most_trees(builds))}
        if asked and asked.remote:
            self._remote = Remote(asked.remote, run / "remote", asked.remote_trust)
            # Stages take packages only, and know of no key.
            self._wishes["remote"] = replace(self._remote, trust=RecordTrust())
        if asked:
            names = ("memory", "borrow", "terminal", "forgives", "pacman_verifies")
            self._wishes |= {name: getattr(asked, name) for name in names}
        self._requests: dict[tuple[str, str], Stage] = {}
        self._kept = kept
        self._workshop = workshop
        self._maker = maker
        self._anew = anew
        self._alone = alone
        self._before = before
        self._with_news = with_news
        self._variables = variables or {}
        self._expected = expected
        self._done: set[str] = set()
        self._ahead = Ahead(self._is_known_done, wanted=jobs > 1 and not self._remote)

    def stages(self, generator: Callable[[], Stages]) -> Callable[[], Tasks]:
        """Have doit take the stages of ``task_some_name()`` as tasks called ``some-name``.

        A task of that name alone selects all of them, and is listed even where there are none.
        """
        basename = generator.__name__.removeprefix("task_").replace("_", "-")

        @functools.wraps(generator)
        def tasks() -> Tasks:
            yield {"basename": basename, "name": None, "doc": generator.__doc__}
            for subject, make, *delivery in generator():
                request = make(workshop=self._workshop(basename, subject))
                yield from self.stage(basename, subject, request, *delivery)

        return tasks

    def helpers(self, generator: Callable[[], Helpers]) -> Callable[[], Tasks]:
        """Have doit take the helpers of ``task_some_name()``, which comes before what they help."""
        basename = generator.__name__.removeprefix("task_").replace("_", "-")

        @functools.wraps(generator)
        def tasks() -> Tasks:
            yield {"basename": basename, "name": None, "doc": generator.__doc__}
            for subject, make, helped, meanwhile in generator():
                workshop = replace(self._workshop(basename, subject), **self._wishes)
                known = self._makers_of_known(meanwhile)
                helper = make(workshop=workshop, early=not known)
                after = [*self.makers(helper), *known]
                yield self._ahead.task(
                    (basename, subject), helper, self._get_ready, helped, meanwhile, after
                )

        return tasks

    def _makers_of_known(self, name: str) -> list[str]:
        """What tells whether the product of the task ``name``, if there has been one, is the same.

        Where there was none, it is to be made, and nobody need wait to know that.
        """
        found = [task for task in self.find([name]) if task.kept.records()]
        return [maker for task in found for maker in self.makers(task.stage)]

    def stage(
        self, basename: str, name: str, request: Stage, delivery: Delivery | None = None
    ) -> list[dict[str, Any]]:
        """The doit task that runs ``request`` where the cache does not hold its product.

        With ``delivery``, the product is for the user's folder. Returns nothing where another build
        of the run has brought the same.

        :raises ConfigError: when another build needs it to be made otherwise
        """
        known = self._requests.setdefault((basename, name), request)
        if known is not request:
            if known != request:
                raise self._needed_twice(basename, name, known, request)
            return []
        given: Any = request
        request = replace(given, workshop=replace(given.workshop, **self._wishes))
        title = basename if name == self._build else f"{basename}:{name}"
        values = (basename, name, title, request, self._kept(basename, name))
        how: dict[str, Any] = {"remote": self._remote, "anew": self._anew}
        how |= {"variables": self._variables, "notes": away_notes(self._run)}
        how["run_stage"] = functools.partial(run_fetching_again, stages=self._requests.values())
        task = DeliveredTask(*values, delivery, **how) if delivery else CachedTask(*values, **how)
        self.tasks.append(task)
        made = outputs(request)
        results = [delivery.folder / path.name for path in made] if delivery else made
        described = {
            "basename": basename,
            "name": name,
            "actions": [(run_heard, [f"{basename}:{name}", self._run_task, [task]])],
            "task_dep": [*self.makers(request), *self._ahead.helpers(f"{basename}:{name}")],
            "targets": [str(path) for path in results],
            "uptodate": [(self._is_done, [task])],
            "meta": {PRODUCT: task.product_id},
        }
        return [described]

    def _needed_twice(self, basename: str, name: str, one: Stage, other: Stage) -> ConfigError:
        """What to say where two builds need a product made in different ways, as far as known."""
        found = differing(one, other)
        words = dict.fromkeys(self._variables.get(setting, setting) for setting in found)
        return ConfigError(
            f"the builds of this run need {basename}:{name} made in different ways: they differ in"
            f" {', '.join(words)}",
            hint="make them the same, or build one after the other, with only= or board=",
        )

    def _get_ready(self) -> None:
        hold_run_folder(self._run)  # unless that failed when it was asked for, it is held already
        self._begin()

    def _run_task(self, task: CachedTask) -> None:
        self._get_ready()
        self._lay_out(task)
        try:
            run_as_expected(task, self._expected)
        except AimagerError as error:
            log = self._workshop(task.task, task.subject).log
            error.hint = hint_of(error, task.subject, self._builds, log)
            if isinstance(error, KeyTroubleError) and self._with_news:
                raise self._with_news(error) from None
            raise

    def _begin(self) -> None:
        """Call ``before``, unless another process of the run has done so; who comes now waits."""
        begun = self._run / "begun" / "well"
        if self._before and not begun.exists():
            with locked(begun.with_name("lock")):
                if not begun.exists():
                    get_ready()
                    self._before()
                    begun.touch()
        self._before = None

    def makers(self, request: Stage) -> list[str]:
        """The tasks that make what a stage reads, by their whole names."""
        makers = (self._maker(path) for path in all_inputs(request))
        return list(dict.fromkeys(maker for maker in makers if maker))

    def find(self, names: Iterable[str]) -> list[CachedTask]:
        """The tasks of these names, which may be groups' names or patterns."""
        wanted = list(names)
        return [
            task
            for task in self.tasks
            if any(fnmatch(task.name, name) or task.task == name for name in wanted)
        ]

    def needed_for(self, *names: str) -> list[CachedTask]:
        """The tasks of ``names``, as `find` takes them, and all that they need, in their order."""
        tasks = {task.name: task for task in self.tasks}
        waiting = [task.name for task in self.find(names)]
        needed = set[str]()
        while waiting:
            name = waiting.pop()
            if name in tasks and name not in needed:
                needed.add(name)
                waiting += self.makers(tasks[name].stage)
        return [task for name, task in tasks.items() if name in needed]

    def find_reasons(self) -> dict[str, str]:
        """Why each task would run, by their whole names; empty: it need not."""
        hold_run_folder(self._run)
        found = {task.name: reason for task, reason in find_reasons(self.tasks)}
        beside = self._ahead.beside.items()
        return found | {name: f"beside {it}" if found.get(it) else "" for name, it in beside}

    def _lay_out(self, task: CachedTask) -> None:
        """Where the tasks do not run that make what ``task`` reads, take it from the cache.

        :raises ConfigError: when it is not there
        """
        if not self._alone:
            return
        for other, _ in find_reasons(self.needed_for(task.name)):
            lacks = other is not task and not all(path.exists() for path in outputs(other.stage))
            if lacks and other.name in self.makers(task.stage):
                raise ConfigError(
                    f"{other.name} makes what {task.name} reads, and has not been run",
                    hint="leave out -s, which runs a task alone",
                )

    def _is_done(self, asked: CachedTask) -> bool:
        """Whether a task need not run; an error is the task's own to tell."""
        if asked.name in self._done:
            return True
        try:
            hold_run_folder(self._run)
            self._lay_out(asked)
            is_done = not is_expected(asked, self._expected) and asked.is_done()
        except (AimagerError, OSError):
            return False
        if is_done:
            self._done.add(asked.name)
        return is_done

    def _is_known_done(self, name: str) -> bool:
        """Whether the task ``name`` need not run."""
        return any(map(self._is_done, self.find([name])))
