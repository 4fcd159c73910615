"""doit doctor for users who lack ids, or the programs that map them."""

import os
import shutil
from pathlib import Path

import pytest

from tests.support.doctor_run import BUILD, Doctor
from tests.support.namespaced import PR_SET_NO_NEW_PRIVS
from tests.support.user_without_root import granted, name_of_1000


@pytest.fixture
def doctor(tmp_path: Path) -> Doctor:
    return Doctor(tmp_path / "cache")


def test_no_subordinate_ids(doctor: Doctor, tmp_path: Path) -> None:
    name = name_of_1000()
    found = doctor.run(granted(tmp_path, "other:100000:65536\n"), *BUILD)
    assert doctor.status == 1
    for kind in ("uid", "gid"):
        finding = found[f"sub{kind}"]
        assert finding["message"] == (
            f"/etc/sub{kind} grants {name} no ids, and a root file system needs 65535"
        )
        assert (
            f"usermod --add-subuids 165536-231071 --add-subgids 165536-231071 {name}"
            in (finding["fix"])
        )
        assert f"adds the line {name}:165536:65536 to /etc/subuid" in finding["fix"]


def test_the_granted_ids_are_among_what_is_no_text(doctor: Doctor, tmp_path: Path) -> None:
    preparation = granted(tmp_path, "1000:100000:65536\n")
    with (tmp_path / "granted").open("ab") as stream:
        stream.write(b"# f\xfcr alle\n")
    assert doctor.run(preparation, *BUILD)["subuid"]["state"] == "ok"


def test_newuidmap_is_missing(doctor: Doctor, tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    preparation = granted(tmp_path, "1000:100000:65536\n")
    if found := shutil.which("newuidmap"):
        preparation += f"namespaced.cover({found!r}, '{tmp_path}/empty')\n"
    message, fix = doctor.missing("newuidmap", preparation)
    assert message == "newuidmap is not installed"
    assert "uidmap on Debian and Ubuntu" in fix


def test_newuidmap_is_not_in_path(doctor: Doctor, tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    found = shutil.which("newuidmap", path="/usr/sbin:/usr/bin:/sbin:/bin")
    if not found:
        pytest.skip("newuidmap is not installed")
    preparation = granted(tmp_path, "1000:100000:65536\n")
    message, fix = doctor.missing("newuidmap", preparation, path=str(tmp_path / "bin"))
    assert message == f"newuidmap is in {Path(found).parent}, which is not in PATH"
    assert fix == f"export PATH=$PATH:{Path(found).parent}"


def test_newuidmap_is_not_set_uid(doctor: Doctor, tmp_path: Path) -> None:
    program = shutil.which("newuidmap")
    if not program:
        pytest.skip("newuidmap is not installed")
    (tmp_path / "bin").mkdir()
    copy = tmp_path / "bin/newuidmap"
    shutil.copyfile(program, copy)
    copy.chmod(0o755)
    preparation = granted(tmp_path, "1000:100000:65536\n")
    path = f"{tmp_path / 'bin'}:{os.environ['PATH']}"
    message, fix = doctor.missing("newuidmap", preparation, path=path)
    assert message == f"{copy} is neither set-uid root nor has file capabilities"
    assert f"chmod u+s {copy}" in fix


def test_no_new_privileges(doctor: Doctor, tmp_path: Path) -> None:
    preparation = granted(tmp_path, "1000:100000:65536\n") + (
        f"import ctypes\nctypes.CDLL(None).prctl({PR_SET_NO_NEW_PRIVS}, 1, 0, 0, 0)\n"
    )
    message, fix = doctor.missing("newuidmap", preparation)
    assert message == "newuidmap has no rights here: no_new_privs is set"
    assert "build outside of it" in fix
