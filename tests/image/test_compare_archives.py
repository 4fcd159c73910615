"""Two archives of roots, or manifests, are compared by what they hold."""

import io
import json
import lzma
import tarfile
from pathlib import Path
from typing import Any

import pytest

from aimager.errors import ConfigError
from aimager.image.compare.difference import Difference, compare
from aimager.image.compare.packages import Change
from aimager.image.compare.side import read_sides
from aimager.model.lock import Lock
from aimager.packages.lock_file import LockedBuild, format_lock_file, join_locks
from tests.support import finished_disks
from tests.support.locked import make_package


def found(one: Path, other: Path) -> Difference:
    return compare(*read_sides(one, other))


def archive(path: Path, **changed: dict[str, Any]) -> Path:
    """An archive of a root with a file of some kinds, some of them otherwise."""
    with tarfile.open(path, "w", format=tarfile.PAX_FORMAT) as made:
        for name, kind, content in (
            (".", tarfile.DIRTYPE, ""),
            ("./bin", tarfile.SYMTYPE, "usr/bin"),
            ("./long", tarfile.REGTYPE, "x" * 9000),
            ("./same", tarfile.LNKTYPE, "./long"),
            ("./null", tarfile.CHRTYPE, ""),
        ):
            member = tarfile.TarInfo(name)
            member.type, member.mode = kind, 0o644
            data = content.encode() if kind == tarfile.REGTYPE else b""
            member.linkname = "" if data else content
            for key, value in changed.get(name.strip("./"), {}).items():
                if key == "data":
                    data = value
                else:
                    setattr(member, key, value)
            member.size = len(data)
            made.addfile(member, io.BytesIO(data))
    return path


@pytest.mark.parametrize(
    ("name", "changed", "facts"),
    [
        ("bin", {"linkname": "usr/sbin"}, ("target usr/bin -> usr/sbin",)),
        ("bin", {"type": tarfile.DIRTYPE}, ("link -> folder",)),
        ("long", {"mode": 0o4755, "mtime": 9}, ("mode 0644 -> 4755",)),
        ("long", {"uid": 1 << 22, "gid": 5}, ("owner 0:0 -> 4194304:5",)),
        ("long", {"data": b"y" * 9000}, ("content",)),
        ("long", {"mtime": 9.5}, ("time 0 -> 9",)),
        ("long", {"pax_headers": {"SCHILY.xattr.user.a": "b"}}, ("extended attributes",)),
        ("null", {"devmajor": 1, "devminor": 3}, ("target 0:0 -> 1:3",)),
    ],
)
def test_members_of_archives(
    name: str, changed: dict[str, Any], facts: tuple[str, ...], tmp_path: Path
) -> None:
    one = archive(tmp_path / "one.tar")
    other = archive(tmp_path / "other.tar", **{name: changed})
    packed = tmp_path / "one.tar.xz"
    packed.write_bytes(lzma.compress(one.read_bytes()))
    assert found(one, packed).is_empty
    files = {it.path: it.facts for it in found(packed, other).files}
    expected = {f"/{name}": facts} | ({"/same": facts} if name == "long" else {})
    assert files == expected


def test_an_archive_and_an_image_of_the_same_files_are_equal(tmp_path: Path) -> None:
    made = finished_disks.make(tmp_path / "d")
    tree, path = tmp_path / "d/tree", tmp_path / "root.tar"
    with tarfile.open(path, "w", format=tarfile.PAX_FORMAT) as packed:
        packed.add(tree, "./", filter=_as_in_image)
    assert found(made.path, path).is_empty
    (tree / "etc/hostname").write_text("x")
    with tarfile.open(path, "w", format=tarfile.PAX_FORMAT) as packed:
        packed.add(tree, "./", filter=_as_in_image)
    assert [it.path for it in found(made.path, path).files] == ["/etc/hostname"]


def _as_in_image(member: tarfile.TarInfo) -> tarfile.TarInfo:
    """The tops of file systems belong to root, and so does what lies in FAT, without owners."""
    path = member.name.strip("./")
    if path in ("", "home") or path.startswith("boot/"):
        member.uid = member.gid = 0
    return member


def test_archives_that_differ_in_order_alone_are_not_equal(tmp_path: Path) -> None:
    one, other = archive(tmp_path / "one.tar"), tmp_path / "other.tar"
    other.write_bytes(one.read_bytes() + bytes(512))
    difference = found(one, other)
    assert not difference.is_empty
    assert difference.bytes
    assert difference.bytes.first == one.stat().st_size


def manifest(folder: Path, name: str = "manifest.json", **changed: object) -> Path:
    package = {"name": "a", "version": "1-1", "sha256": "a" * 64, "size": 5}
    result = {"name": "disk.img", "size": 3, "sha256": "b" * 64}
    told = {"build": "x", "epoch": 1, "packages": [package], "results": [result], **changed}
    (folder / name).write_text(json.dumps(told))
    return folder / name


def test_manifests(tmp_path: Path) -> None:
    one = manifest(tmp_path)
    newer = {"name": "a", "version": "2-1", "sha256": "c" * 64}
    other = manifest(tmp_path, "other.json", epoch=2, packages=[newer], logins=["root"])
    difference = found(one, other)
    assert [(it.name, it.before, it.after) for it in difference.settings] == [
        ("epoch", "1", "2"),
        ("logins", None, '["root"]'),
    ]
    assert [(it.name, it.change) for it in difference.packages] == [("a", Change.upgraded)]
    rebuilt = manifest(tmp_path, "rebuilt.json", packages=[{**newer, "version": "1-1"}])
    assert [it.change for it in found(one, rebuilt).packages] == [Change.rebuilt]


def locks(folder: Path, *builds: str, version: str = "1-1") -> Path:
    """A lock file of builds of one platform, and of a package of the borrowed programs."""
    package = make_package("a", version=version)
    several = {f"p-{name}-x": LockedBuild("p", name, "x", (), "host", "") for name in builds}
    parts = {subject: Lock("p", (), (package,)) for subject in several}
    parts["host.borrowed"] = Lock("host", (), (make_package("tool"),))
    lock_file = join_locks(parts, several if len(builds) > 1 else several[f"p-{builds[0]}-x"])
    path = folder / f"{'-'.join(builds)}-{version}.lock"
    path.write_text(format_lock_file(lock_file))
    return path


def test_locks(tmp_path: Path) -> None:
    one, newer = locks(tmp_path, "one"), locks(tmp_path, "one", version="2-1")
    assert found(one, one).is_empty
    assert [(it.name, it.change) for it in found(newer, one).packages] == [("a", Change.downgraded)]
    image = manifest(tmp_path, build="p-one-x")
    changes = found(image, newer).packages
    assert [(it.name, it.before, it.after) for it in changes] == [("a", "1-1", "2-1")]
    several = locks(tmp_path, "one", "two", version="2-1")
    assert found(image, several).packages == changes
    assert [it.name for it in found(one, several).packages] == ["a"]
    assert [it.name for it in found(several, one).packages] == ["a"]
    other = manifest(tmp_path, "other.json", build="p-three-x")
    with pytest.raises(ConfigError, match=r"is of p-one-x, p-two-x, and .* does not tell of which"):
        found(several, other)


@pytest.mark.parametrize(
    "text",
    ["{", "{}", '{"build": 1, "packages": 1, "results": []}', '{"a": 1, "a": 2}', "{" * 100_000],
)
def test_what_is_no_manifest_is_refused(text: str, tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text(text)
    with pytest.raises(ConfigError, match=r"is not a (manifest|lock file)"):
        found(tmp_path / "manifest.json", manifest(tmp_path, "good.json"))
