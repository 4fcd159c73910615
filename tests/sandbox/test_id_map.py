"""Which ids a user has, how they are mapped, and what is said where they are too few."""

import os
import pwd
import shutil
import stat
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from aimager.errors import HostError
from aimager.sandbox import id_map
from aimager.sandbox.id_map import (
    NO_NEW,
    Extent,
    find_map_program,
    granted,
    identity_map,
    own_map,
    subordinate_map,
    subordinate_ranges,
    write_maps,
)

SUBUID = """\
# a comment
other:100000:65536
me:200000:1000
1000:300000:65536
me:200000:1000
me:broken
me:400000:many
"""

UIDS, GIDS = "0 1000 1 1 200000 1000 1001 300000 65536", "0 985 1 1 100000 65535"


class Machine:
    """Files that a test makes up, in the place of those of /proc and /etc."""

    def __init__(self, files: dict[str, str]) -> None:
        self.files = files
        self.ran: list[list[str]] = []
        self.says = ""
        self.status = 0

    def write(self, path: Path, text: str) -> None:
        if str(path) not in self.files:
            raise PermissionError(1, "Operation not permitted")
        self.files[str(path)] = text

    def run(self, argv: Sequence[str], **_: object) -> subprocess.CompletedProcess[str]:
        self.ran.append(list(argv))
        return subprocess.CompletedProcess(argv, self.status, "", self.says)


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    """One on which the ordinary user ``me``, of id 1000, has the ids of `SUBUID`."""
    made = Machine({"/etc/subuid": SUBUID, "/etc/subgid": "me:100000:65535\n"})
    monkeypatch.setattr(Path, "read_text", lambda path, **_: made.files[str(path)])
    monkeypatch.setattr(Path, "write_text", lambda path, text: made.write(path, text))
    monkeypatch.setattr(Path, "is_file", lambda path: str(path) in made.files)
    monkeypatch.setattr(subprocess, "run", made.run)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(os, "getegid", lambda: 985)
    monkeypatch.setattr(
        pwd, "getpwuid", lambda uid: pwd.struct_passwd(("me", "x", uid, uid, "", "/", "/bin/sh"))
    )
    monkeypatch.setattr(id_map, "find_map_program", lambda name: f"/usr/bin/{name}")
    return made


def test_all_ranges_of_a_user_are_found_by_name_and_number() -> None:
    assert subordinate_ranges(SUBUID, ("me", "1000")) == ((200000, 1000), (300000, 65536))
    assert subordinate_ranges(SUBUID, ("nobody",)) == ()


def test_the_user_is_0_and_ranges_follow() -> None:
    assert subordinate_map(1000, [(200000, 1000), (300000, 65536)]) == (
        Extent(0, 1000, 1),
        Extent(1, 200000, 1000),
        Extent(1001, 300000, 65536),
    )
    assert str(Extent(1, 200000, 1000)) == "1 200000 1000"


def test_root_keeps_its_ids_extent_for_extent() -> None:
    text = "         0       1000          1\n         1     100000      65536\n"
    assert identity_map(text) == (Extent(0, 0, 1), Extent(1, 1, 65536))


def test_an_ordinary_user_maps_by_the_set_uid_programs(machine: Machine) -> None:
    write_maps(7)
    assert machine.ran == [
        [
            "/usr/bin/newuidmap",
            "7",
            *["0", "1000", "1", "1", "200000", "1000", "1001", "300000", "65536"],
        ],
        ["/usr/bin/newgidmap", "7", *GIDS.split()],
    ]


@pytest.mark.parametrize(
    ("status", "hint"),
    [
        ("NoNewPrivs:\t1\n", NO_NEW),
        (
            "NoNewPrivs:\t0\n",
            "look for ranges in /etc/subuid that overlap, and for a nosuid mount option on /usr",
        ),
    ],
)
def test_a_map_that_is_refused(machine: Machine, status: str, hint: str) -> None:
    machine.files["/proc/self/status"] = status
    machine.status, machine.says = 1, "newuidmap: write to uid_map failed\n"
    with pytest.raises(HostError) as caught:
        write_maps(7)
    assert caught.value.message == (
        "/usr/bin/newuidmap could not map the ids of /etc/subuid: newuidmap: write to uid_map"
        " failed"
    )
    assert caught.value.hint == hint
    assert len(machine.ran) == 1


@pytest.mark.parametrize(
    ("lines", "message"), [("me:200000:65534\n", "only 65534 ids"), ("other:1:2\n", "no ids")]
)
def test_too_few_ids(machine: Machine, lines: str, message: str) -> None:
    machine.files |= {"/etc/subuid": lines, "/etc/subgid": "else:250000:65536\nold:100000:5\n"}
    with pytest.raises(HostError) as caught:
        granted("uid")
    assert caught.value.message == (
        f"/etc/subuid grants me {message}, and a root file system needs 65535"
    )
    free = 315536
    assert caught.value.hint == (
        f"as root: usermod --add-subuids {free}-{free + 65535} --add-subgids {free}-{free + 65535}"
        f" me, which adds the line me:{free}:65536 to /etc/subuid and /etc/subgid"
    )


def test_who_has_no_name_is_known_by_number(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unknown(uid: int) -> None:
        raise KeyError(uid)

    monkeypatch.setattr(pwd, "getpwuid", unknown)
    machine.files = {}
    with pytest.raises(HostError, match=r"^/etc/subgid grants 1000 no ids") as caught:
        granted("gid")
    assert "1000:100000:65536" in caught.value.hint


def test_a_file_that_may_not_be_read(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path, **_: object) -> str:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_text", refuse)
    with pytest.raises(
        HostError, match=r"^/etc/subuid cannot be read: Permission denied"
    ) as caught:
        granted("uid")
    assert caught.value.hint == "as root: chmod a+r /etc/subuid"


def test_root_writes_the_maps_itself(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    ours = "0 0 65535\n65535 70000 1\n"
    machine.files |= {"/proc/self/uid_map": ours, "/proc/self/gid_map": "0 0 4294967295\n"}
    machine.files |= {"/proc/7/uid_map": "", "/proc/7/gid_map": ""}
    write_maps(7)
    assert machine.files["/proc/7/uid_map"] == "0 0 65535\n65535 65535 1\n"
    assert machine.files["/proc/7/gid_map"] == "0 0 4294967295\n"
    assert machine.ran == []
    with pytest.raises(HostError, match=r"refused the uid_map .*: Operation") as caught:
        write_maps(8)
    assert "CAP_SETUID and CAP_SETGID" in caught.value.hint


@pytest.mark.parametrize("ours", ["0 0 65535\n", "0 0 1\n70000 1 70000\n"])
def test_root_of_a_container_with_too_few_ids(machine: Machine, ours: str) -> None:
    count = ours.split()[2]
    machine.files["/proc/self/uid_map"] = ours
    with pytest.raises(HostError) as caught:
        own_map("uid")
    assert caught.value.message == (
        f"root has only {count} uids here, and a root file system needs 65536"
    )


@pytest.mark.parametrize(
    ("mode", "owner", "capable", "good"),
    [
        (0o4755, 0, False, True),
        (0o755, 0, True, True),
        (0o755, 0, False, False),
        (0o4755, 5, False, False),
    ],
)
def test_the_set_uid_program(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    mode: int,
    owner: int,
    capable: bool,
    good: bool,
) -> None:
    program = str(tmp_path / "newuidmap")
    status = os.stat_result((stat.S_IFREG | mode, 0, 0, 0, owner, 0, 0, 0, 0, 0))

    def attribute(path: str, name: str) -> bytes:
        if capable:
            return b"capabilities"
        raise OSError(61, "No data available")

    monkeypatch.setattr(shutil, "which", lambda name: program)
    monkeypatch.setattr(Path, "stat", lambda path: status)
    monkeypatch.setattr(os, "getxattr", attribute)
    if good:
        assert find_map_program("newuidmap") == program
        return
    with pytest.raises(HostError) as caught:
        find_map_program("newuidmap")
    assert caught.value.message == f"{program} is neither set-uid root nor has file capabilities"


def test_the_set_uid_program_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(HostError, match=r"^newgidmap is not installed\n") as caught:
        find_map_program("newgidmap")
    assert "uidmap on Debian" in caught.value.hint
