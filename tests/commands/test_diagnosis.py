"""What is examined for a build: its mirrors, its packages' sizes, its lock's dates."""

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from aimager import process
from aimager.codec import encode
from aimager.commands.doctor import diagnosis, finding
from aimager.commands.doctor.finding import Finding, State
from aimager.config.build import read_build
from aimager.errors import ConfigError, HostError
from aimager.graph import artifacts
from aimager.graph.plan import Plan
from aimager.graph.planning import make_plan
from aimager.model.lock import Lock, LockedPackage
from aimager.openssh import SigningKey
from aimager.packages.lock_file import LockedBuild, format_lock_file, join_locks
from tests.support.locked import make_package
from tests.support.signers import allow, make_key
from tests.support.webserver import Site, serving, silence

pytestmark = pytest.mark.usefixtures("quick")

DATABASE = "/archlinux/core/os/x86_64/core.db"
MIRRORS = "mirrors of core of archlinux-x86_64"


@pytest.fixture
def site() -> Iterator[Site]:
    with serving() as site:
        site.content[DATABASE] = b"\x1f\x8b"
        yield site


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "cache").mkdir()
    monkeypatch.setattr(artifacts, "CACHE", tmp_path / "cache")


def plan(folder: Path, *packages: LockedPackage, **words: str) -> Plan:
    """The plan of a build, of a lock file with these packages if there are any."""
    named = {"distro": "archlinux", "arch": "x86_64", "offline": "yes", **words}
    named = {name.replace("_", "-"): value for name, value in named.items()}
    if packages:
        lock = Lock("archlinux-x86_64", (), packages)
        build = LockedBuild("archlinux", "x86_64", "none", (), "archlinux-x86_64", "")
        text = format_lock_file(join_locks({"archlinux-x86_64-none": lock}, build))
        (folder / "image.lock").write_text(text)
        named["lock"] = "image.lock"
    read = read_build(named, folder)
    assert read
    return make_plan(read, read.lock)


def found(made: Plan) -> dict[str, Finding]:
    return {one.subject: one for one in diagnosis.diagnose([made])}


def test_a_builds_mirrors_are_asked(site: Site, tmp_path: Path) -> None:
    one = found(plan(tmp_path, offline="no", repo_url_parent=site.url))[MIRRORS]
    assert one == Finding(MIRRORS, State.ok, f"{site.url}{DATABASE} answers")
    assert {path for path, _ in site.asked} == {DATABASE}
    with silence() as url:
        one = found(plan(tmp_path, offline="no", repo_url_parent=url))[MIRRORS]
    assert one.state is State.missing
    assert "cannot be reached" in one.message
    assert MIRRORS not in found(plan(tmp_path))


def test_a_key_is_tried_before_work_is_put_into_what_it_signs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    good, locked = make_key(tmp_path / "good"), make_key(tmp_path / "locked", passphrase="x")
    allow(tmp_path / "allowed", good)
    signed = plan(tmp_path, sign="good", remote="store", remote_key="locked")
    one = found(signed)
    assert one["sign="] == Finding("sign=", State.ok, SigningKey(good).name())
    assert one["remote-key="].state is State.missing
    assert one["remote-key="].message == (
        f"the key {locked} has a passphrase, and the ssh agent does not have the key"
    )
    assert one["remote-key="].fix.startswith(f"ssh-add {locked} ")
    with pytest.raises(HostError, match="has a passphrase"):
        diagnosis.require([signed])
    taking = plan(tmp_path, remote="store", remote_allowed_signers="allowed")
    assert found(taking)["ssh-keygen"].state is State.ok
    monkeypatch.setitem(process.ENVIRONMENT, "PATH", str(tmp_path))
    told = found(taking)["ssh-keygen"]
    assert (told.state, told.message.split(",")[0]) == (
        State.missing,
        "this machine lacks ssh-keygen",
    )
    assert "ssh-keygen" not in found(plan(tmp_path))


def test_what_a_lock_takes_is_compared_with_the_disk(tmp_path: Path) -> None:
    small = make_package("vim", installed_size=1000)
    one = found(plan(tmp_path, small))["disk"]
    assert one.state is State.ok
    assert "the build of 1 package takes up to" in one.message
    one = found(plan(tmp_path, replace(small, installed_size=1 << 60)))["disk"]
    assert one.state is State.missing
    assert "doit cache-prune" in one.fix


def test_a_clock_behind_the_lock_ends_a_build(tmp_path: Path) -> None:
    future = make_package("vim", build_date=int(time.time()) + 9 * 86_400)
    made = plan(tmp_path, future)
    assert found(made)["clock"].state is State.missing
    with pytest.raises(HostError, match="the clock says"):
        diagnosis.require([made])
    diagnosis.require([plan(tmp_path, make_package("vim"))])


def test_any_build_has_all_architectures_examined(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(diagnosis, "_of_mirrors", lambda *_: iter(()))
    subjects = [one.subject for one in diagnosis.diagnose([])]
    assert {"programs for x86_64", "programs for loong64", "disk", "memory"} <= set(subjects)
    assert len(set(subjects)) == len(subjects)


def fail() -> str:
    raise ConfigError("it is wrong", hint="first\nsecond")


def refuse() -> str:
    raise PermissionError(13, "Permission denied", "/place")


def test_findings() -> None:
    good = finding.examine("a", lambda: "fine")
    bad, advice = finding.examine("b", fail), finding.examine("c", fail, needed=False)
    denied = finding.examine("d", refuse)
    assert list(finding.lines([good, bad])) == [
        "ok       a: fine",
        "missing  b: it is wrong",
        "         first",
        "         second",
    ]
    assert advice.state is State.advice
    assert denied.message == "/place: Permission denied"
    assert finding.first_missing([good, advice]) is None
    error = finding.first_missing([good, bad, denied])
    assert error
    assert error.message == "it is wrong (and 1 more, which doit doctor lists)"
    assert encode(bad)["state"] == "missing"
