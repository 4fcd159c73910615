"""What is added to an image is its user's whose home it lies in, or who was named."""

from pathlib import Path

import pytest

from aimager.errors import HostError
from aimager.model.settings import AddedFile
from aimager.sandbox.id_map import Extent
from aimager.sandbox.namespace import call
from aimager.sandbox.owners import HeldIds
from aimager.sandbox.tree import Tree
from aimager.system import ownership
from tests.support.owned import Adding, add


def added(folder: Path, *files: AddedFile, **links: str) -> list[str]:
    return call(add, Adding(folder / "work", files, links), work=folder / "work")


def of(path: str, mode: int = 0o644, owner: str = "") -> AddedFile:
    return AddedFile(path, "text", mode, owner)


@pytest.mark.parametrize(
    ("path", "lines"),
    [
        (
            "/home/alice/.ssh/authorized_keys",
            ["700 1000:985 home/alice/.ssh", "644 1000:985 home/alice/.ssh/authorized_keys"],
        ),
        ("/home//alice/./.profile", ["644 1000:985 home/alice/.profile"]),
        ("/home/alice/bob/notes", ["644 1001:1001 home/alice/bob/notes"]),
        (
            "/home/carol/a/b",  # useradd without -m made no home
            [
                "700 1002:1002 home/carol",
                "700 1002:1002 home/carol/a",
                "644 1002:1002 home/carol/a/b",
            ],
        ),
        ("/home/jane.doe/x", ["644 1003:1003 home/jane.doe/x"]),
        ("/home/other/x", ["755 0:0 home/other", "644 0:0 home/other/x"]),
        ("/home/alicex", ["644 0:0 home/alicex"]),
        ("/root/.ssh/x", ["700 0:0 root/.ssh", "644 0:0 root/.ssh/x"]),
        ("/var/lib/postgres/x", ["644 88:88 var/lib/postgres/x"]),
        ("/srv/http/x", ["644 0:0 srv/http/x"]),  # the home of http is root's
        ("/opt/a/x", ["755 0:0 opt", "755 0:0 opt/a", "644 0:0 opt/a/x"]),
        ("/etc/motd", ["644 0:0 etc/motd"]),  # whoever had the old one
    ],
)
def test_who_has_the_home_has_the_file(tmp_path: Path, path: str, lines: list[str]) -> None:
    assert added(tmp_path, of(path)) == lines


@pytest.mark.parametrize(
    ("owner", "numbers"),
    [
        ("alice", "1000:985"),
        ("alice:http", "1000:33"),
        ("0:33", "0:33"),
        ("1001", "1001:1001"),
        ("4242", "4242:0"),
        ("http:4243", "33:4243"),
        ("jane.doe", "1003:1003"),
    ],
)
def test_an_owner_is_named(tmp_path: Path, owner: str, numbers: str) -> None:
    """Set-uid stays: giving a file away would take it from one that has it."""
    assert added(tmp_path, of("/srv/x", 0o4750, owner)) == [f"4750 {numbers} srv/x"]


def test_in_a_home_too_where_the_folders_are_its_users(tmp_path: Path) -> None:
    assert added(tmp_path, of("/home/alice/.ssh/keys", 0o600, "root")) == [
        "700 1000:985 home/alice/.ssh",
        "600 0:0 home/alice/.ssh/keys",
    ]


@pytest.mark.parametrize(
    ("owner", "kind", "name"),
    [
        ("dave", "user", "dave"),
        ("alice:none", "group", "none"),
        ("4y", "user", "4y"),
        ("alice:4294967295", "group", "4294967295"),  # chown(2) takes it for none
        ("9" * 1000, "user", "9" * 1000),
    ],
)
def test_an_owner_that_there_is_not(tmp_path: Path, owner: str, kind: str, name: str) -> None:
    assert added(tmp_path, of("/srv/x", owner=owner)) == [
        f"files= gives /srv/x to the {kind} {name}, which the image does not have"
    ]


@pytest.mark.parametrize("owner", ["100201", "alice:70000"])
def test_an_owner_that_this_machine_lacks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, owner: str
) -> None:
    ids = (Extent(0, 1000, 1), Extent(1, 100000, 65536))
    monkeypatch.setattr(ownership, "held_ids", lambda: HeldIds(ids, ids))
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/passwd").write_text("alice:x:1000:985::/home/alice:/bin/sh\n")
    with pytest.raises(HostError, match=r"^/srv/x of files= belongs to \d+:\d+, and your sub"):
        ownership.Ownership(Tree(tmp_path)).make_empty(of("/srv/x", owner=owner))


def test_where_links_lead_decides(tmp_path: Path) -> None:
    """The home is found by another name, and what only looks as if it lay there is root's."""
    links = {"users": "home", "home/alice/shared": "/srv"}
    files = (of("/users/alice/x"), of("/home/alice/shared/y"))
    assert added(tmp_path, *files, **links) == ["644 1000:985 home/alice/x", "644 0:0 srv/y"]
