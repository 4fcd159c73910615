"""What is said at the end of a build: what was made and where, and what to do with it."""

import json
import shlex
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from aimager.commands.command_line import NAME_IT
from aimager.commands.logins import NOBODY
from aimager.commands.next_steps import next_steps
from aimager.commands.report import Made, Report, Result, report_page
from aimager.config.parse import split_list
from aimager.config.variables import is_secret
from aimager.errors import ConfigError
from aimager.files import OPEN, publish_text
from aimager.graph import artifacts
from aimager.graph.console.history import Entry, Outcome, read_diary, that_ran
from aimager.model.build import Build
from aimager.model.lock import Lock, read_lock
from aimager.model.product import CHECKSUMS, MANIFEST, SIGNATURE, compressed_name
from aimager.packages.lock_file import read_lock_file
from aimager.shown import without_passwords
from aimager.units import count, duration, size

_NAMED = 4
"""So many tasks are named with their times, those that took longest."""

_EXPLAINED = 4
"""Of so many builds each is followed by what can be done with it."""

_BOOT_VARIABLES = ("distro", "board", "boards", "builds", "only", "arch", "lock", "out")
"""Those by which ``doit boot`` and ``doit flash`` find the image."""


def show_results(builds: Sequence[Build], diary: Path, variables: Mapping[str, str]) -> None:
    """Say what became of ``builds``, more of those that were made in this run, and write reports.

    ``diary`` is that of the run, and ``variables`` describe the builds.

    :raises ConfigError: when none was asked for, or a report cannot be written
    """
    if not builds:
        raise ConfigError("there is nothing to build", hint=NAME_IT)
    entries = read_diary(diary)
    for line in _times(entries):
        print(f"   {line}")
    for build, words in zip(builds, _boot_words(builds, variables), strict=True):
        is_explained = len(builds) <= _EXPLAINED
        named = [f"{build.name}:"] if build.name else []
        results = _results(build, entries, words, is_explained)
        for line in (*named, *_warnings(build), *results, *_login_warning(build)):
            print(f"   {line}")
    for line in _write_reports(builds, entries, variables, made=True):
        print(line)


def report_failure(
    builds: Sequence[Build], entries: Sequence[Entry], variables: Mapping[str, str]
) -> str:
    """Write the reports of ``builds`` that failed, and return what is to be said of that.

    What fails in ``build`` itself, after all is made, is that a report cannot be written.
    """
    if {entry.task for entry in entries if entry.outcome is Outcome.failed} == {"build"}:
        return ""
    try:
        return "\n".join(_write_reports(builds, entries, variables, made=False))
    except ConfigError as error:
        return str(error)


def _boot_words(builds: Sequence[Build], given: Mapping[str, str]) -> list[str]:
    """What stands behind ``doit boot`` for each build: of several boards or names, its own."""
    names = split_list(given.get("board", ""))
    boards = [{"board": name} if len(names) > 1 else {} for name in names] or [{}]
    if "builds" in given:
        boards = [{"only": build.name} if build.name else {} for build in builds]
    found = ({**given, **board} for board in boards)
    return [
        shlex.join(f"{name}={words[name]}" for name in _BOOT_VARIABLES if name in words)
        for words in found
    ]


def _times(entries: Sequence[Entry]) -> list[str]:
    """How long all took, and what most of it."""
    ran = sorted(that_ran(entries), key=lambda entry: entry.seconds, reverse=True)
    if not ran:
        return []
    named = ", ".join(f"{entry.title} {duration(entry.seconds)}" for entry in ran[:_NAMED])
    others = f", {count(len(ran) - _NAMED, 'other')}" if len(ran) > _NAMED else ""
    kept = sum(entry.outcome is Outcome.kept for entry in entries)
    took = max(entry.end for entry in ran) - min(entry.start for entry in entries)
    idle = f"{count(kept, 'task')} {'was' if kept == 1 else 'were'} up to date"
    return [f"{duration(took)}: {named}{others}; {idle}"]


def _warnings(build: Build) -> list[str]:
    found = []
    locked = read_lock_file(build.lock).locked(build.id) if build.lock else None
    if locked and locked.settings != build.settings_fingerprint:
        found.append(f"the settings are not those that {build.lock} was made with")
    if locked and locked.board_sha256 not in ("", build.board_sha256):
        found.append(f"the board's file is not the one that {build.lock} was made with")
    found += [
        f"the repository {name} was asked with a password or token, which the image's pacman.conf"
        " does not get"
        for name in build.asked_with_credentials
    ]
    if build.reused_root:
        found.append(f"NOT VERIFIED: what {build.reused_root.name} holds was taken as it is")
    if build.remote_trust.unsigned:
        found.append("NOT SIGNED: what the remote store held was taken as it was")
    if build.own_packages:
        unsigned = (package for package in _lock(build).packages if not package.is_signed)
        found += [f"NOT SIGNED by anybody: {package}" for package in unsigned]
    return found


def _login_warning(build: Build) -> list[str]:
    """What the last line says of an image that lets nobody in, unless credentials may do so."""
    has_image = any(product.is_image for product in build.products)
    is_open = build.setup.credentials or _logins(build)
    return [NOBODY] if has_image and not is_open else []


def _logins(build: Build) -> list[str]:
    """The users of the image that can log in, as its manifest has them."""
    manifest = json.loads((artifacts.results_folder(build) / MANIFEST).read_text())
    logins: list[str] = manifest["logins"]
    return logins


def _lock(build: Build) -> Lock:
    path = artifacts.lock(build.id)
    return read_lock(path) if path.exists() else Lock("", (), ())


def _results(
    build: Build, entries: Sequence[Entry], boot_words: str, is_explained: bool
) -> list[str]:
    products = [made for made in _made(build) if _is_product(build, made.name)]
    lines = []
    for made in products:
        sparse = f", {size(made.data)} of it data" if made.data < made.size else ""
        lines.append(f"{made.path}")
        lines.append(f"   {size(made.size)}{sparse}; sha256 {made.sha256}")
    if build.sign:
        lines.append(f"{artifacts.results_folder(build) / SIGNATURE} is signed with {build.sign}")
    if not _is_new(build, entries) or not is_explained:
        return lines
    others = ", ".join(name for name in build.results if not _is_product(build, name))
    return [*lines, f"beside it: {others}", *next_steps(build, boot_words)]


def _is_new(build: Build, entries: Sequence[Entry]) -> bool:
    """Whether its results were made in this run, as far as that is known."""
    task = f"pack-image:{build.id}"
    return all(entry.outcome is not Outcome.kept for entry in entries if entry.task == task)


def _is_product(build: Build, name: str) -> bool:
    compressed = (compressed_name(p, how) for p in build.products for how in build.compressions)
    return name in {*build.products, *compressed}


def _made(build: Build) -> list[Made]:
    """The results, as they lie in the user's folder."""
    sums = artifacts.results_folder(build) / CHECKSUMS
    lines = (line.split("  ", 1) for line in sums.read_text().splitlines())
    known = {name: digest for digest, name in lines}
    found = []
    for path in artifacts.results(build):
        status = path.stat()
        data = min(status.st_blocks * 512, status.st_size)
        found.append(Made(path, status.st_size, data, known.get(path.name, "")))
    return found


def _command(variables: Mapping[str, str]) -> str:
    """What was typed for a build, without what may hold a password."""
    words = (f"{name}={'***' if is_secret(name) else v}" for name, v in variables.items())
    return without_passwords(shlex.join(("doit", "build", *words)))


def _logs(entries: Sequence[Entry]) -> dict[str, Path]:
    """What programs said of the tasks that ran, as far as they said anything."""
    paths = {entry.task: artifacts.log(entry.task) for entry in that_ran(entries)}
    return {task: path for task, path in paths.items() if path.exists()}


def _write_reports(
    builds: Sequence[Build],
    entries: Sequence[Entry],
    variables: Mapping[str, str],
    *,
    made: bool,
) -> Iterator[str]:
    """Publish a page about all builds that name it, and tell of each.

    :raises ConfigError: when it cannot be written there
    """
    for path in dict.fromkeys(build.report for build in builds if build.report):
        results = [
            Result(build.id, _lock(build).packages, tuple(_made(build)) if made else ())
            for build in builds
            if build.report == path
        ]
        command, logs = _command(variables), _logs(entries)
        page = report_page(Report(datetime.now(UTC), tuple(entries), tuple(results), command, logs))
        try:
            publish_text(path, page, mode=OPEN)
        except OSError as error:
            raise ConfigError(
                f"report={path} cannot be written: {error.strerror}", hint="name another file"
            ) from error
        yield f"   the report is {path}"
