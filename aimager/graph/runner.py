"""doit's runner: tasks that do not need each other run at the same time, in processes of their own.

::

    main process   sees what is up to date, chooses what runs next and where, and is told results
      |  a pipe each
      v
    worker         runs one task at a time, with all that its calls leave for those that follow

A task goes to the worker that has made most of what it reads, and before others do those that go on
with what a worker has just made. What comes to the same product as a task at work waits for it, for
then it is there. Of tasks that fail together, the one that is listed first is told. Workers are
made before the first task is run: a process must not be forked where threads may hold locks. Before
it runs, a task may be away (`Away`). What is done ahead of others (`LEAVES_NOTHING`) has a worker
of its own, one more, and may be lost with it.
"""

import time
from collections.abc import Callable, Iterator
from multiprocessing.connection import wait
from typing import Any

from doit.exceptions import TaskFailed
from doit.runner import Runner

from aimager.errors import AimagerError
from aimager.graph.away import Away
from aimager.graph.workers import Worker, hire

PRODUCT = "product"
"""What has, in the ``meta`` of a task that makes a product, what returns the id of that."""

LEAVES_NOTHING = "leaves nothing"
"""What is set there for one that makes no product, and leaves no tree for others."""


class SideBySide(Runner):
    """Runs at most ``jobs`` tasks at the same time."""

    def __init__(self, *given: Any, jobs: int, away: Away | None = None) -> None:
        super().__init__(*given)
        self._jobs = jobs
        self._away = away
        self._gone: dict[str, Any] = {}
        self._workers: list[Worker] = []
        self._ready: list[Any] = []
        self._places: dict[str, int] = {}
        self._failed: dict[int, tuple[Any, Any]] = {}
        self._tasks: dict[str, Any] = {}
        self._generator: Any = None
        self._all_seen = False

    def run_tasks(self, task_dispatcher: Any) -> None:
        """Run all, and end what is at work where that is interrupted."""
        if self._jobs < 2 and not self._away:
            super().run_tasks(task_dispatcher)
            return
        self._tasks, self._generator = task_dispatcher.tasks, task_dispatcher.generator
        self._places = {name: place for place, name in enumerate(self._tasks)}
        try:
            self._see(None)
            while self._begin_some() or self._gone or any(it.node for it in self._workers):
                self._hear()
        except BaseException:
            for worker in self._workers:
                worker.process.terminate()
            raise
        finally:
            if self._away:
                self._away.close()
            self._dismiss()

    def _see(self, ended: Any) -> None:
        """Take from doit what can run now that the task of the node ``ended`` has."""
        node = ended
        while not (self._all_seen or self._stop_running):
            try:
                node = self._generator.send(node)
            except StopIteration:
                self._all_seen = True
                return
            if node == "hold on":
                return
            if self.select_task(node, self._tasks):
                self._ready.append(node)
                node = None

    def _begin_some(self) -> bool:
        """Run what can be run by who is free; whether there may be more to run by now."""
        if self._stop_running:
            self._ready.clear()
        here = next((node for node in self._ready if not _product_of(node)), None)
        is_wanted = any(map(_product_of, self._ready)) or not self._all_seen
        if is_wanted and not self._stop_running:
            self._hire()
        self._send_away()
        lost = False
        for node, worker in self._matches():
            try:
                worker.pipe.send(node.task.name)
            except (BrokenPipeError, ConnectionResetError):  # killed while it had nothing to do
                self._workers.remove(worker)
                worker.process.join()
                lost = True
                continue
            self._ready.remove(node)
            worker.node, worker.began = node, time.monotonic()
            worker.product = _id_of(node)
            self.reporter.execute_task(node.task)
        if here:
            self._ready.remove(here)
            self.process_task_result(here, self.execute_task(here.task))
            self._see(here)
        return here is not None or lost

    def _send_away(self) -> None:
        """Let other machines have what they can do, as far as they have not been asked yet."""
        for node in list(filter(_product_of, self._ready)) if self._away else ():
            if self._away and self._away.send(node.task):
                self._ready.remove(node)
                self._gone[node.task.name] = node
                self.reporter.execute_task(node.task)

    def _matches(self) -> Iterator[tuple[Any, Worker]]:
        """What is to be run now, and by whom."""
        while free := [worker for worker in self._workers if worker.node is None]:
            lasts = {worker.last for worker in free}
            kinds = {worker.helps for worker in free}
            nodes = [node for node in self._ready if _product_of(node) and _helps(node) in kinds]
            nodes.sort(key=lambda node: lasts.isdisjoint(node.task.task_dep))
            at_work = [worker for worker in self._workers if worker.node]
            node = next((node for node in nodes if not _is_made_by(at_work, node)), None)
            if node is None:
                return
            able = [worker for worker in free if worker.helps == _helps(node)]
            yield node, max(able, key=lambda worker: worker.made_for(node.task))

    def _hear(self) -> None:
        """Wait for the end of a task at work, if there is one."""
        at_work: dict[Any, Any] = {it.pipe: it for it in self._workers if it.node}
        if self._away and self._gone:
            at_work[self._away] = None
        for end in wait(list(at_work)) if at_work else ():
            if at_work[end] is None:
                self._welcome()
                continue
            worker = at_work[end]
            node, worker.node = worker.node, None
            worker.last = node.task.name
            if not worker.helps:
                worker.took[worker.last] = time.monotonic() - worker.began
            try:
                failure = worker.pipe.recv()
            except (EOFError, ConnectionResetError):
                self._workers.remove(worker)
                worker.process.join()
                failure = None if worker.helps else TaskFailed(worker.lost())
            self._take_down(node, failure)

    def _welcome(self) -> None:
        """Run here what has been away, or take down its failure."""
        for name, fault in self._away.ended().items() if self._away else ():
            node = self._gone.pop(name)
            if fault:
                self._take_down(node, TaskFailed(fault))
            else:
                self._ready.append(node)

    def _take_down(self, node: Any, failure: Any) -> None:
        """Tell doit how a task ended."""
        if self._away:
            self._away.taken(node.task.name)
        if failure is None or self.continue_:
            self.process_task_result(node, failure)
        else:
            self._failed[self._places[node.task.name]] = node, failure
            self._stop_running = True
            for name in self._away.recall() if self._away else ():
                self._gone.pop(name, None)
        self._tell_failure()
        self._see(node)

    def _tell_failure(self) -> None:
        """Tell the failure that is listed first, once none at work can be, and no other."""
        first = min(self._failed, default=None)
        at_work = [worker.node.task.name for worker in self._workers if worker.node]
        at_work += self._gone
        if first is None or any(self._places[name] < first for name in at_work):
            return
        if not self.final_result:
            self.process_task_result(*self._failed[first])

    def _hire(self) -> None:
        """Have workers of each kind, if none is left: they may have been killed."""
        metas = [task.meta or {} for task in self._tasks.values()]
        helpers = sum(LEAVES_NOTHING in meta for meta in metas)
        stages = sum(PRODUCT in meta for meta in metas) - helpers
        for helps, number in ((False, min(self._jobs, stages)), (True, min(1, helpers))):
            if any(worker.helps is helps for worker in self._workers):
                continue
            for _ in range(number):
                self._workers.append(hire(self._execute, self._workers, helps=helps))

    def _execute(self, name: str) -> Any:
        """Run a task, as a worker does; what is sent back is its failure."""
        task = self._tasks[name]
        task.init_options()
        return task.execute(self.stream)

    def _dismiss(self) -> None:
        """Let the workers end, and wait for that."""
        for worker in self._workers:
            worker.pipe.close()
        for worker in self._workers:
            worker.process.join()


def _product_of(node: Any) -> Callable[[], str] | None:
    found: Callable[[], str] | None = (node.task.meta or {}).get(PRODUCT)
    return found


def _helps(node: Any) -> bool:
    return LEAVES_NOTHING in (node.task.meta or {})


def _id_of(node: Any) -> str:
    """The id of what a task makes; empty where that cannot be told before it is run."""
    product = _product_of(node)
    try:
        return product() if product else ""
    except (AimagerError, OSError):  # the task itself meets it, and tells
        return ""


def _is_made_by(workers: list[Worker], node: Any) -> bool:
    """Whether one of ``workers`` is just making what the task of ``node`` makes."""
    kind = node.task.name.partition(":")[0]
    same = [worker.product for worker in workers if worker.node.task.name.startswith(f"{kind}:")]
    return any(same) and _id_of(node) in filter(None, same)
