"""Builds whose heavy tasks a cluster on this machine does, and what is left when that is ended."""

import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from aimager import stand_in
from aimager.cluster.census import find_workers
from aimager.cluster.tls import make_certificates
from aimager.model.architecture import host_architecture
from aimager.model.cluster import Cluster
from tests.support.cells import copy_checkout, fresh_folder, sums
from tests.support.clusters import Running, children, cluster
from tests.support.runs import USER, Doit
from tests.support.waiting import wait_until

pytestmark = pytest.mark.slow

BOARD = {"x86_64": "x64-uefi", "aarch64": "aarch64-uefi"}.get(host_architecture(), "none")
PLAIN = ("distro=archlinux" if BOARD == "x64-uefi" else "distro=archlinuxarm", f"board={BOARD}")
WORDS = (*PLAIN, "create=root.tar,disk.img")
SENT = ("make-rootfs-archive", "install-packages", "pack-image")
MADE = "it is made on "


@pytest.fixture(scope="module")
def place(test_cache: Path) -> Path:
    return fresh_folder(test_cache / "cluster")


@pytest.fixture(scope="module")
def running(place: Path) -> Iterator[Running]:
    with cluster(place / "machines") as running:
        yield running


@pytest.fixture(scope="module")
def alone(place: Path, mirror: Path, mirror_url: str) -> Doit:
    """A machine that speaks to no cluster."""
    key = f"trust-key={stand_in.fingerprint(mirror)}"
    return Doit(place / "alone", (f"repo-url-parent={mirror_url}", key))


@pytest.fixture(scope="module")
def main(alone: Doit, place: Path, running: Running) -> Doit:
    """A machine that sends its tasks away."""
    store = (f"remote={place / 'store'}", "remote-unsigned=yes")
    return Doit(place / "main", (*alone.variables, *store, *running.words))


def product_ids(doit: Doit) -> set[str]:
    folders = (doit.cache / "product" / task for task in SENT)
    return {p.name for folder in folders for p in folder.glob("*/[!.]*/") if "+" not in str(p)}


def test_bytes_and_ids_are_those_of_a_build_here(
    alone: Doit, main: Doit, running: Running, place: Path
) -> None:
    alone.build(*WORDS, *USER[:2])
    said = main.build(*WORDS, *USER[:2])
    assert said.count(MADE) == len(SENT)
    assert said.count(", and taken from the remote store, ") == len(SENT)
    names = ("root.tar", "disk.img")
    results = [doit.out / f"{PLAIN[0][7:]}-{host_architecture()}-{BOARD}" for doit in (alone, main)]
    assert sums(results[0], names) == sums(results[1], names)
    own = (doit.cache / "product" / "pack-image" for doit in (alone, main))
    first, second = ({p.name for p in folder.glob("*/[!.]*/")} for folder in own)
    assert first == second
    assert running.left == []
    assert list((place / "store/returned/pack-image").iterdir()) == []
    logs = main.cache / "log"
    assert "make-rootfs-archive" in " ".join(path.name for path in logs.iterdir())


def test_no_password_goes_away(main: Doit, running: Running, place: Path) -> None:
    """Of the build before."""
    (word,) = (word.partition(":")[2] for word in USER if word.startswith("chpasswd="))
    for folder in (*running.caches, place / "store"):
        done = subprocess.run(["grep", "-rlw", f"alice:{word}", folder], capture_output=True)
        assert done.stdout == b""


def test_its_workers_can_be_asked_for(running: Running) -> None:
    given = dict(word.split("=", 1) for word in running.words)
    cluster = Cluster(given["workers"], Path(given["cluster-tls"]))
    found = find_workers(cluster)
    assert [worker[host_architecture()] for worker in found] == [1, 1]


def test_what_is_made_is_made_once(main: Doit, place: Path) -> None:
    """Two machines ask for the same at the same time."""
    other = Doit(place / "other", main.variables)
    words = (*PLAIN, "create=root.tar", "install-pkgs=which")
    with started(main, *words) as one, started(other, *words) as two:
        assert [one.wait(), two.wait()] == [0, 0], output(main) + output(other)
    made = re.findall(r"^(\S+): made on (\S+), ", output(main) + output(other), re.MULTILINE)
    assert {title for title, _ in made} >= {"install-packages", "pack-image"}
    assert len(set(made)) == len({title for title, _ in made}), "each is made by one worker"
    assert list((place / "store/returned/pack-image").iterdir()) == []


def test_builds_of_a_file_are_sent_one_by_one(alone: Doit, main: Doit, place: Path) -> None:
    """Of another folder, with a file of passwords, which are not sent."""
    folder = place / "fleet"
    folder.mkdir()
    (folder / "passwords").write_text("alice:hidden\n")
    (folder / "fleet.toml").write_text(
        f"""
        [defaults]
        board = "{BOARD}"
        {PLAIN[0].replace("=", ' = "')}"
        create = ["root.tar"]
        [builds.plain]
        [builds.login]
        hostname = "{{name}}"
        useradd = "alice"
        chpasswd = "@passwords"
        """
    )
    file = f"builds={folder / 'fleet.toml'}"
    said = main.build(file)
    assert {n for n, _ in re.findall(r"^(\S+): made on (\S+), ", said, re.MULTILINE)} >= {
        "pack-image:plain",
        "pack-image:login",
    }
    alone.build(file)
    for name in ("plain", "login"):
        assert sums(main.out / name, ("root.tar",)) == sums(alone.out / name, ("root.tar",))


@contextmanager
def started(doit: Doit, *words: str) -> Iterator[subprocess.Popen[bytes]]:
    doit.folder.mkdir(exist_ok=True)
    with (
        (doit.folder / "said").open("wb") as said,
        subprocess.Popen(
            doit.command("build", *words),
            env=doit.environment,
            cwd=doit.start,
            stdout=said,
            stderr=subprocess.STDOUT,
        ) as process,
    ):
        try:
            yield process
        finally:
            process.kill()


def output(doit: Doit) -> str:
    return (doit.folder / "said").read_text()


@contextmanager
def at_work(main: Doit, running: Running, name: str) -> Iterator[subprocess.Popen[bytes]]:
    """A build whose image a worker is just making."""
    with started(main, *WORDS, f"hostname={name}") as process:
        wait_until(lambda: MADE in output(main) or process.poll() is not None)
        assert process.poll() is None, output(main)
        wait_until(lambda: any(path.parent.name == "work" for path in running.left))
        time.sleep(2)
        yield process


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_nothing_is_left_of_what_is_ended(
    main: Doit, running: Running, place: Path, how: signal.Signals
) -> None:
    """Nor does a worker go on, and make the image."""
    with at_work(main, running, f"ended{how.value}") as process:
        process.send_signal(how)
        process.wait()
        wait_until(lambda: not running.errands and not running.left)
    assert list((place / "store").glob("returned/pack-image/*")) == []
    assert str(running.folder) not in Path("/proc/self/mountinfo").read_text()


def test_a_killed_errand_is_a_failure(main: Doit, running: Running) -> None:
    with at_work(main, running, "killed") as process:
        (errand,) = running.errands
        os.kill(errand, signal.SIGKILL)
        assert process.wait() == 1
    assert "was killed by SIGKILL (on " in output(main)
    assert running.left == []


def test_another_version_is_refused(main: Doit, place: Path) -> None:
    """Of a cluster whose code differs by a word."""
    checkout = copy_checkout(place / "checkout")
    with (checkout / "aimager/image/bmap.py").open("a") as stream:
        stream.write("# other\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(checkout))
        with cluster(place / "others", root=checkout) as others:
            kept = [word for word in main.variables if not word.startswith(("workers", "cluster"))]
            said = Doit(main.folder, (*kept, *others.words)).refuse(*WORDS, "hostname=version")
    assert "this worker's aimager is another version than that which sent the task (on " in said


def test_another_store_is_told_of(main: Doit, place: Path) -> None:
    with cluster(place / "apart", f"remote={place / 'own'}", "remote-unsigned=yes") as apart:
        kept = [word for word in main.variables if not word.startswith(("workers", "cluster"))]
        said = Doit(main.folder, (*kept, *apart.words)).refuse(*WORDS, "hostname=apart")
    assert "into its store, and the remote store" in said
    assert "does not have it" in said


def test_other_certificates_are_refused(main: Doit, place: Path) -> None:
    make_certificates(place / "stranger")
    words = [word for word in main.variables if not word.startswith("cluster-tls")]
    doit = Doit(main.folder, (*words, f"cluster-tls={place / 'stranger'}"))
    said = doit.refuse(*WORDS, "hostname=stranger")
    assert "has other certificates than this machine" in said


def test_a_lost_worker_s_task_is_done_by_another(main: Doit, running: Running) -> None:
    with at_work(main, running, "lost") as process:
        (worker,) = (it for it in children(running.process.pid) if children(it))
        os.kill(worker, signal.SIGKILL)
        assert process.wait() == 0, output(main)
    said = output(main)
    assert said.count(MADE) == 2
    wait_until(lambda: running.left == [])


def test_without_its_scheduler_a_build_ends(main: Doit, running: Running) -> None:
    """The last, for then there is no cluster."""
    with at_work(main, running, "gone") as process:
        running.process.kill()
        assert process.wait() == 1
    assert "is gone, and pack-image:" in output(main)
    wait_until(lambda: running.left == [])
    assert "there is no cluster at " in main.refuse(*WORDS, "hostname=gone")
