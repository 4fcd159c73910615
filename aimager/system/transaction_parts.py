"""What pacman says while it works, parted by what it runs at the time.

What hooks and scriptlets say comes between its own lines (pacman's callback.c), and may look like
them. So a line is only taken for pacman's where that may say it, in the order of its log.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from aimager.packages.hooks import Hook, hooks_run, packages_changed
from aimager.packages.pacman_output import HOOK, PACKAGE, Section, section


@dataclass
class Part:
    """What pacman runs at a time, by its heading, and what is said meanwhile.

    It has neither ``package`` nor ``title`` where pacman runs nothing.
    """

    package: str = ""
    title: str = ""
    hook: Hook | None = None
    lines: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Ran:
    """The names of the hooks that pacman ran and of the packages that it dealt with, in order.

    None: nobody knows.
    """

    hooks: Sequence[str] | None = None
    packages: Sequence[str] | None = None


UNKNOWN = Ran()
"""Then each line like pacman's is taken for one, if its place allows that."""


def ran_of(log: str) -> Ran:
    """What pacman ran by its own ``log``, which is empty where there is none."""
    return Ran(hooks_run(log), packages_changed(log)) if log else UNKNOWN


def parts(said: str, hooks: Mapping[str, Hook], ran: Ran) -> Iterator[Part]:
    """What pacman ``said``, parted; ``hooks`` are those that it takes, by name."""
    lines = said.split("\n")
    headings = _Headings(hooks, ran, frozenset(lines))
    part = Part()
    for line in lines:
        heading = headings.of(line)
        if heading is None:
            part.lines.append(line)
        else:
            yield part
            part = heading
    yield part


class _Headings:
    """Tells pacman's lines from those that hooks and scriptlets say like them."""

    def __init__(self, hooks: Mapping[str, Hook], ran: Ran, lines: frozenset[str]) -> None:
        self._hooks = hooks
        self._ran = ran
        self._lines = lines
        self._section = Section.CHECKS
        self._next_hook = 0
        self._next_package = 0
        self._at = ("0", "")

    def of(self, line: str) -> Part | None:
        """The part that a line begins."""
        begun = section(line)
        if begun and begun > self._section:
            self._section = begun
            self._at = ("0", "")
            return Part()
        if package := PACKAGE.fullmatch(line):
            return self._package(package[2])
        if hook := HOOK.fullmatch(line):
            return self._hook(line, *hook.groups())
        return None

    def _package(self, name: str) -> Part | None:
        if self._section not in (Section.CHECKS, Section.PACKAGES):
            return None
        if self._ran.packages is not None:
            if name not in self._ran.packages[self._next_package : self._next_package + 1]:
                return None
            self._next_package += 1
        self._section = Section.PACKAGES
        return Part(package=name)

    def _hook(self, line: str, number: str, total: str, title: str) -> Part | None:
        if self._section is Section.PACKAGES:
            return None
        last, whole = self._at
        follows = total == whole and int(number) == int(last) + 1
        if self._ran.hooks is None:
            hook = self._entitled(title)
        elif self._next_hook == len(self._ran.hooks) or not (follows or number == "1"):
            return None
        else:
            hook = self._hooks.get(self._ran.hooks[self._next_hook])
            right = line.removesuffix(title) + (hook.title if hook else title)
            if right != line and right in self._lines:
                return None  # it comes yet
        self._section = max(self._section, Section.BEFORE)
        self._next_hook += 1
        self._at = number, total
        return Part(title=title, hook=hook)

    def _entitled(self, title: str) -> Hook | None:
        """The last hook that pacman calls so."""
        found = [hook for hook in self._hooks.values() if title == hook.title]
        return found[-1] if found else None
