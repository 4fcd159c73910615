"""The page that report= writes: one HTML file that needs no other, of what a build did."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from html import escape
from pathlib import Path

from aimager.commands.report_timeline import bar, timeline
from aimager.graph.console.history import Entry, Outcome, that_ran
from aimager.model.lock import LockedPackage
from aimager.resources import read_data
from aimager.units import count, duration, size

_LARGEST = 25
"""So many packages have a bar, the others a row in a table that is opened."""


@dataclass(frozen=True)
class Made:
    """A file of the results: its size and how much of it is data, in bytes, and its SHA-256."""

    path: Path
    size: int
    data: int
    sha256: str

    @property
    def name(self) -> str:
        """Its name alone."""
        return self.path.name


@dataclass(frozen=True)
class Result:
    """What is told of one build; nothing was ``made`` where it failed."""

    id: str
    packages: Sequence[LockedPackage]
    made: tuple[Made, ...]


@dataclass(frozen=True)
class Report:
    """What the page tells: of a run that ended at ``when``, and the builds that it was for.

    ``command`` is what was typed for them, without passwords. ``logs`` are the files with what
    programs said, by the tasks that ran them.
    """

    when: datetime
    entries: tuple[Entry, ...]
    results: tuple[Result, ...]
    command: str = ""
    logs: Mapping[str, Path] = field(default_factory=dict)


def report_page(report: Report) -> str:
    """The whole page."""
    failed = [entry for entry in report.entries if entry.outcome is Outcome.failed]
    kind = "Failed build" if failed else "Build"
    title = f"{kind} of {', '.join(result.id for result in report.results)}"
    style = read_data("aimager.commands", "content/report.css")
    body = "\n".join(
        [
            f"<h1>{escape(title)}</h1>",
            _overview(report),
            _failures(failed, report.logs),
            timeline(that_ran(report.entries)),
            _tasks(report.entries, report.logs),
            *(_build(result) for result in report.results),
        ]
    )
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{escape(title)}</title>
<style>
{style}</style>
</head>
<body>
<main>
{body}
</main>
</body>
</html>
"""


def _overview(report: Report) -> str:
    ran = that_ran(report.entries)
    kept = sum(entry.outcome is Outcome.kept for entry in report.entries)
    when = report.when.strftime("%Y-%m-%d %H:%M UTC")
    seconds = max((e.end for e in ran), default=0.0) - min((e.start for e in ran), default=0.0)
    told = f"{when}: {count(len(ran), 'task')} ran, in {duration(seconds)}"
    asked = f"\n<p><code>{escape(report.command)}</code></p>" if report.command else ""
    return f"<p>{told}; {kept} {'was' if kept == 1 else 'were'} up to date.</p>{asked}"


def _failures(failed: Sequence[Entry], logs: Mapping[str, Path]) -> str:
    """What was said of each task that failed, and where its programs' words are."""
    if not failed:
        return ""
    told = (
        f"<h3>{escape(e.task)}</h3>\n<pre>{escape(e.fault)}</pre>"
        + (f"\n<p>What programs said: {_code(logs[e.task])}</p>" if e.task in logs else "")
        for e in failed
    )
    return _section("What failed", "\n".join(told))


def _code(path: Path | None) -> str:
    return f"<code>{escape(str(path))}</code>" if path else ""


def _tasks(entries: Sequence[Entry], logs: Mapping[str, Path]) -> str:
    """What ran and what did not, why, and where its programs' words are."""
    rows = (
        (
            escape(entry.task),
            "" if entry.outcome is Outcome.kept else duration(entry.seconds),
            escape(entry.reason or entry.outcome),
            _code(logs.get(entry.task)),
        )
        for entry in entries
        if entry.reason or entry.outcome in (Outcome.kept, Outcome.failed)
    )
    table = _table("Each task of the build", ("task", "time", "why", "log"), rows, numbers=(1,))
    return _section("What ran, and why", table)


def _build(result: Result) -> str:
    files = (
        (
            escape(made.name),
            size(made.size),
            size(made.data),
            f"<code>{made.sha256}</code>" if made.sha256 else "",
        )
        for made in result.made
    )
    if not result.made:
        return _packages(result)
    head = ("file", "size", "data", "SHA-256")
    table = _table(f"The results of {result.id}", head, files, numbers=(1, 2))
    return _section(f"Results of {result.id}", table) + _packages(result)


def _packages(result: Result) -> str:
    packages = sorted(result.packages, key=lambda package: package.installed_size, reverse=True)
    if not packages:
        return ""
    installed = sum(package.installed_size for package in packages)
    fetched = sum(package.size for package in packages)
    largest = packages[0].installed_size
    shown = packages[:_LARGEST]
    items = "\n".join(
        f"<li><span>{escape(package.name)}</span> <span>{size(package.installed_size)}</span>"
        f"{bar([('size', 0, package.installed_size)], largest)}</li>"
        for package in shown
    )
    rows = (
        (
            escape(package.name),
            escape(package.version),
            size(package.installed_size),
            size(package.size),
        )
        for package in packages
    )
    head = ("package", "version", "installed", "download")
    table = _table(f"All packages of {result.id}", head, rows, numbers=(2, 3))
    return _section(
        f"Packages of {result.id}",
        f"<p>{count(len(packages), 'package')}, {size(installed)} installed,"
        f" {size(fetched)} to download. The largest {len(shown)}:</p>\n"
        f"<ol class=bars>\n{items}\n</ol>\n"
        f"<details><summary>All packages</summary>\n{table}\n</details>",
    )


def _section(title: str, content: str) -> str:
    return f"<section>\n<h2>{escape(title)}</h2>\n{content}\n</section>\n"


def _table(
    caption: str,
    head: Sequence[str],
    rows: Iterable[Sequence[str]],
    *,
    numbers: Sequence[int],
) -> str:
    """A table of cells that are HTML already; the columns ``numbers`` are aligned as such."""
    heads = "".join(f'<th scope="col">{escape(name)}</th>' for name in head)
    lines = []
    for first, *others in rows:
        cells = "".join(
            f"<td{' class=number' if index in numbers else ''}>{cell}</td>"
            for index, cell in enumerate(others, start=1)
        )
        lines.append(f'<tr><th scope="row">{first}</th>{cells}</tr>')
    body = "\n".join(lines)
    return (
        f"<table>\n<caption>{escape(caption)}</caption>\n<thead><tr>{heads}</tr></thead>\n"
        f"<tbody>\n{body}\n</tbody>\n</table>"
    )
