"""pacman: which one is run, its configuration, and what is read from what it leaves."""

import io
import os
import shutil
import tarfile
from collections.abc import Sequence
from pathlib import Path
from typing import cast

import pytest

from aimager import process
from aimager.errors import CommandError, ConfigError
from aimager.model.architecture import Architecture
from aimager.packages import pacman
from aimager.packages.pacman import Pacman, PacmanRun, choose_pacman
from aimager.program_output import Watch
from aimager.sandbox.chroot import PACMAN
from aimager.sandbox.mounts import Bind
from aimager.sandbox.tree import Tree
from aimager.toolbox import Toolbox
from tests.support.places import GOLDEN


def script(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of all programs of a host that has nothing but tar."""
    programs = tmp_path / "host"
    programs.mkdir()
    tar = shutil.which("tar")
    assert tar
    (programs / "tar").symlink_to(tar)
    monkeypatch.setitem(process.ENVIRONMENT, "PATH", str(programs))
    return programs


def add_pacman(host: Path, version: str) -> None:
    script(host / "pacman", f"echo ' .--.   Pacman v{version} - libalpm v15.0.0'")


@pytest.fixture
def static(tmp_path: Path) -> Path:
    archive = tmp_path / "static.tar"
    member = tarfile.TarInfo("usr/bin/pacman-static")
    member.mode, member.size = 0o755, 4
    member.uid, member.gid = os.getuid(), os.getgid()
    with tarfile.open(archive, "w") as stream:
        stream.addfile(member, io.BytesIO(b"prog"))
    return archive


@pytest.fixture
def borrowed(tmp_path: Path) -> Path:
    for name in ("gpg", "pacman"):
        script(tmp_path / "borrowed/usr/bin" / name, "")
    return tmp_path / "borrowed"


def test_the_borrowed_pacman_is_the_first_choice(host: Path, static: Path, borrowed: Path) -> None:
    add_pacman(host, "7.1.0")
    script(host / "gpg", "")
    for archive in (static, None):
        chosen = choose_pacman(Toolbox(borrowed), archive, host.parent)
        assert chosen == Pacman("pacman", borrowed)
    assert not (host.parent / "pacman-static").exists()


STATIC = f"{PACMAN}/pacman-static/usr/bin/pacman-static"


def at_its_place(work: Path) -> Bind:
    """How a jail has pacman-static: read-only."""
    return Bind(work / "pacman-static", PACMAN / "pacman-static", read_only=True)


def without_pacman(borrowed: Path) -> Path:
    """A borrowed root that lends gpg alone."""
    (borrowed / "usr/bin/pacman").unlink()
    return borrowed


def test_pacman_static_is_the_second_and_the_hosts_the_last(
    host: Path, static: Path, borrowed: Path
) -> None:
    add_pacman(host, "7.1.0")
    script(host / "gpg", "")
    for tools in (Toolbox(None), Toolbox(without_pacman(borrowed))):
        for archive in (None, host.parent / "missing.tar"):
            assert choose_pacman(tools, archive, host.parent) == Pacman("pacman", None)
        chosen = choose_pacman(tools, static, host.parent)
        assert chosen
        assert Path(chosen.program).name == "pacman-static"


@pytest.mark.parametrize("version", [None, "5.2.2", "unknown"])
def test_pacman_static_where_the_hosts_is_too_old(
    host: Path, static: Path, borrowed: Path, version: str | None
) -> None:
    if version:
        add_pacman(host, version)
    script(host / "gpg", "")
    chosen = choose_pacman(Toolbox(None), static, host.parent)
    assert chosen == Pacman(STATIC, None, (at_its_place(host.parent),))
    assert (host.parent / "pacman-static/usr/bin/pacman-static").read_bytes() == b"prog"
    chosen = choose_pacman(Toolbox(without_pacman(borrowed)), static, host.parent)
    assert chosen
    assert chosen.tools == borrowed  # where gpg is


def test_pacman_static_where_the_host_has_no_gpg(host: Path, static: Path, borrowed: Path) -> None:
    add_pacman(host, "7.1.0")
    chosen = choose_pacman(Toolbox(without_pacman(borrowed)), static, host.parent)
    assert chosen == Pacman(STATIC, borrowed, (at_its_place(host.parent),))


def test_pacman_static_may_be_missing_or_empty(host: Path) -> None:
    empty = host.parent / "empty.tar"
    empty.touch()
    for archive in (empty, host.parent / "missing.tar"):
        assert choose_pacman(Toolbox(None), archive, host.parent) is None


def test_there_may_be_no_pacman(host: Path, borrowed: Path) -> None:
    (borrowed / "usr/bin/pacman").unlink()
    assert choose_pacman(Toolbox(borrowed), None, host.parent) is None
    assert choose_pacman(Toolbox(None), None, host.parent) is None


@pytest.mark.parametrize(("version", "new_enough"), [("5.2.2", 0), ("6.0.2", 1), ("10.1", 1)])
def test_versions_are_numbers(host: Path, version: str, new_enough: bool) -> None:
    add_pacman(host, version)
    script(host / "gpg", "")
    assert bool(choose_pacman(Toolbox(None), None, host.parent)) == new_enough


def test_configuration() -> None:
    servers = [("core", "http://m/core/os/x86_64"), ("extra", "file:///x")]
    text = pacman.pacman_conf(("x86_64",), servers)
    assert text == (GOLDEN / "pacman.conf").read_text()
    without = pacman.pacman_conf(("x86_64",))
    assert without == text.partition("\n[core]")[0]


@pytest.mark.parametrize(
    ("unsigned", "verified", "level"),
    [
        (False, False, "Required"),
        (True, False, "Optional"),
        (False, True, "Never"),
        (True, True, "Never"),
    ],
)
def test_pacman_verifies_files_that_nobody_has(unsigned: bool, verified: bool, level: str) -> None:
    text = pacman.pacman_conf(("x86_64",), unsigned=unsigned, verified=verified)
    assert f"LocalFileSigLevel = {level}" in text.splitlines()
    assert "SigLevel = Required DatabaseOptional" in text.splitlines()


def test_the_folders_of_the_configuration_are_made(tmp_path: Path) -> None:
    for _ in range(2):
        pacman.write_conf("text\n", tmp_path)
    assert (tmp_path / "pacman.conf").read_text() == "text\n"
    assert {p.name for p in tmp_path.iterdir() if p.is_dir()} == {"cache", "hooks", "gnupg"}
    assert (tmp_path / "gnupg").stat().st_mode & 0o777 == 0o700


def test_an_empty_root_is_prepared_whatever_the_umask(tmp_path: Path) -> None:
    old = os.umask(0o077)
    try:
        pacman.prepare_root(tmp_path)
    finally:
        os.umask(old)
    modes = {
        str(path.relative_to(tmp_path)): path.stat().st_mode & 0o7777
        for path in tmp_path.glob("**/*")
    }
    assert modes["tmp"] == 0o1777
    assert modes["proc"] == modes["sys"] == 0o555
    assert modes["var/lib/pacman/sync"] == modes["etc/pacman.d"] == modes["var/log"] == 0o755


class Saying:
    """A pacman that says this, and ends with that status; it keeps what it was called with."""

    def __init__(self, said: str, status: int = 0) -> None:
        self.calls: list[tuple[str, ...]] = []
        self._said, self._status = said, status

    def run(
        self, arguments: Sequence[str], *, epoch: int = 0, watch: Watch = lambda _: None
    ) -> str:
        self.calls.append((str(epoch), *arguments))
        for line in self._said.splitlines():
            watch(line)
        if self._status:
            tail = "\n".join(self._said.splitlines()[-20:])
            raise CommandError(["pacman"], self._status, tail)
        return self._said

    def __call__(self) -> PacmanRun:
        return cast(PacmanRun, self)


def test_resolve_reads_repositories_and_names_only() -> None:
    saying = Saying(":: a question\npackage core zlib\n")
    assert pacman.resolve(saying(), ["base", "x"]) == [("core", "zlib")]
    printed = ("--print-format", "package %r %n", "--", "base", "x")
    assert saying.calls == [("0", "-Sp", "--noconfirm", *printed)]


def test_resolve_names_what_is_missing() -> None:
    saying = Saying("error: target not found: vmi\nerror: target not found: naon\n", 1)
    with pytest.raises(ConfigError) as caught:
        pacman.resolve(saying(), ["vmi", "naon"])
    assert caught.value.message == "the repositories have no package vmi naon"
    many = [f"missing{number}" for number in range(200)]
    saying = Saying("\n".join(f"error: target not found: {name}" for name in many), 1)
    with pytest.raises(ConfigError) as caught:
        pacman.resolve(saying(), many)
    assert (
        caught.value.message == f"the repositories have no package {' '.join(many)}"[:1996] + " ..."
    )
    with pytest.raises(CommandError, match="out of order"):
        pacman.resolve(Saying("error: out of order\n", 1)(), ["vmi"])


def local(root: Path, name: str, desc: str) -> Path:
    path = root / "var/lib/pacman/local" / name / "desc"
    path.parent.mkdir(parents=True)
    path.write_text(desc)
    return path


def test_installed(tmp_path: Path) -> None:
    local(tmp_path, "zlib-1.3-1", "")
    local(tmp_path, "bash-5.3-1", "")
    (tmp_path / "var/lib/pacman/local/ALPM_DB_VERSION").write_text("9\n")
    assert pacman.installed(Tree(tmp_path)) == {"zlib-1.3-1", "bash-5.3-1"}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("#Server = http://a\n#Server = http://m/$repo\n", "#Server = http://a\nServer = {}\n"),
        ("# Server=http://m/$repo\n\n## B\n", "Server=http://m/$repo\n\n## B\n"),
        ("Server = http://a\n#Server = {}\n", "Server = http://a\n#Server = {}\n"),
        ("## Nothing\n", "## Nothing\nServer = {}\n"),
        ("#Server = http://m/$repository\n", "#Server = http://m/$repository\nServer = {}\n"),
        ("#Server = {}\n#Server = {}\n", "Server = {}\n#Server = {}\n"),
        ("", "Server = {}\n"),
    ],
)
def test_one_mirror_is_enabled_where_none_is(before: str, after: str) -> None:
    url = "http://m/$repo"
    before, after = before.replace("{}", url), after.replace("{}", url)
    assert pacman.enable_mirror(before, url) == after
    assert pacman.enable_mirror(after, url) == after


def test_packages_of_an_older_architecture_are_taken_where_repositories_mix_them() -> None:
    text = pacman.pacman_conf(Architecture.pentium4.packages)
    assert "\nArchitecture = pentium4 i686\n" in text
