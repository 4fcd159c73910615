"""What is said when the host lacks something, each taken away for real."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from aimager.errors import HostError
from aimager.model.architecture import Architecture, host_architecture
from aimager.sandbox import binfmt_mount as emulation
from aimager.sandbox.binfmt import HOST_DIRECTORY, Emulation
from aimager.sandbox.namespace import call
from tests.support import namespaced
from tests.support.namespaced import Forbidden, Foreign, Place
from tests.support.user_without_root import granted, name_of_1000

FOREIGN = next(a for a in Architecture if a != host_architecture())
UNSHARE, MOUNT, SETHOSTNAME = {
    Architecture.x86_64: (272, 165, 170),  # asm/unistd_64.h
    Architecture.aarch64: (97, 40, 161),  # asm-generic/unistd.h
}[host_architecture()]

MOUNT_SETATTR = 442

PACKAGES = (
    "install the package with newuidmap and newgidmap: uidmap on Debian and Ubuntu, "
    "shadow on Arch Linux, shadow-utils on Fedora"
)
as_ordinary_user = pytest.mark.skipif(os.geteuid() == 0, reason="root maps its ids itself")


def refused(work: Path, preparation: str, path: str | None = None) -> tuple[str, str]:
    """Message and hint of the HostError that a call meets after ``preparation``."""
    code = f"""
import json, os
from tests.support import namespaced
from pathlib import Path
from aimager.errors import HostError
from aimager.sandbox.namespace import call
{preparation}
work = Path({str(work)!r})
try:
    call(namespaced.echo, "", work=work)
except HostError as error:
    print(json.dumps([error.message, error.hint, work.exists()]))
"""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    if path is not None:
        environment["PATH"] = path
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment
    )
    assert done.stdout, f"no error was met: {done.stderr}"
    message, hint, left = json.loads(done.stdout)
    assert not left
    assert not done.stderr
    return message, hint


@pytest.fixture
def work(tmp_path: Path) -> Path:
    return tmp_path / "work"


def test_newuidmap_is_missing(work: Path, tmp_path: Path) -> None:
    preparation = granted(tmp_path, "1000:100000:65536\n")
    said = refused(work, preparation, path=str(tmp_path))
    assert said == ("newuidmap is not installed", PACKAGES)


def test_newuidmap_is_not_set_uid(work: Path, tmp_path: Path) -> None:
    program = shutil.which("newuidmap")
    if not program:
        pytest.skip("newuidmap is not installed")
    copy = tmp_path / "newuidmap"
    shutil.copyfile(program, copy)
    copy.chmod(0o755)
    assert refused(work, granted(tmp_path, "1000:100000:65536\n"), path=str(tmp_path)) == (
        f"{copy} is neither set-uid root nor has file capabilities",
        f"as root: chmod u+s {copy}, or install its package again",
    )


def test_no_subordinate_ids(work: Path, tmp_path: Path) -> None:
    name = name_of_1000()
    assert refused(work, granted(tmp_path, "")) == (
        f"/etc/subuid grants {name} no ids, and a root file system needs 65535",
        f"as root: usermod --add-subuids 100000-165535 --add-subgids 100000-165535 {name}, which"
        f" adds the line {name}:100000:65536 to /etc/subuid and /etc/subgid",
    )


def test_too_few_subordinate_ids(work: Path, tmp_path: Path) -> None:
    name = name_of_1000()
    lines = "other:100000:65536\n1000:200000:1000\n"
    assert refused(work, granted(tmp_path, lines)) == (
        f"/etc/subuid grants {name} only 1000 ids, and a root file system needs 65535",
        f"as root: usermod --add-subuids 201000-266535 --add-subgids 201000-266535 {name}, which"
        f" adds the line {name}:201000:65536 to /etc/subuid and /etc/subgid",
    )


def test_root_with_one_id(work: Path) -> None:
    assert refused(work, "namespaced.enter_outer(0)") == (
        "root has only 1 uids here, and a root file system needs 65536",
        "start the container with a map of at least 65536 ids, or build outside of it",
    )


def test_user_namespaces_are_limited(work: Path) -> None:
    limit = "Path('/proc/sys/user/max_user_namespaces').write_text('0')"
    assert refused(work, f"namespaced.enter_outer(0)\n{limit}") == (
        "the kernel refused a user namespace: No space left on device "
        "(user.max_user_namespaces is 0)",
        "as root: sysctl -w user.max_user_namespaces=65536",
    )


def test_seccomp_forbids_unshare(work: Path) -> None:
    message, hint = refused(work, f"namespaced.forbid({UNSHARE})")
    assert message == (
        "the kernel refused a user namespace: Operation not permitted (a seccomp filter is set)"
    )
    assert "--security-opt seccomp=unconfined" in hint


def test_seccomp_forbids_mount(work: Path) -> None:
    with pytest.raises(HostError) as raised:
        call(namespaced.nest_without, Forbidden(work, MOUNT), work=work)
    assert raised.value.message == (
        "the kernel refused a root of its own: Operation not permitted (a seccomp filter is set)"
    )
    assert "--privileged" in raised.value.hint


def test_seccomp_forbids_host_names(work: Path) -> None:
    """As podman's filter does; a container that has the name of all workers needs no other."""
    forbidden = Forbidden(work, SETHOSTNAME)
    with pytest.raises(HostError) as raised:
        call(namespaced.nest_elsewhere, forbidden, work=work)
    assert raised.value.message == (
        "the kernel refused a host name of its own: Operation not permitted"
    )
    assert raised.value.hint.endswith("start it with --hostname aimager")
    assert call(namespaced.nest_without, forbidden, work=work)


def test_a_kernel_without_mount_setattr(work: Path) -> None:
    assert call(namespaced.nest_without, Forbidden(work, MOUNT_SETATTR), work=work)


@as_ordinary_user
def test_no_new_privileges(work: Path) -> None:
    message, hint = refused(work, "namespaced.forbid(100000)")
    assert "newuidmap could not map the ids of /etc/subuid" in message
    assert "no_new_privs" in hint


def test_proc_is_partly_covered(work: Path) -> None:
    """As in a container; the namespace is also in another one, whose root it is made by."""
    facts = call(namespaced.nest, Place(work), work=work)
    assert (facts.pid, facts.uid) == (1, 0)
    assert len(facts.processes) > 1  # the outer one's /proc


def test_qemu_is_missing(work: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if (HOST_DIRECTORY / f"qemu-{FOREIGN.qemu}").exists():
        pytest.skip("this host's own handler will do instead")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(HostError) as raised:
        call(namespaced.run_foreign, Foreign(work, FOREIGN), work=work, foreign=FOREIGN)
    assert raised.value.message == f"no statically linked qemu-{FOREIGN.qemu} is installed"
    assert "qemu-user-static" in raised.value.hint
    assert not work.exists()


def test_qemu_cannot_be_registered(work: Path) -> None:
    with pytest.raises(HostError) as raised:
        call(namespaced.register_what_is_missing, Foreign(work, FOREIGN), work=work)
    assert f"programs for {FOREIGN} cannot be run here" in raised.value.message
    assert "Linux 6.7" in raised.value.hint


def test_the_hosts_handler_will_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QEMU_CPU", "")
    emulation.start_emulation(Emulation(Architecture.aarch64, None, host_handler=True))
    assert os.environ["QEMU_CPU"] == "cortex-a72"
    with pytest.raises(HostError, match="the host has no statically linked qemu"):
        emulation.start_emulation(Emulation(Architecture.aarch64, None, host_handler=False))
