"""What the runner sends tasks away by, before they are run here."""

from typing import Any, Protocol


class Away(Protocol):
    """Other machines, to which tasks can be sent before they are run here."""

    def send(self, task: Any) -> bool:
        """Whether ``task`` is on its way, the first time that it is ready; else it runs here."""

    def fileno(self) -> int:
        """A descriptor that can be read from while `ended` has something to tell."""

    def ended(self) -> dict[str, str]:
        """By task, what is to be said of its failure; empty: here it finds its product now."""

    def taken(self, name: str) -> None:
        """Be told that a task which was away has ended here, too."""

    def recall(self) -> set[str]:
        """The tasks that are not to be begun any more, of those that nobody has begun yet."""

    def close(self) -> None:
        """End what is under way."""
