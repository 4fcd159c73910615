"""What a root archive of the user's holds, and which of them no build can start from."""

import gzip
import lzma
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard

from aimager import files
from aimager.errors import CommandError, ConfigError, HostError
from aimager.model.architecture import Architecture
from aimager.model.lock import Lock
from aimager.packages.local_database import InstalledPackage
from aimager.sandbox.id_map import Extent
from aimager.sandbox.owners import HeldIds
from aimager.sandbox.tree import Tree
from aimager.system import reused_root
from aimager.system.reused_root import (
    ReusedRoot,
    explain_refusal,
    look_into,
    read_reused,
    write_reused,
)
from tests.support.locked import make_package
from tests.support.root_archives import LOCAL, record, special, write_archive

COMPRESSORS: dict[str, Callable[[bytes], bytes]] = {
    "": bytes,
    ".gz": gzip.compress,
    ".xz": lzma.compress,
    ".zst": zstandard.ZstdCompressor().compress,
}
PACKAGES = record("bash", date=70) | record("acl", "2-1", arch="any", date=50)


def look(path: Path) -> ReusedRoot:
    return look_into(path, ("x86_64",))


def refusal(path: Path, architecture: str = "x86_64") -> tuple[str, str]:
    with pytest.raises(ConfigError) as caught:
        look_into(path, (architecture,))
    return caught.value.message, caught.value.hint


@pytest.mark.parametrize("suffix", COMPRESSORS)
def test_what_it_holds(tmp_path: Path, suffix: str) -> None:
    links = [special("bin", tarfile.SYMTYPE, "/usr/bin"), special("b", tarfile.LNKTYPE, "./a")]
    plain = write_archive(tmp_path / "plain.tar", {"a": b"x" * 1000, **PACKAGES}, links)
    archive = tmp_path / f"root.tar{suffix}"
    archive.write_bytes(COMPRESSORS[suffix](plain.read_bytes()))
    found = look(archive)
    assert found.packages == (
        InstalledPackage("acl", "2-1", "", "", (), (), (), "any", 50),
        InstalledPackage("bash", "1.0-1", "", "", (), (), (), "x86_64", 70),
    )
    assert found.sha256 == files.sha256(archive)
    assert found.size == 1000 + sum(map(len, PACKAGES.values()))
    with tarfile.open(plain) as tar:
        tar.extractall(tmp_path / "root", members=[m for m in tar if m.name.startswith("./var")])
    assert found.is_in(Tree(tmp_path / "root"))
    (tmp_path / "root/var/lib/pacman/local/acl-2-1/desc").unlink()
    assert not found.is_in(Tree(tmp_path / "root"))
    (tmp_path / "told").write_text(write_reused(found))
    assert read_reused(tmp_path / "told") == found


def test_its_text_is_one_that_people_can_read() -> None:
    text = write_reused(ReusedRoot("d" * 64, 7, ()))
    assert text == f'{{\n "packages": [],\n "sha256": "{"d" * 64}",\n "size": 7\n}}\n'


def test_what_is_missing_is_what_it_has_not_in_that_version(tmp_path: Path) -> None:
    held = look(write_archive(tmp_path / "root.tar", PACKAGES))
    bash, acl = make_package("bash"), make_package("acl", version="1-1", build_date=60)
    nano = make_package("nano", build_date=20)
    assert held.missing(Lock("x", (), (acl, bash, nano))) == (acl, nano)
    assert held.missing(Lock("x", (), (bash,))) == ()


def test_the_newest_date_is_that_of_what_is_there_in_the_end(tmp_path: Path) -> None:
    held = look(write_archive(tmp_path / "root.tar", PACKAGES))
    newer, older = (make_package("bash", version="2-1", build_date=n) for n in (80, 20))
    assert held.epoch(Lock("x", (), (newer,))) == 80
    assert held.epoch(Lock("x", (), (older,))) == 50, "acl's: its bash is replaced"
    assert held.epoch(Lock("x", (), ())) == 70
    assert held.epoch(Lock("x", (), (make_package("bash", build_date=60),))) == 70


def test_of_records_with_one_name_the_last_counts(tmp_path: Path) -> None:
    """As when it is unpacked."""
    path = write_archive(tmp_path / "root.tar", PACKAGES)
    write_archive(path, record("acl", "2-1", arch="any", date=90))
    assert [(p.name, p.build_date) for p in look(path).packages] == [("acl", 90), ("bash", 70)]


def test_what_is_no_tar_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "root.tar"
    for content in (b"", b"only text\n", b"only text\n" * 1000):
        path.write_bytes(content)
        message, hint = refusal(path)
        assert message.startswith("reuse-root-tar=root.tar is not a complete tar archive: ")
        assert hint.startswith("tar --list ")


@pytest.mark.parametrize("suffix", [suffix for suffix in COMPRESSORS if suffix])
def test_what_is_damaged_is_refused_and_not_to_be_removed(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"root.tar{suffix}"
    plain = write_archive(tmp_path / "plain.tar", {"a": bytes(range(256)) * 999, **PACKAGES})
    whole = COMPRESSORS[suffix](plain.read_bytes())
    for content in (plain.read_bytes(), whole[: len(whole) // 2]):
        path.write_bytes(content)
        message, hint = refusal(path)
        assert message.startswith(
            f"reuse-root-tar=root.tar{suffix} is not a complete tar archive: "
        )
        assert "remove" not in hint


@pytest.mark.parametrize("damage", ["in the middle", "cut off between two members"])
def test_damage_between_members_is_not_taken_for_the_end(tmp_path: Path, damage: str) -> None:
    path = write_archive(tmp_path / "root.tar", {**PACKAGES, "a": b"x" * 5000, "b": b""})
    with tarfile.open(path) as archive:
        start = archive.getmember("./a").offset
    content = bytearray(path.read_bytes())
    content[start : start + 512] = b"x" * 512
    path.write_bytes(content if damage == "in the middle" else content[:start])
    assert refusal(path)[0].startswith("reuse-root-tar=root.tar is not a complete tar archive: ")


def test_what_pacman_did_not_install_is_refused(tmp_path: Path) -> None:
    path = write_archive(tmp_path / "root.tar", {"etc/passwd": b"", f"{LOCAL}/bash-1": b"a file"})
    message, hint = refusal(path)
    assert message == (
        "reuse-root-tar=root.tar has no local pacman database in var/lib/pacman/local"
    )
    assert hint.startswith("the archive's top is the root")
    below = {f"root.x86_64/{name}": content for name, content in PACKAGES.items()}
    assert refusal(write_archive(tmp_path / "bootstrap.tar", below))[1] == hint


def test_another_architecture_is_refused(tmp_path: Path) -> None:
    path = write_archive(tmp_path / "root.tar", PACKAGES)
    message, hint = refusal(path, "aarch64")
    assert message == (
        "reuse-root-tar=root.tar holds bash 1.0-1 for x86_64, but the build is for aarch64"
    )
    assert "arch=" in hint
    mixed = write_archive(
        tmp_path / "mixed.tar", record("a", arch="i686") | record("b", arch="any")
    )
    assert [str(p) for p in look_into(mixed, Architecture.pentium4.packages).packages] == [
        *("a 1.0-1", "b 1.0-1")
    ]


@pytest.mark.parametrize(
    ("member", "sentence"),
    [
        (special("dev/null", tarfile.CHRTYPE), "holds the device dev/null, which cannot be made"),
        (special("./sda", tarfile.BLKTYPE), "holds the device sda, which cannot be made"),
        (special("/etc", tarfile.DIRTYPE), "holds /etc, which lies outside its root"),
        (special("a/../../b", tarfile.DIRTYPE), "holds a/../../b, which lies outside its root"),
        (special("a", tarfile.LNKTYPE, "../b"), "holds ../b, which lies outside its root"),
        (special("a", tarfile.LNKTYPE, "/etc/b"), "holds /etc/b, which lies outside its root"),
    ],
    ids=lambda value: value.name if isinstance(value, tarfile.TarInfo) else "",
)
def test_what_cannot_be_unpacked_is_refused(
    tmp_path: Path, member: tarfile.TarInfo, sentence: str
) -> None:
    message, hint = refusal(write_archive(tmp_path / "root.tar", PACKAGES, [member]))
    assert message.startswith(f"reuse-root-tar=root.tar {sentence}")
    assert hint


@pytest.mark.parametrize(
    "desc",
    [
        *(b"%NAME%\nbash\n\n", b"\xff", b""),
        b"%NAME%\nbash\n\n%VERSION%\n1-1\n\n%BUILDDATE%\nmonday\n\n",
        b"%NAME%\nbash\n\n%VERSION%\n1-1\n\n%BUILDDATE%\n99999999999999999\n\n",
    ],
)
def test_a_damaged_record_is_named(tmp_path: Path, desc: bytes) -> None:
    path = write_archive(tmp_path / "root.tar", {f"{LOCAL}/bash-1/desc": desc})
    assert refusal(path)[0].startswith(
        f"reuse-root-tar=root.tar has a damaged record in ./{LOCAL}/bash-1/desc: "
    )


def test_a_record_in_another_encoding_is_the_same_in_the_tree(tmp_path: Path) -> None:
    text = "%NAME%\nbash\n\n%VERSION%\n1-1\n\n%ARCH%\nany\n\n%PACKAGER%\nJosé <a@b>\n\n"
    files = {f"{LOCAL}/bash-1/desc": text.encode("latin-1")}
    found = look(write_archive(tmp_path / "root.tar", files))
    (tmp_path / "reused").write_text(write_reused(found))
    path = tmp_path / "root" / LOCAL / "bash-1/desc"
    path.parent.mkdir(parents=True)
    path.write_bytes(text.encode("latin-1"))
    assert read_reused(tmp_path / "reused").is_in(Tree(tmp_path / "root"))


def test_the_path_in_the_way_is_that_in_the_root() -> None:
    tail = "error: failed to commit (conflicting files)\nvi: /run/image/bin/vi exists in filesystem"
    explained = explain_refusal(CommandError(["pacman"], 1, tail), Path("a.tar"))
    assert explained
    assert explained.message == (
        "reuse-root-tar=a.tar holds /bin/vi, which no package in it owns, but vi brings it"
    )


def test_other_failures_of_pacman_are_left_as_they_are() -> None:
    error = CommandError(["pacman"], 1, "error: failed to commit transaction (no space left)")
    assert explain_refusal(error, Path("root.tar")) is None


@pytest.mark.parametrize("kind", ["access", "default"])
def test_a_list_for_an_id_that_this_machine_lacks_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    ids = (Extent(0, 1000, 1), Extent(1, 100000, 65536))
    monkeypatch.setattr(reused_root, "held_ids", lambda: HeldIds(ids, ids))
    member = special("./srv/shared", tarfile.DIRTYPE)
    member.pax_headers = {f"SCHILY.acl.{kind}": "user::rwx\ngroup:70000:rwx\nmask::rwx\n"}
    path = write_archive(tmp_path / "root.tar", PACKAGES, [member])
    with pytest.raises(HostError) as caught:
        look(path)
    assert caught.value.message.startswith(
        "srv/shared of reuse-root-tar=root.tar has an access list for the group 70000, and your"
    )


@pytest.mark.parametrize("kind", [tarfile.REGTYPE, tarfile.DIRTYPE, tarfile.SYMTYPE])
@pytest.mark.parametrize(("user", "group", "largest"), [(70000, 0, 70000), (5, 100201, 100201)])
def test_an_owner_that_this_machine_lacks_is_refused(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    kind: bytes,
    user: int,
    group: int,
    largest: int,
) -> None:
    ids = (Extent(0, 1000, 1), Extent(1, 100000, 65536))
    monkeypatch.setattr(reused_root, "held_ids", lambda: HeldIds(ids, ids))
    member = special("./srv/big", kind, "x")
    member.uid, member.gid = user, group
    path = write_archive(tmp_path / "root.tar", PACKAGES, [member])
    with pytest.raises(HostError) as caught:
        look(path)
    assert caught.value.message == (
        f"srv/big of reuse-root-tar=root.tar belongs to {user}:{group}, and your subordinate ids"
        " do not go that far"
    )
    assert str(largest) in caught.value.hint
