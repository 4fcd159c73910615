"""How to log in to an image is told by the manifest beside it."""

import json
from pathlib import Path
from typing import Any

import pytest

from aimager.commands.logins import NOBODY, Logins, read_logins, ways_in

OPTION = "-o NoHostAuthenticationForLocalhost=yes"


def write_manifest(folder: Path, **told: Any) -> Path:
    manifest = {"results": [{"name": "disk.img"}], "logins": [], **told}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder / "disk.img"


def test_the_manifest_tells_who_can_log_in(tmp_path: Path) -> None:
    image = write_manifest(tmp_path, logins=["alice", "root"], serves_ssh=True)
    assert read_logins(image) == Logins(("alice", "root"), serves_ssh=True)
    image = write_manifest(tmp_path, logins=["alice"])  # of an older build
    assert read_logins(image) == Logins(("alice",), serves_ssh=False)


def test_of_another_image_nothing_is_known(tmp_path: Path) -> None:
    assert read_logins(tmp_path / "disk.img") is None
    write_manifest(tmp_path, logins=["alice"])
    assert read_logins(tmp_path / "other.img") is None


@pytest.mark.parametrize(
    ("logins", "port", "told"),
    [
        (Logins(("alice", "root"), serves_ssh=True), None, ["log in as alice or root"]),
        (
            Logins(("alice", "root"), serves_ssh=True),
            2222,
            [
                "log in as alice or root",
                f"from another terminal: ssh -p 2222 {OPTION} alice@127.0.0.1",
            ],
        ),
        (
            Logins(("root",), serves_ssh=True),
            22,
            ["log in as root", f"from another terminal: ssh -p 22 {OPTION} root@127.0.0.1"],
        ),
        (
            Logins(("root",), serves_ssh=False),
            22,
            ["log in as root", "it serves no ssh: ssh-server=yes adds that"],
        ),
        (Logins((), serves_ssh=True), 22, [NOBODY]),
        (None, None, ["who can log in is not known of this image"]),
    ],
)
def test_ways_in_are_told(logins: Logins | None, port: int | None, told: list[str]) -> None:
    assert ways_in(logins, port) == told


def test_who_knows_a_user_of_an_unknown_image_is_told_how() -> None:
    assert ways_in(None, 2222)[1].endswith("USER@127.0.0.1")
