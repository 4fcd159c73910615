"""What is told of a shared store's address holds no secret."""

from pathlib import Path

import pytest

from aimager.model.remote import Remote


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("s3://bucket/a", "s3://bucket/a"),
        ("ssh://alice@host/a", "ssh://host/a"),
        ("https://alice:hunter2@host:8443/a", "https://host:8443/a"),
        ("file:///srv/store", "file:///srv/store"),
    ],
)
def test_the_place_is_without_user_and_password(url: str, place: str) -> None:
    assert Remote(url, Path("notes")).place == place


def test_a_password_is_in_no_sentence() -> None:
    remote = Remote("https://alice:hunter2@host/a", Path("notes"))
    said = remote.without_secrets("https://alice:hunter2@host/a/b: hunter2 is refused")
    assert said == "https://host/a/b: *** is refused"


@pytest.mark.parametrize(
    ("url", "is_writable", "is_exposed"),
    [
        ("s3://bucket", True, False),
        ("https://host/a", False, False),
        ("http://host/a", False, True),
        ("http://127.0.0.1:80/a", False, False),
        ("http://[::1]/a", False, False),
        ("http://localhost/a", False, False),
        ("http://192.168.0.1/a", False, True),
    ],
)
def test_what_can_be_done_with_a_store_and_to_it(
    url: str, is_writable: bool, is_exposed: bool
) -> None:
    remote = Remote(url, Path("notes"))
    assert (remote.is_writable, remote.is_exposed) == (is_writable, is_exposed)
