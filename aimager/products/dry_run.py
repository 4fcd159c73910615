"""What a build would do, and because of what, found without doing any of it."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from aimager.products.record import record_of
from aimager.products.stage import inputs, outputs
from aimager.products.task import CachedTask

UP_TO_DATE = "up to date"


def predict_runs(tasks: Iterable[CachedTask]) -> Iterator[str]:
    """A line for each of ``tasks``, in their order: why it would run, or that it need not.

    :raises AimagerError: when something that is asked for does not exist
    """
    for task, reason in find_reasons(tasks):
        yield f"{task.title}: {reason or UP_TO_DATE}"


def find_reasons(tasks: Iterable[CachedTask]) -> Iterator[tuple[CachedTask, str]]:
    """Why each of ``tasks`` would run, in their order; empty: it need not.

    Mirrors are not asked, so the databases are those of the last build; and what those resolve to
    is our own guess where no lock names the packages. What depends on a product that would be
    made again, and is not known yet, says so.

    :raises AimagerError: when something that is asked for does not exist
    """
    makers: dict[Path, str] = {}
    for task in tasks:
        unknown = [path for path in inputs(task.stage).values() if not _is_known(path)]
        if unknown:
            reason = f"follows {', '.join(dict.fromkeys(makers[path] for path in unknown))}"
        else:
            reason = task.explain()
            if reason:
                reason = task.remarked(reason)
                task.predict()
        makers |= dict.fromkeys(outputs(task.stage), task.title)
        yield task, reason


def _is_known(path: Path) -> bool:
    return path.exists() or record_of(path) is not None
