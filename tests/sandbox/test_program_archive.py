"""Archives of programs are packed and unpacked by Python alone, whole, and within their root."""

import errno
import io
import os
import tarfile
from pathlib import Path

import pytest

from aimager.errors import HostError, ImageError
from aimager.sandbox import program_archive
from aimager.sandbox.program_archive import pack_programs, unpack_programs


def archive_of(path: Path, *members: tuple[str, bytes, str | bytes]) -> Path:
    """A plain archive of members by name, type, and content or target."""
    with tarfile.open(path, "w") as archive:
        for name, kind, content in members:
            member = tarfile.TarInfo(name)
            member.type, member.mode = kind, 0o4755
            if isinstance(content, str):
                member.linkname = content
                archive.addfile(member)
            else:
                member.size = len(content)
                archive.addfile(member, io.BytesIO(content))
    return path


def make_programs(root: Path) -> Path:
    """A root with all that packages have."""
    (root / "usr/bin").mkdir(parents=True)
    (root / "bin").symlink_to("usr/bin")
    program = root / "usr/bin/tool"
    program.write_bytes(b"program" * 100_000)
    program.chmod(0o755)
    os.link(program, root / "usr/bin/other")
    (root / "usr/empty").mkdir(mode=0o700)
    (root / "usr/share").mkdir()
    (root / "usr/share/data").write_bytes(b"")
    os.utime(program, (5_000_000_000, 5_000_000_000))
    return root


def test_what_is_packed_is_unpacked(tmp_path: Path) -> None:
    root = make_programs(tmp_path / "root")
    pack_programs(root, tmp_path / "programs.tar", epoch=1_700_000_000)
    unpack_programs(tmp_path / "programs.tar", tmp_path / "again")
    again = tmp_path / "again"
    names = sorted(str(path.relative_to(root)) for path in root.rglob("*"))
    assert sorted(str(path.relative_to(again)) for path in again.rglob("*")) == names
    assert (again / "usr/bin/tool").read_bytes() == b"program" * 100_000
    assert (again / "usr/bin/tool").stat().st_mode & 0o7777 == 0o755
    assert (again / "usr/bin/tool").samefile(again / "usr/bin/other")
    assert (again / "bin").readlink() == Path("usr/bin")


def test_equal_programs_have_equal_archives(tmp_path: Path) -> None:
    content = []
    for name in ("one", "two"):
        target = tmp_path / f"{name}.tar"
        pack_programs(make_programs(tmp_path / name), target, epoch=1_700_000_000)
        content.append(target.read_bytes())
        for path in (tmp_path / name).rglob("*"):
            os.utime(path, (6_000_000_000, 6_000_000_000), follow_symlinks=False)
    assert content[0] != b""
    with tarfile.open(tmp_path / "one.tar") as archive:
        members = archive.getmembers()
    assert max(member.mtime for member in members) <= 1_700_000_000
    assert {(m.uid, m.gid, m.uname, m.gname) for m in members} == {(0, 0, "", "")}
    pack_programs(tmp_path / "one", tmp_path / "1.tar", epoch=1)
    pack_programs(tmp_path / "two", tmp_path / "2.tar", epoch=1)
    assert (tmp_path / "1.tar").read_bytes() == (tmp_path / "2.tar").read_bytes()


def test_folders_need_no_entry_and_nothing_is_set_user_id(tmp_path: Path) -> None:
    first = ("usr/bin/tool", tarfile.REGTYPE, b"old")
    archive = archive_of(tmp_path / "a.tar", first, ("./usr/bin/tool", tarfile.REGTYPE, b"new"))
    unpack_programs(archive, tmp_path / "root")
    assert (tmp_path / "root/usr/bin/tool").read_bytes() == b"new"
    assert (tmp_path / "root/usr/bin/tool").stat().st_mode & 0o7777 == 0o755


@pytest.mark.parametrize(
    "members",
    [
        [("../evil", tarfile.REGTYPE, b"x")],
        [("..", tarfile.DIRTYPE, b"")],
        [("usr/../../evil", tarfile.REGTYPE, b"x")],
        [("link", tarfile.SYMTYPE, "/tmp"), ("link/evil", tarfile.REGTYPE, b"x")],
        [("link", tarfile.SYMTYPE, ".."), ("link/evil", tarfile.REGTYPE, b"x")],
        [("tool", tarfile.LNKTYPE, "../outside")],
    ],
)
def test_nothing_is_written_outside(
    tmp_path: Path, members: list[tuple[str, bytes, str | bytes]]
) -> None:
    (tmp_path / "outside").write_text("mine")
    archive = archive_of(tmp_path / "a.tar", *members)
    with pytest.raises(ImageError, match="outside the root"):
        unpack_programs(archive, tmp_path / "root")
    assert not (tmp_path / "evil").exists()
    assert (tmp_path / "outside").stat().st_nlink == 1


@pytest.mark.parametrize("content", [b"no archive" * 100, b""])
def test_what_is_no_archive_is_told(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.tar").write_bytes(content)
    with pytest.raises(ImageError, match=r"a\.tar cannot be unpacked: "):
        unpack_programs(tmp_path / "a.tar", tmp_path / "root")


def test_a_cut_off_archive_is_told(tmp_path: Path) -> None:
    archive = archive_of(tmp_path / "a.tar", ("tool", tarfile.REGTYPE, b"x" * 100_000))
    os.truncate(archive, 50_000)
    with pytest.raises(ImageError, match=r"a\.tar cannot be unpacked: "):
        unpack_programs(archive, tmp_path / "root")


def test_a_device_is_refused(tmp_path: Path) -> None:
    archive = archive_of(tmp_path / "a.tar", ("null", tarfile.CHRTYPE, b""))
    with pytest.raises(ImageError, match="a file that no package has: null"):
        unpack_programs(archive, tmp_path / "root")


def test_a_lack_of_room_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fill(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(program_archive, "_copy", fill)
    archive = archive_of(tmp_path / "a.tar", ("tool", tarfile.REGTYPE, b"x"))
    with pytest.raises(HostError, match=r"a\.tar cannot be unpacked: No space left") as caught:
        unpack_programs(archive, tmp_path / "root")
    assert "tmpfs-root=no" in caught.value.hint
