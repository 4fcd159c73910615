"""Keys lie where sshd looks for them, of the user and private, or it is told why not."""

from pathlib import Path

import pytest

from aimager.model.settings import AuthorizedKeys
from aimager.sandbox.namespace import call
from tests.support.owned import Authorizing, authorize


def authorized(
    folder: Path,
    *users: str,
    texts: dict[str, str] | None = None,
    modes: dict[str, int] | None = None,
) -> list[str]:
    keys = tuple(AuthorizedKeys(user, (f"key of {user}", "another")) for user in users)
    asked = Authorizing(folder / "work", keys, texts or {}, modes or {})
    return call(authorize, asked, work=folder / "work")


def test_the_file_and_its_folder_are_the_users_and_private(tmp_path: Path) -> None:
    assert authorized(tmp_path, "alice", "root", "jane.doe") == [
        "700 1000:985 home/alice/.ssh []",
        "600 1000:985 home/alice/.ssh/authorized_keys ['key of alice', 'another']",
        "700 1003:1003 home/jane.doe/.ssh []",
        "600 1003:1003 home/jane.doe/.ssh/authorized_keys ['key of jane.doe', 'another']",
        "700 0:0 root/.ssh []",
        "600 0:0 root/.ssh/authorized_keys ['key of root', 'another']",
    ]


def test_a_home_that_is_missing_is_made(tmp_path: Path) -> None:
    """As of useradd(8) without -m."""
    assert authorized(tmp_path, "carol")[1].startswith("600 1002:1002 home/carol/.ssh/")


def test_keys_that_are_there_stay(tmp_path: Path) -> None:
    """Those of a skeleton, say, which may be readable by all."""
    there = {"home/alice/.ssh/authorized_keys": "old\nanother"}
    assert authorized(tmp_path, "alice", texts=there, modes={"home/alice/.ssh": 0o755}) == [
        "700 1000:985 home/alice/.ssh []",
        "600 1000:985 home/alice/.ssh/authorized_keys ['old', 'another', 'key of alice']",
    ]


@pytest.mark.parametrize(
    ("user", "modes", "message"),
    [
        ("dave", {}, "ssh-keys= names the user dave, who is not in the image"),
        (
            "bin",
            {},
            "sshd would take no keys of the user bin, whose home / is that of the whole system",
        ),
        (
            "twin",
            {},
            "sshd would take no keys of the user twin, whose home /home/alice is another user's",
        ),
        (
            "alice",
            {"home/alice": 0o775},
            "sshd would take no keys of the user alice, whose home /home/alice can be written to by"
            " others",
        ),
    ],
)
def test_users_who_could_not_log_in(
    tmp_path: Path, user: str, modes: dict[str, int], message: str
) -> None:
    assert authorized(tmp_path, user, modes=modes) == [message]
