"""Why a build's products are not those of another build, without making any."""

import shlex
from pathlib import Path

import pytest

from aimager.commands.doit_loader import Loader
from aimager.graph import artifacts
from aimager.products.derivation import derive
from aimager.products.reasons import differences
from aimager.products.record import Record, identity_of
from aimager.products.stage import inputs
from aimager.products.task import CachedTask


def tasks_of(words: str, folder: Path, patch: pytest.MonkeyPatch) -> list[CachedTask]:
    """The tasks of ``doit build`` with these words, started in ``folder``."""
    loader = Loader(folder)
    loader.assignments = dict(word.split("=", 1) for word in shlex.split(words))
    with patch.context() as here:
        here.setattr(Loader, "asked", None)
        here.setattr(artifacts, "CACHE", folder / "cache")
        loader.ask("run", ["build"], {})
        loader.setup({})
        for name, tasks in list(loader.namespace.items()):
            if name.startswith("task_"):
                list(tasks())
    return loader.graph.tasks


def record_of_task(task: CachedTask) -> Record:
    """The record that a task would leave, of whose input files those of other tasks are alike."""
    sources = inputs(task.stage)
    identities = {n: identity_of(p) if p.is_file() else "made" for n, p in sources.items()}
    derivation = derive(task.task, task.stage, identities)
    made = {"other:task": "made"}
    return Record(task.task, task.subject, derivation.id, False, derivation, {}, made, {}, ())


def reasons(old: list[CachedTask], new: list[CachedTask]) -> dict[str, str]:
    """Why the products of the ``new`` tasks are not those of the ``old`` ones, by task.

    A task is compared with that of the same name and subject, or with the one of its name where
    that is the only one.
    """
    found = {}
    for task in new:
        alike = [o for o in old if o.task == task.task]
        same = [o for o in alike if o.subject == task.subject] or alike
        if len(same) != 1:
            continue
        before, now = record_of_task(same[0]), record_of_task(task)
        if before.id != now.id:
            own = {n: p for n, p in inputs(task.stage).items() if p.is_file()}
            told = differences([before], now.derivation, own, task.variables)
            found[f"{task.task}:{task.subject}"] = told
    return found
