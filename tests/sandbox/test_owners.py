"""Owners that a build's ids are too few for are refused or told, wherever they come from."""

import base64
import io
import json
import os
import shutil
import tarfile
from pathlib import Path

import pytest

from aimager.errors import CommandError, HostError
from aimager.sandbox.id_map import Extent
from aimager.sandbox.owners import (
    HeldIds,
    heed_lost_lists,
    held_ids,
    refuse_accounts,
    refuse_list,
    refuse_lost_owner,
    refuse_owner,
    refused_owners,
    told_owners,
)
from aimager.sandbox.tree import Tree
from tests.support.jailed import Jailed
from tests.support.ordinary_user import call_as_user

_OWN, _MORE = Extent(0, 1000, 1), Extent(1, 100000, 65536)
USERS = HeldIds((_OWN, _MORE), (_OWN, _MORE))
CONTAINERS = HeldIds((Extent(0, 0, 65536),), (Extent(0, 0, 65536),))

TRIES = {
    "chown": "chown 100201 f",
    "chown-group": "chown :100201 f",
    "chown-recursive": "mkdir d; chown -R 100201:100201 d",
    "chgrp": "chgrp 100201 f",
    "install": "install -o 100201 f g",
    "install-folder": "install -d -g 100201 d",
    "tar": "tar cf a --owner=100201 --group=7 f; tar xf a --same-owner",
    "busybox": "busybox chown 100201 f",
    "busybox-group": "busybox chgrp 100201 f",
    "systemd-tmpfiles": "echo 'd /tmp/m 0750 100201 7' > c; systemd-tmpfiles --create /tmp/c",
    "setpriv": "setpriv --reuid 100201 --clear-groups true",
}
"""Commands that ask for an id that there is not."""


LISTS = {
    "user::rw-\nuser:100201:rw-\ngroup::r--\nmask::rw-\nother::r--\n": False,
    "user::rw-,group:nobody-knows:rw-,group::r--,mask::rw-,other::r--": True,
}
"""Access lists, and whether a build goes on without them."""


def packed(entries: str, kind: str = "access") -> bytes:
    """A tar archive of a folder with an access list."""
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w", format=tarfile.PAX_FORMAT) as archive:
        member = tarfile.TarInfo("a b")
        member.type, member.mode = tarfile.DIRTYPE, 0o755
        member.pax_headers = {f"SCHILY.acl.{kind}": entries}
        archive.addfile(member)
    return content.getvalue()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may become an ordinary user")
@pytest.mark.parametrize("kind", ["access", "default"])
@pytest.mark.parametrize("entries", LISTS)
def test_a_list_that_tar_loses_is_refused_or_told(
    capsys: pytest.CaptureFixture[str], entries: str, kind: str
) -> None:
    text = base64.b64encode(packed(entries, kind)).decode()
    script = f"cd /tmp && echo {text} | base64 -d | tar x --acls 2>&1; echo ended with $?"
    said = json.loads(call_as_user(Jailed(Path("work"), argv=("sh", "-c", script))))["said"]
    assert "ended with 0" in said
    if LISTS[entries]:
        heed_lost_lists(said, " of it")
        told = "the access list of a b of it is lost: names in it are not known"
        assert told in capsys.readouterr().out
        return
    with pytest.raises(HostError, match=r"^a b of it has an access list for ids that this build"):
        heed_lost_lists(said, " of it")


def test_how_else_a_list_is_lost(capsys: pytest.CaptureFixture[str]) -> None:
    heed_lost_lists("tar: f: time stamp is in the future\n")
    assert not capsys.readouterr().out
    words = "tar: acl_set_file_at: Cannot set POSIX ACLs for file "
    unsupported = "".join(f"{words}'./{name}': Operation not supported\n" for name in "fgh")
    heed_lost_lists(f"before\n{unsupported}after\n", " of it")
    assert capsys.readouterr().out == (
        "   the access list of f, and 2 other files, of it is lost: Operation not supported\n"
    )
    with pytest.raises(HostError) as caught:
        heed_lost_lists(f"{unsupported}{words}''i'': Invalid argument\n", " of it")
    assert caught.value.message.startswith("i of it has an access list for ids that this build")
    assert caught.value.hint


@pytest.mark.parametrize(
    ("entries", "told"),
    [
        ("user::rw-\nuser:100201:rw-\n", "the user 100201"),
        ("user::rw-,default:group:100201:rw-", "the group 100201"),
        ("user::rw-,user:alice:rw-:100201", "the user 100201"),
        ("user::rw-,user:65536:rw-,group:alice:rw-", ""),
        ("", ""),
    ],
)
def test_a_list_is_for_ids_that_are_held(entries: str, told: str) -> None:
    if not told:
        refuse_list("f", entries, USERS)
        return
    with pytest.raises(HostError) as caught:
        refuse_list("f", entries, USERS, " of it")
    assert caught.value.message.startswith(f"f of it has an access list for {told}, and your sub")
    assert "100201 ids or more" in caught.value.hint


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may become an ordinary user")
def test_what_programs_say_is_recognized() -> None:
    script = "cd /tmp && touch f\n" + "".join(
        f"({command}) 2>&1 | sed 's/^/{name}: /'\n" for name, command in TRIES.items()
    )
    said = json.loads(call_as_user(Jailed(Path("work"), argv=("sh", "-c", script))))["said"]
    found = {line.partition(":")[0] for line in refused_owners(said.splitlines())}
    programs = {name: command.split()[0] for name, command in TRIES.items()}
    programs |= {"chown-recursive": "chown", "systemd-tmpfiles": "systemd-tmpfiles"}
    there = {name for name, program in programs.items() if shutil.which(program)}
    assert found == there, said
    if "tar" in found:
        with pytest.raises(HostError, match="f belongs to 100201:7, and your"):
            refuse_lost_owner(said)


@pytest.mark.parametrize(
    "line",
    [
        "fchownat() of /var/lib/x failed: Invalid argument",
        "Failed to chown() /var/x: Invalid argument",
        'rsync: [generator] chown "/x" failed: Invalid argument (22)',
        "cp: failed to preserve ownership for 'x': Invalid argument",
        "su: cannot set user id: Invalid argument",
        "/usr/bin/chgrp: changing group of 'x': Invalid argument",
        "busybox: chown: x: Invalid argument",
        "setfacl: x: Invalid argument",
        "sudo: unable to change to runas uid (100201, 0): Invalid argument",
        "start-stop-daemon: unable to set gid to 70000 (Invalid argument)",
        "Failed to set user/group id: Invalid argument",
        "runuser: cannot set group id: Invalid argument",
        "tar: ./x: Cannot change ownership to uid 70000, gid 70000: Invalid argument",
    ],
)
def test_other_programs_words(line: str) -> None:
    assert refused_owners([line]) == (line,)


@pytest.mark.parametrize(
    "line",
    [
        "chown: invalid user: 'x'",
        "chown: changing ownership of 'x': Operation not permitted",
        "mount: /x: Invalid argument",
        "modprobe: cgroup: Invalid argument",
        "chown: Invalid argument list",
        "mkdir: cannot create directory 'owner': Invalid argument",
        "mv: cannot move 'chown' to \"a group's\": Invalid argument",
        "ls: group: Invalid argument",
        "groupadd: cannot write group file: Invalid argument",
    ],
)
def test_other_complaints_are_not_taken_for_it(line: str) -> None:
    assert refused_owners([line]) == ()


@pytest.mark.parametrize(
    ("user", "group", "largest"),
    [(0, 0, 0), (65536, 65536, 0), (65537, 0, 65537), (0, 70000, 70000), (80000, 70000, 80000)],
)
def test_an_owner_is_held_or_refused(user: int, group: int, largest: int) -> None:
    if not largest:
        refuse_owner("srv/x", user, group, USERS)
        return
    with pytest.raises(HostError) as caught:
        refuse_owner("srv/x", user, group, USERS, " of site.tar")
    assert caught.value.message == (
        f"srv/x of site.tar belongs to {user}:{group}, and your subordinate ids do not go that far"
    )
    assert f"a range of {largest} ids or more in /etc/subuid" in caught.value.hint


def test_a_containers_root_is_told_otherwise() -> None:
    with pytest.raises(HostError, match="and root has no such id here") as caught:
        refuse_owner("srv/x", 70000, 0, CONTAINERS)
    assert caught.value.hint.startswith("start the container with a map of the ids up to 70000")
    assert held_ids().lacking(0, 0) is None


def make_accounts(root: Path, passwd: str = "", group: str = "") -> Tree:
    (root / "etc").mkdir()
    (root / "etc/passwd").write_text(f"root:x:0:0::/root:/bin/sh\n{passwd}")
    (root / "etc/group").write_text(f"root:x:0:\n{group}")
    return Tree(root)


@pytest.mark.parametrize(
    ("passwd", "group", "message"),
    [
        ("big:x:100201:100::/home/big:/bin/sh\n", "", "useradd= gives the user big the id 100201"),
        ("big:x:1000:100202::/:\n", "", "useradd= gives the user big the id 100202"),
        ("svc:x:100201:7::/:/bin/sh\n", "", "the user svc of the image is given the id 100201"),
        ("", "many:x:100201:\n", "the group many of the image is given the id 100201"),
        ("", "lib:x:70000:a,b\n", "the group lib of the image is given the id 70000 by /{}"),
        ("libu:!:70000:0::/:\n", "", "the user libu of the image is given the id 70000 by /{}"),
    ],
)
def test_accounts_without_an_id_are_refused(
    tmp_path: Path, passwd: str, group: str, message: str
) -> None:
    tree = make_accounts(tmp_path, passwd, group)
    sysusers = "usr/lib/sysusers.d/lib.conf"
    tree.write(sysusers, "# u svc 1\ng lib 70000\nu!   libu 70000\n")
    with pytest.raises(HostError) as caught:
        refuse_accounts(tree, USERS, ["big"])
    assert caught.value.message == (
        f"{message.format(sysusers)}, and your subordinate ids do not go that far"
    )


def test_other_accounts_are_none_of_its_business(tmp_path: Path) -> None:
    refuse_accounts(Tree(tmp_path), USERS)
    passwd = "nobody:x:65534:65534::/:/bin/false\n\n+::::::\n# 70000\nx:x:-1:70000\nlast:x\n"
    tree = make_accounts(tmp_path, passwd, "wheel:x:998:a\nodd\n")
    refuse_accounts(tree, USERS)
    (tmp_path / "etc/group").unlink()
    refuse_accounts(tree, USERS)


def test_only_a_lost_owner_is_told_in_a_failures_place() -> None:
    tail = "tar: ./a b: Cannot change ownership to uid 9, gid 100201: Invalid argument\ntar:"
    with pytest.raises(HostError) as caught, told_owners(" of the overlay site.tar"):
        raise CommandError(["tar"], 2, tail)
    assert caught.value.message.startswith("a b of the overlay site.tar belongs to 9:100201, and")
    with pytest.raises(CommandError), told_owners(""):
        raise CommandError(["tar"], 2, "tar: ./x: Cannot open: Invalid argument")
