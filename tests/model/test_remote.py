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
