"""doit doctor, each thing that a build needs being taken away from it for real."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from aimager.commands.doctor.cache_folder import check_names
from aimager.commands.doctor.namespace import Place, check_whole, keep_owner
from aimager.errors import HostError
from aimager.model.architecture import Architecture, host_architecture
from aimager.sandbox.binfmt import HOST_DIRECTORY
from tests.sandbox.test_namespace_hosts import MOUNT, UNSHARE
from tests.support.doctor_run import BUILD, Doctor
from tests.support.places import ROOT

FOREIGN = {
    Architecture.x86_64: ("distro=archlinuxarm", "arch=aarch64", "offline=yes"),
    Architecture.aarch64: BUILD,
}[host_architecture()]
QEMU = f"qemu-{'aarch64' if FOREIGN != BUILD else 'x86_64'}"


@pytest.fixture
def doctor(tmp_path: Path) -> Doctor:
    return Doctor(tmp_path / "cache")


def with_sysctl(tmp_path: Path, name: str, value: str) -> str:
    """The preparation that gives the kernel a sysctl below ``kernel``, as far as can be seen."""
    folder = tmp_path / "sysctl"
    folder.mkdir()
    (folder / name).write_text(f"{value}\n")
    return f"namespaced.enter_outer(0)\nnamespaced.cover('/proc/sys/kernel', {str(folder)!r})\n"


def test_a_machine_that_has_it_all(doctor: Doctor) -> None:
    found = doctor.run("", *BUILD)
    assert doctor.status == 0, [f for f in found.values() if f["state"] == "missing"]
    assert {finding["state"] for finding in found.values()} <= {"ok", "advice"}
    assert (
        found["a whole namespace"]["message"] == "a file keeps another owner and its capabilities"
    )
    assert not doctor.error
    assert not any((doctor.cache / "work").iterdir()), "nothing is left"


def test_lines_for_people(doctor: Doctor, tmp_path: Path) -> None:
    argv = [sys.executable, "-m", "doit", "-f", str(ROOT / "dodo.py"), "doctor", *BUILD]
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path]),
        "AIMAGER_CACHE": str(doctor.cache),
    }
    done = subprocess.run(argv, capture_output=True, text=True, env=environment, cwd=tmp_path)
    assert done.returncode == 0, done.stdout
    lines = done.stdout.splitlines()
    assert any(line.startswith("ok       namespaces: user, mount") for line in lines)
    assert any(line.startswith("ok       clock: 20") for line in lines)


def test_user_namespaces_are_limited(doctor: Doctor) -> None:
    limit = "Path('/proc/sys/user/max_user_namespaces').write_text('0')"
    message, fix = doctor.missing("namespaces", f"namespaced.enter_outer(0)\n{limit}")
    assert "user.max_user_namespaces is 0" in message
    assert fix == "as root: sysctl -w user.max_user_namespaces=65536"


def test_a_container_forbids_namespaces(doctor: Doctor) -> None:
    message, fix = doctor.missing("namespaces", f"namespaced.forbid({UNSHARE})")
    assert "refused a user namespace: Operation not permitted (a seccomp filter is set)" in message
    assert "docker run --security-opt seccomp=unconfined" in fix
    assert "podman run --security-opt seccomp=unconfined --security-opt unmask=ALL" in fix


def test_a_container_forbids_mounts(doctor: Doctor) -> None:
    message, _ = doctor.missing("namespaces", f"namespaced.forbid({MOUNT})")
    assert "refused a mount tree of its own: Operation not permitted" in message


def test_apparmor_restricts_namespaces(doctor: Doctor, tmp_path: Path) -> None:
    """The kernel here may have none: what it refuses then is refused by seccomp."""
    restricted = with_sysctl(tmp_path, "apparmor_restrict_unprivileged_userns", "1")
    message, fix = doctor.missing("AppArmor", f"{restricted}namespaced.forbid({MOUNT})")
    assert message == "kernel.apparmor_restrict_unprivileged_userns is 1"
    python = Path(sys.executable).resolve()
    assert "as root: sysctl -w kernel.apparmor_restrict_unprivileged_userns=0" in fix
    assert f"profile aimager {python} flags=(unconfined) {{\n  userns,\n" in fix
    assert "apparmor_parser --replace /etc/apparmor.d/aimager" in fix


def test_apparmor_may_restrict_others(doctor: Doctor, tmp_path: Path) -> None:
    restricted = with_sysctl(tmp_path, "apparmor_restrict_unprivileged_userns", "1")
    said = doctor.run(restricted, *BUILD)["AppArmor"]
    assert said["state"] == "ok"
    assert "but not those of" in said["message"]


def test_debian_forbids_them(doctor: Doctor, tmp_path: Path) -> None:
    forbidden = with_sysctl(tmp_path, "unprivileged_userns_clone", "0")
    message, fix = doctor.missing("namespaces", f"{forbidden}namespaced.forbid({UNSHARE})")
    assert "kernel.unprivileged_userns_clone is 0" in message
    assert fix == "as root: sysctl -w kernel.unprivileged_userns_clone=1"


def test_root_of_a_container_with_one_id(doctor: Doctor) -> None:
    message, fix = doctor.missing("subuid", "namespaced.enter_outer(0)")
    assert message == "root has only 1 uids here, and a root file system needs 65536"
    assert "map of at least 65536 ids" in fix


def test_qemu_is_missing(doctor: Doctor, tmp_path: Path) -> None:
    if (HOST_DIRECTORY / QEMU).exists():
        pytest.skip("this host's own handler will do instead")
    (tmp_path / "bin").mkdir()
    subject = f"programs for {QEMU.removeprefix('qemu-')}"
    message, fix = doctor.missing(subject, "", *FOREIGN, "tools=host", path=str(tmp_path / "bin"))
    assert message == f"no statically linked {QEMU} is installed"
    assert "qemu-user-static" in fix


def test_gpg_is_missing(doctor: Doctor, tmp_path: Path) -> None:
    found = shutil.which("gpg", path="/usr/local/bin:/usr/bin:/bin")
    if not found:
        pytest.skip("gpg is not installed")
    (tmp_path / "empty").touch()
    preparation = f"namespaced.enter_outer(0)\nnamespaced.cover({found!r}, '{tmp_path}/empty')\n"
    message, fix = doctor.missing("gpg", preparation, *BUILD, "tools=host")
    assert message == "tools=host needs the program gpg, which is missing"
    assert "setup.sh" in fix


@pytest.mark.parametrize(
    ("subject", "options", "message"),
    [
        ("cache: programs", "noexec", "is mounted noexec"),
        ("disk", "size=1m", "free"),
        ("disk", "nr_inodes=40", "inodes"),
    ],
)
def test_a_cache_that_will_not_do(
    doctor: Doctor, tmp_path: Path, subject: str, options: str, message: str
) -> None:
    flags = 0x8 if options == "noexec" else 0  # MS_NOEXEC
    data = None if flags else options
    doctor.cache.mkdir()
    preparation = (
        "from aimager.sandbox import syscalls\nnamespaced.enter_outer(0)\n"
        f"syscalls.mount('tmpfs', {str(doctor.cache)!r}, 'tmpfs', {flags}, {data!r})\n"
    )
    finding = doctor.run(preparation, *BUILD)[subject]
    assert finding["state"] != "ok"
    assert message in finding["message"]
    assert "AIMAGER_CACHE=FOLDER" in finding["fix"]


LINK, FLOCK = {
    Architecture.x86_64: (86, 73),  # asm/unistd_64.h
    Architecture.aarch64: (37, 32),  # asm-generic/unistd.h: linkat
}[host_architecture()]


@pytest.mark.parametrize(
    ("subject", "syscall", "message"),
    [
        ("cache: links", LINK, "makes no links: Operation not permitted"),
        ("cache: locks", FLOCK, "has no locks: Operation not permitted"),
    ],
)
def test_a_file_system_that_lacks_something(
    doctor: Doctor, subject: str, syscall: int, message: str
) -> None:
    told, fix = doctor.missing(subject, f"namespaced.forbid({syscall})")
    assert told == f"the file system of {doctor.cache} {message}"
    assert "AIMAGER_CACHE=FOLDER" in fix


def test_names_that_differ_in_case_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a file system of Windows, which no kernel of ours need have."""
    exists = Path.exists
    monkeypatch.setattr(Path, "exists", lambda path: exists(path.with_name(path.name.title())))
    with pytest.raises(HostError, match="does not tell Name from name"):
        check_names(tmp_path)


def test_owners_and_capabilities_are_kept_for_real(tmp_path: Path) -> None:
    assert check_whole(tmp_path / "work") == "a file keeps another owner and its capabilities"
    assert keep_owner(Place(tmp_path / "none")) == "No such file or directory"


def test_pid_namespaces_are_limited(doctor: Doctor) -> None:
    limit = "Path('/proc/sys/user/max_pid_namespaces').write_text('0')"
    message, fix = doctor.missing("namespaces", f"namespaced.enter_outer(0)\n{limit}")
    assert "user.max_pid_namespaces is 0" in message
    assert fix == "as root: sysctl -w user.max_pid_namespaces=65536"
