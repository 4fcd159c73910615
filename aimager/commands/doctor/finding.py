"""The result of examining one subject."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from aimager.errors import AimagerError, HostError, explain_system_error


class State(StrEnum):
    """Whether a subject is in order."""

    ok = "ok"
    advice = "advice"
    """A build can do without."""
    missing = "missing"
    """A build cannot."""


@dataclass(frozen=True)
class Finding:
    """What was found of ``subject``: what there is, or what is wrong, and the ``fix`` to type."""

    subject: str
    state: State
    message: str
    fix: str = ""


def examine(subject: str, check: Callable[[], str], *, needed: bool = True) -> Finding:
    """What ``check`` says there is, or its error, which without ``needed`` is advice."""
    try:
        return Finding(subject, State.ok, check())
    except AimagerError as error:
        message, fix = error.message, error.hint
    except OSError as error:
        told = explain_system_error(error) or HostError(
            f"{error.filename}: {error.strerror}", hint="see what is wrong with it"
        )
        message, fix = told.message, told.hint
    return Finding(subject, State.missing if needed else State.advice, message, fix)


def lines(findings: Sequence[Finding]) -> Iterator[str]:
    """The findings as text: one line each, and below each that is not ok, what to type."""
    for finding in findings:
        yield f"{finding.state:<8} {finding.subject}: {finding.message}"
        if finding.state is not State.ok:
            yield from (f"         {line}".rstrip() for line in finding.fix.splitlines())


def first_missing(findings: Sequence[Finding]) -> HostError | None:
    """The error to raise for the first that a build cannot do without; None: it has all."""
    missing = [finding for finding in findings if finding.state is State.missing]
    if not missing:
        return None
    others = f" (and {len(missing) - 1} more, which doit doctor lists)" if missing[1:] else ""
    return HostError(f"{missing[0].message}{others}", hint=missing[0].fix)
