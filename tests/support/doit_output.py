"""What doit said of a build: which tasks ran, which did not, and why."""

import re
from collections import Counter
from dataclasses import dataclass

STAGES = (
    "fetch-pacman-static",
    "sync-databases",
    "resolve-packages",
    "fetch-packages",
    "keyring-init",
    "keyring-backup",
    "make-rootfs-archive",
    "install-packages",
    "pack-image",
)
"""The names of the tasks that make something, in the order of a build."""

_SELDOM = ("check-root-archive", "check-twice", "run-early")
"""Those of few builds."""

_PRINTING = ("build", "why")
"""Tasks that only print."""

_UP_TO_DATE = "up to date"
TAKEN = "taken from the remote store"
"""How what a task says begins that another machine has done."""
WAITING = r".* has (been making it for .*|just begun to make it): waiting"
"""What a task says while another machine makes the same."""
_NOT_MADE = re.compile(
    "it is there by now|another build has made it meanwhile|it is the same as that of .*"
    f"|{TAKEN}.*|{WAITING}"
)
"""What a task says that was begun and then found its product there."""

_TASK = re.compile(r"(\.  |-- )(\S+)")
_REASON = re.compile(rf"\s*({'|'.join((*STAGES, *_SELDOM))})(?::(\S+))?: (\S.*)")
_SPEAKER = re.compile(rf" \((?:{'|'.join((*STAGES, *_SELDOM))})(?::\S+)?\)$", re.MULTILINE)
"""What ends a line that one of several tasks at work said."""


@dataclass(frozen=True)
class Reason:
    """Why a task runs; ``subject`` is empty where the line does not name it."""

    stage: str
    subject: str
    text: str


@dataclass(frozen=True)
class Said:
    """A run of doit: tasks by their whole names, in doit's order, but those that only print."""

    ran: tuple[str, ...]
    skipped: tuple[str, ...]
    reasons: tuple[Reason, ...]

    @property
    def stages(self) -> set[str]:
        """The tasks that ran, without their subjects."""
        return {stage_of(task) for task in self.ran}

    def reasons_of(self, stage: str) -> list[str]:
        """Why a stage ran."""
        return [reason.text for reason in self.reasons if reason.stage == stage]

    def count(self) -> Counter[str]:
        """How often each stage was really executed, which it tells each time."""
        return Counter(reason.stage for reason in self.made)

    @property
    def made(self) -> list[Reason]:
        """Why what was really executed was."""
        return [reason for reason in self.reasons if not _NOT_MADE.fullmatch(reason.text)]


def stage_of(task: str) -> str:
    """A task's name without its subject."""
    return task.partition(":")[0]


def subject_of(task: str) -> str:
    """The platform or build that a task is for."""
    return task.partition(":")[2]


def without_speakers(text: str) -> str:
    """What was printed, as if no tasks ran at the same time."""
    return _SPEAKER.sub("", text)


def read_output(text: str) -> Said:
    """Read what ``doit build`` or ``doit why`` printed; the latter skips what is up to date."""
    ran: list[str] = []
    skipped: list[str] = []
    reasons: list[Reason] = []
    for line in text.splitlines():
        if task := _TASK.fullmatch(line):
            (ran if task[1] == ".  " else skipped).append(task[2])
        elif (reason := _REASON.fullmatch(line)) and reason[3] == _UP_TO_DATE:
            skipped.append(f"{reason[1]}:{reason[2]}" if reason[2] else reason[1])
        elif reason:
            reasons.append(Reason(reason[1], reason[2] or "", reason[3]))
    return Said(
        tuple(task for task in ran if task not in _PRINTING),
        tuple(task for task in skipped if task not in _PRINTING),
        tuple(reasons),
    )
