"""Which tasks of a graph can be sent away, and as what."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from aimager.cluster.errand import Described, Errand
from aimager.cluster.words import with_hashes, words_for
from aimager.config.builds import ReadBuild
from aimager.config.variable import Words
from aimager.graph.doit_tasks import Graph
from aimager.model.architecture import Architecture, host_architecture
from aimager.model.build import Build
from aimager.model.lock import COPIES, Lock, read_lock
from aimager.packages.lock_file import LockedBuild, format_lock_file, join_locks
from aimager.products.delivery import DeliveredTask
from aimager.products.errand import expect
from aimager.products.remote.products import is_given, is_shared
from aimager.products.remote.returned import is_returned
from aimager.products.stage import outputs
from aimager.products.task import CachedTask

_RESOLVES = "resolve-packages"


@dataclass
class Offer:
    """The tasks of ``graph``, for ``builds``."""

    graph: Graph
    builds: Sequence[ReadBuild]
    elsewhere: Collection[Architecture] = ()
    """The architectures for which tasks are done by machines of these."""

    def __post_init__(self) -> None:
        self._tasks = {task.name: task for task in self.graph.tasks}

    def find(self, name: str) -> CachedTask | None:
        """The task of this name, if it is of those that are sent."""
        task = self._tasks.get(name)
        is_sent = task and (is_shared(task.stage) or isinstance(task, DeliveredTask))
        return task if is_sent else None

    def maker(self, task: CachedTask) -> Architecture:
        """The architecture of the machine that is to do it."""
        given: Any = task.stage
        architecture: Architecture = given.architecture
        return architecture if architecture in self.elsewhere else host_architecture()

    def is_made(self, task: CachedTask, id: str) -> bool:
        """Whether the store has a task's product already, which is ``id`` for a worker."""
        assert task.remote, "a build with workers= has a store"
        look = is_returned if self.is_image(task) else is_given
        return look(task.remote, task.task, id)

    def is_image(self, task: CachedTask) -> bool:
        """Whether its product is only for who has asked for it."""
        return isinstance(task, DeliveredTask)

    def errand(self, task: CachedTask, locks: Mapping[str, Lock]) -> Errand:
        """What a worker is told of the task, which needs ``locks``.

        :raises NotSentError: when it has to be run here
        """
        is_image, read = self.is_image(task), self._of(task)
        build = read.build
        words = words_for(read.words.texts, build.remote, is_image=is_image)
        sent, hashed = self._hashed(task, read.words) if is_image else (task, {})
        lock = _join(locks, build)
        expected = expect(task.name, sent.derivation())
        described = Described({**words, **hashed}, build.name)
        return Errand(expected, described, lock, build.epoch, self._beside(build))

    def locks(self, task: CachedTask) -> dict[str, Lock]:
        """The locks that a task needs, by their subjects."""
        needed = [it for it in self.graph.needed_for(task.name) if it.task == _RESOLVES]
        return {it.subject: read_lock(outputs(it.stage)[0]) for it in needed}

    def _beside(self, build: Build) -> tuple[Described, ...]:
        """A build of each other platform of the run, by no more than tells of packages."""
        others = {it.build.platform: it for it in reversed(self.builds)}
        others.pop(build.platform)
        return tuple(
            Described(words_for(it.words.texts, "", is_image=False), it.build.name)
            for it in reversed(others.values())
        )

    def _of(self, task: CachedTask) -> ReadBuild:
        """The build that a task is of, or, of what builds share, one that needs it."""
        named = [it for it in self.builds if task.subject.partition(".")[0] == it.build.id]
        found = named or [it for it in self.builds if task.subject == it.build.platform.id]
        return found[0]

    def _hashed(self, task: CachedTask, given: Words) -> tuple[CachedTask, dict[str, str]]:
        """The task of an image with hashes for passwords, and the words for these."""
        stage: Any = task.stage
        seed = stage.salt_seed(read_lock(stage.lock))
        hashed, words = with_hashes(stage, given, seed)
        return replace(task, stage=hashed), words


def room_of(locks: Mapping[str, Lock]) -> int:
    """The bytes that a task which needs ``locks`` takes on a worker, roughly."""
    return COPIES * max(lock.installed_size for lock in locks.values())


def _join(locks: Mapping[str, Lock], build: Build) -> str:
    """The text of one lock file with all of them."""
    locked = LockedBuild(
        distro=build.platform.distro.id,
        architecture=build.platform.architecture,
        board=build.board.id,
        install_packages=(),
        host="",
        settings="",
    )
    return format_lock_file(join_locks(locks, locked))
