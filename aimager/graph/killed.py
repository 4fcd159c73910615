"""What to say of a task whose process was killed."""

import signal

from aimager.errors import OUT_OF_MEMORY, HostError


def told_signal(task: str, number: int) -> HostError:
    """The error for a task whose process the signal of this ``number`` has ended."""
    names = {known.value: known.name for known in signal.Signals}
    hint = OUT_OF_MEMORY if number == signal.SIGKILL else "whoever did so is not known: try again"
    how = names.get(number, f"signal {number}")
    return HostError(f"{task} was killed by {how}", hint=hint)
