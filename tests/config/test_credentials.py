"""Passwords and tokens in addresses are used for their mirror, and reach nothing that is kept."""

import json
from pathlib import Path

import pytest

from aimager.codec import encode
from aimager.config.build import read_build
from aimager.errors import ConfigError
from aimager.packages.mirrors import repository_urls
from aimager.packages.repository_sections import with_added
from aimager.products.stage import settings
from tests.support.reasons import tasks_of

KEY = "A" * 40
ADDRESSES = (
    "http://user:t0ken@mirror.example/$arch",
    "https://t0ken:@mirror.example/$arch",
    "https://t0ken:x-oauth-basic@mirror.example/$arch",
    "https://user:t0ken%40%2f@mirror.example/$arch",
)


def words(address: str) -> dict[str, str]:
    return {"distro": "archlinux", "add-repos": f"mine={address}", "trust-key-mine": KEY}


@pytest.mark.parametrize("address", ADDRESSES)
def test_the_mirror_is_asked_with_them_and_the_image_does_not_get_them(
    tmp_path: Path, address: str
) -> None:
    build = read_build(words(address), tmp_path)
    assert build
    plain = f"{address.partition('://')[0]}://mirror.example/$arch"
    assert repository_urls(build.sources, "mine", build.mirrors) == (
        address.replace("$arch", "x86_64"),
    )
    (mine,) = build.repositories
    assert mine.mirrors.url == plain
    assert mine.word == f"mine={plain}"
    assert f"Server = {plain}\n" in with_added(
        "[options]\n", {}, {r.id: r.mirrors.url for r in build.repositories}
    )


def test_other_addresses_of_it_have_their_own(tmp_path: Path) -> None:
    other = "http://you:hidden@other.example/$repo"
    build = read_build({**words(ADDRESSES[0]), "repo-url-mine": other}, tmp_path)
    assert build
    assert repository_urls(build.sources, "mine", build.mirrors) == (
        "http://you:hidden@other.example/mine",
    )


@pytest.mark.parametrize("address", ADDRESSES)
@pytest.mark.parametrize("name", ["add-repos", "repo-url-mine", "repo-url-parent", "repo-url-core"])
def test_no_record_has_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, address: str, name: str
) -> None:
    given = words("https://mirror.example/$arch")
    given |= {name: f"mine={address}" if name == "add-repos" else address}
    line = " ".join(f"{key}={value}" for key, value in given.items())
    tasks = tasks_of(line, tmp_path, monkeypatch)
    assert tasks
    kept = json.dumps([encode(settings(task.stage)) for task in tasks])
    assert "mirror.example" in kept
    assert "t0ken" not in kept
    assert "t0ken" not in repr([task.kept for task in tasks])


@pytest.mark.parametrize("address", ADDRESSES)
def test_no_error_tells_them(tmp_path: Path, address: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read_build({**words(address), "add-repos": f"m/e={address}"}, tmp_path)
    assert "mirror.example" in str(caught.value)
    assert "t0ken" not in str(caught.value)
