"""Of machines that share a store, one makes a product, and the others wait for it, not for ever."""

import dataclasses
import errno
import os
import signal
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import fsspec
import pytest

from aimager.model.remote import RecordTrust, Remote
from aimager.products.remote import claims, turns
from aimager.products.remote.claims import (
    LASTS,
    Claim,
    Watch,
    new_claim,
    parse_claim,
    started,
    write_claim,
)
from aimager.products.remote.transport import StoreError
from aimager.products.remote.turns import turn
from tests.support.claiming import FOLDER, Machines, hurry, refuse, start
from tests.support.entries import connect_anew
from tests.support.signers import trust_in
from tests.support.staged import hear
from tests.support.stores import BUCKET, serving_gs, serving_s3, serving_ssh
from tests.support.waiting import wait_until
from tests.support.webserver import Site

NAMES = ("one", "two", "three", "four")


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    hurry(monkeypatch)
    connect_anew()


@pytest.fixture
def unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Claims that last as they do elsewhere: none is late, however busy this machine is."""
    monkeypatch.setattr(claims, "LASTS", LASTS)


@pytest.fixture
def machines(tmp_path: Path) -> Machines:
    """Those that share a folder."""
    return Machines((tmp_path / "store").as_uri(), tmp_path)


@pytest.fixture
def s3(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Machines]:
    """Those that share a bucket."""
    with serving_s3() as settings:
        for name, value in settings.items():
            monkeypatch.setenv(name, value)
        yield Machines(f"s3://{BUCKET}/x", tmp_path)


def files(tmp_path: Path) -> set[str]:
    """The names of all that lies beside the product."""
    return {path.name for path in (tmp_path / "store" / FOLDER).glob("*")}


@pytest.mark.usefixtures("unhurried")
@pytest.mark.parametrize("round", range(3))
def test_of_those_who_come_at_once_one_makes_it(
    machines: Machines, tmp_path: Path, round: int
) -> None:
    machines.all_need(NAMES)
    assert len(machines.made) == 1
    assert sorted([*machines.made, *machines.taken]) == sorted(NAMES)
    assert files(tmp_path) == {"record.json"}


def test_one_who_takes_long_keeps_its_claim(machines: Machines) -> None:
    machines.pause = 2.5  # a claim lasts for a second
    machines.all_need(NAMES)
    assert len(machines.made) == 1
    assert {text.partition(" has ")[2] for text in machines.told} == {
        "just begun to make it: waiting"
    }


@pytest.mark.usefixtures("unhurried")
def test_in_a_bucket(s3: Machines) -> None:
    s3.all_need(NAMES)
    assert len(s3.made) == 1
    assert s3.claims() == []


@pytest.mark.parametrize("kind", ["s3", "ssh", "folder", "folder without links"])
def test_one_of_several_writes_a_file(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    if kind == "folder without links":
        monkeypatch.setattr(os, "link", refuse(errno.EPERM))
    with serving_ssh(home) as port:
        url = {
            "s3": f"s3://{BUCKET}/x",
            "ssh": f"ssh://alice@127.0.0.1:{port}{tmp_path}/store",
        }.get(kind, (tmp_path / "store").as_uri())
        machines = request.getfixturevalue("s3") if kind == "s3" else Machines(url, tmp_path)
        claims = [new_claim(FOLDER) for _ in NAMES]
        made = []

        def make(claim: Claim) -> None:
            it = turns._Turn(machines.remote(claim.owner), FOLDER, bool, print, waits=True)
            it.claim = claim
            if it._create(1):
                made.append(claim)

        threads = [threading.Thread(target=make, args=(claim,)) for claim in claims]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        content = Watch(machines.remote("reader"), FOLDER).read(1)
        assert content
        assert made == [parse_claim(content, FOLDER)]


@pytest.mark.usefixtures("unhurried")
def test_a_server_that_lets_all_write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The emulator of Google's does not heed the condition: a claim is read again, then."""
    with serving_gs() as settings:
        for name, value in settings.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(fsspec.config, "conf", {})
        fsspec.config.set_conf_env(fsspec.config.conf)
        machines = Machines(f"gs://{BUCKET}/x", tmp_path)
        machines.all_need(NAMES[:2])
        assert machines.made
        assert machines.claims() == []


@pytest.mark.parametrize("round", range(2))
@pytest.mark.parametrize("before", [1, 2])
def test_of_those_who_take_over_one_does(machines: Machines, before: int, round: int) -> None:
    for number in range(1, before + 1):
        machines.leave_claim(number=number)
    machines.all_need(NAMES)
    assert len(machines.made) == 1
    assert machines.claims() == []


def test_a_claim_of_a_process_of_this_machine_that_is_gone(
    machines: Machines, monkeypatch: pytest.MonkeyPatch
) -> None:
    running = start(machines.url, machines.folder, "killed")
    assert hear(running) == "making"
    running.kill()
    wait_until(lambda: started(running.pid) is None)  # a zombie is gone, too
    assert machines.claims() == [1]
    machines.need("heir")
    running.wait()
    assert (machines.made, machines.told, machines.claims()) == (["heir"], [], [])


def test_one_who_was_stopped_and_comes_back(machines: Machines, tmp_path: Path) -> None:
    stopped = start(machines.url, machines.folder, "stopped")
    assert hear(stopped) == "making"
    os.kill(stopped.pid, signal.SIGSTOP)
    machines.need("heir", work=lambda: None)
    assert len(machines.told) == 1
    os.kill(stopped.pid, signal.SIGCONT)
    assert stopped.communicate("go on\n")[0] == "made\n"
    assert machines.made == ["heir"]
    machines.need("late")
    assert machines.made == ["heir"]


def test_while_the_heir_works_who_comes_back_takes_nothing_away(machines: Machines) -> None:
    stopped = start(machines.url, machines.folder, "stopped")
    assert hear(stopped) == "making"
    os.kill(stopped.pid, signal.SIGSTOP)

    def work() -> None:
        assert machines.claims() == [1, 2]
        os.kill(stopped.pid, signal.SIGCONT)
        stopped.communicate("go on\n")
        assert 2 in machines.claims()

    machines.need("heir", work=work)
    assert machines.claims() == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_who_waits_ends_at_once_and_leaves_nothing(
    machines: Machines, tmp_path: Path, number: signal.Signals
) -> None:
    machines.leave_claim()
    waiting = start(machines.url, machines.folder, "waiting")
    assert hear(waiting).endswith(": waiting")
    before = time.monotonic()
    waiting.send_signal(number)
    waiting.wait()
    assert time.monotonic() - before < LASTS
    assert files(tmp_path) == {"claim.1"}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_maker_that_is_interrupted_ends_its_claim(
    machines: Machines, tmp_path: Path, number: signal.Signals
) -> None:
    running = start(machines.url, machines.folder, "interrupted")
    assert hear(running) == "making"
    running.send_signal(number)
    running.wait()
    assert files(tmp_path) == set()


def test_one_who_fails_lets_the_next(machines: Machines, tmp_path: Path) -> None:
    failing = start(machines.url, machines.folder, "failing", "fail")
    assert hear(failing) == "making"
    waiting = start(machines.url, machines.folder, "waiting")
    assert hear(waiting).endswith(": waiting")
    assert "it cannot be made" in failing.communicate("go on\n")[0]
    assert waiting.communicate("go on\n")[0] == "making\nmade\n"
    assert files(tmp_path) == {"record.json"}


def test_who_may_write_and_not_remove_says_that_it_has_ended(
    machines: Machines, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def refused(*_: object, **__: object) -> None:
        raise StoreError("Forbidden")

    monkeypatch.setattr(turns, "remove", refused)
    machines.need("one")
    assert machines.claims() == [1]
    (tmp_path / "store" / FOLDER / "record.json").unlink()
    machines.need("two")
    assert (machines.made, machines.told) == (["one", "two"], [])


def test_who_only_gives_claims_and_does_not_wait(machines: Machines, tmp_path: Path) -> None:
    machines.need("one", waits=False, work=lambda: None)
    machines.leave_claim()
    before = time.monotonic()
    machines.need("two", waits=False, work=lambda: None)
    assert time.monotonic() - before < LASTS
    assert machines.made == ["one", "two"]
    assert machines.claims() == [1]
    seen: list[list[int]] = []
    (tmp_path / "store" / FOLDER / "claim.1").unlink()
    machines.need("three", waits=False, work=lambda: seen.append(machines.claims()))
    assert seen == [[1]]


def test_who_only_takes_waits_and_claims_nothing(machines: Machines, tmp_path: Path) -> None:
    machines.trust = RecordTrust(allowed=trust_in(tmp_path).allowed)
    machines.leave_claim()
    machines.need("one", work=lambda: None)
    assert machines.made == ["one"]
    assert len(machines.told) == 1
    assert files(tmp_path) == {"claim.1"}


def test_by_http_a_claim_is_read(site: Site, tmp_path: Path) -> None:
    claim = write_claim(replace(new_claim(FOLDER), host="builder", process=None))
    site.content[f"/{FOLDER}/claim.1"] = claim
    told: list[str] = []
    remote = Remote(site.url, tmp_path / "run", RecordTrust(allowed=tmp_path))
    with turn(remote, FOLDER, bool, told.append) as taken:
        assert not taken
    assert told == ["builder has just begun to make it: waiting"]


def test_a_claim_names_nothing_of_the_machine_but_its_host() -> None:
    claim = dataclasses.asdict(new_claim(FOLDER))
    assert set(claim) == {"folder", "owner", "host", "lasts", "age", "beat", "process"}
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    assert boot not in str(claim)
    assert claim["process"]["number"] == os.getpid()
