"""The jobs in which a continuous integration makes the builds of a file, in phases.

What several builds need is made in a phase before them, so that no machine waits for another: the
base systems first, then what boards install on them, then the package sets, then the images. What
one build alone needs, its own job makes. Machines find each other's work in the store of
``remote=``.
"""

from collections.abc import Callable, Hashable, Iterable, Sequence
from itertools import islice
from typing import Any

from aimager.commands.runners import find_runner
from aimager.errors import ConfigError
from aimager.model.build import Build

LARGEST = {"github": 256, "gitlab": 200}
"""The jobs that one matrix of each service can have (GitHub's "usage limits", GitLab's
``parallel:matrix``)."""

PHASES = ("bases", "boards", "systems", "images")

_TEMPLATE = "/.gitlab/aimager.yml"

Job = dict[str, str]


def make_phases(builds: Sequence[Build], form: str) -> dict[str, Any]:
    """The jobs by phase, in the form of the service.

    For GitHub each phase is a list of matrices, none of which is larger than one can be; for GitLab
    they are jobs of a child pipeline, which extend the job ``.aimager`` of its template.

    :raises ConfigError: for builds without names, by which jobs could ask for them
    """
    unnamed = next((build for build in builds if not build.name), None)
    if unnamed and len(builds) > 1:
        raise ConfigError(
            "the builds of the file have no names", hint="[builds.NAME] or [matrix] gives them some"
        )
    phases = {
        "bases": _shared(builds, _base_key, lambda it: f"make-rootfs-archive:{it.platform.id}"),
        "boards": _shared(builds, _board_key, _board_task),
        "systems": _shared(builds, _system_key, lambda it: f"install-packages:{it.id}"),
        "images": [(build, "build") for build in builds],
    }
    jobs = {
        name: [_job(build, task, form) for build, task in found] for name, found in phases.items()
    }
    chunks = {name: list(_chunks(found, LARGEST[form])) for name, found in jobs.items()}
    if form == "gitlab":
        return _pipeline(chunks)
    return {name: [{"include": chunk} for chunk in found] for name, found in chunks.items()}


def _base_key(build: Build) -> Hashable:
    return None if build.reused_root else (build.platform, build.epoch)


def _board_key(build: Build) -> Hashable:
    """What the layer of a board depends on; None: the build has none beside its own."""
    if build.reused_root or not build.board.installs:
        return None
    return (*_common(build), build.board.installs, build.welcome_tools)


def _system_key(build: Build) -> Hashable:
    """What the packages of a build depend on; None: they are its board's."""
    if not build.is_layered or build.reused_root:
        return None
    return (*_common(build), build.installs, build.welcome)


def _common(build: Build) -> tuple[Hashable, ...]:
    return (build.platform, build.repositories, build.own_packages, build.initramfs, build.epoch)


def _board_task(build: Build) -> str:
    return f"install-packages:{build.id}{'.board' if build.is_layered else ''}"


def _shared(
    builds: Iterable[Build], key: Callable[[Build], Hashable], task: Callable[[Build], str]
) -> list[tuple[Build, str]]:
    """Of what several builds have the same of, the first build, and the task that makes it."""
    groups: dict[Hashable, list[Build]] = {}
    for build in builds:
        groups.setdefault(key(build), []).append(build)
    shared = [group for it, group in groups.items() if it is not None and len(group) > 1]
    return [(group[0], task(group[0])) for group in shared]


def _job(build: Build, task: str, form: str) -> Job:
    name = build.id if task == "build" else task.replace(":", "-").replace("+", "-")
    job = {
        "name": name,
        "task": task,
        "only": build.name,
        "runner": find_runner(build.platform, form),
    }
    return {key.upper(): value for key, value in job.items()} if form == "gitlab" else job


def _chunks(jobs: Iterable[Job], largest: int) -> Iterable[list[Job]]:
    left = iter(jobs)
    while chunk := list(islice(left, largest)):
        yield chunk


def _pipeline(chunks: dict[str, list[list[Job]]]) -> dict[str, Any]:
    found = {
        f"{phase}-{number}" if len(lists) > 1 else phase: {
            "extends": ".aimager",
            "stage": phase,
            "parallel": {"matrix": chunk},
        }
        for phase, lists in chunks.items()
        for number, chunk in enumerate(lists, 1)
    }
    return {"include": [{"local": _TEMPLATE}], "stages": list(PHASES), **found}
