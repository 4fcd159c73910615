"""Why a build's products are not those of another build, without making any."""

import importlib.util
import shlex
import sys
from pathlib import Path

import doit.loader
import pytest

from aimager.graph import artifacts
from aimager.products.derivation import derive
from aimager.products.reasons import differences
from aimager.products.record import Record, identity_of
from aimager.products.stage import inputs
from aimager.products.task import CachedTask
from tests.support.places import ROOT


def tasks_of(words: str, folder: Path, patch: pytest.MonkeyPatch) -> list[CachedTask]:
    """The tasks of ``doit build`` with these words, started in ``folder``."""
    with patch.context() as here:
        here.setattr(sys, "argv", ["doit", "build", *shlex.split(words)])
        here.setattr(doit.loader, "initial_workdir", str(folder))
        here.setattr(artifacts, "CACHE", folder / "cache")
        spec = importlib.util.spec_from_file_location("dodo_of_words", ROOT / "dodo.py")
        assert spec and spec.loader
        dodo = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(dodo)
        for name, tasks in list(vars(dodo).items()):
            if name.startswith("task_"):
                list(tasks())
    found: list[CachedTask] = dodo.GRAPH.tasks
    return found


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
