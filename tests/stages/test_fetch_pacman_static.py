"""pacman-static: none for good, none for now, and what is not trusted is not kept."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from aimager.model.architecture import Architecture
from aimager.model.build import MirrorChoice
from aimager.model.distro import Keyring, Mirrors, ThirdPartyRepository
from aimager.stages.fetch_pacman_static import FetchPacmanStatic
from tests.support.locked import make_database, make_file, make_workshop
from tests.support.openpgp_maker import signature_of
from tests.support.webserver import Site, serving, silence

PACKAGES = {
    "pacman-static": make_file("pacman-static", b"program"),
    "other-keyring": make_file("other-keyring", b"keys"),
}

pytestmark = pytest.mark.usefixtures("quick")


@pytest.fixture
def site() -> Iterator[Site]:
    with serving() as site:
        yield site


def stage(folder: Path, *urls: str) -> FetchPacmanStatic:
    """A stage whose target is an older one."""
    (folder / "target").write_text("of other keys")
    return FetchPacmanStatic(
        repository=ThirdPartyRepository(
            id="other",
            architectures=(Architecture.x86_64,),
            mirrors=Mirrors("other/$arch", "http://127.0.0.1:1"),
            keyring=Keyring("other", "other-keyring", ("A" * 40,)),
        ),
        architecture=Architecture.x86_64,
        target=folder / "target",
        mirrors=MirrorChoice(urls),
        downloads=folder / "sync",
        workshop=make_workshop(folder),
    )


def test_a_mirror_without_the_repository_has_none_for_good(site: Site, tmp_path: Path) -> None:
    made = stage(tmp_path, site.url, f"{site.url}/too")
    made.run()
    assert made.target.read_bytes() == b""
    asked = [path for path, _ in site.asked]
    assert asked == ["/other/x86_64/other.db", "/too/other/x86_64/other.db"]


def test_a_repository_without_it_has_none_for_good(
    site: Site, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    site.content["/other/x86_64/other.db"] = make_database(PACKAGES["other-keyring"])
    made = stage(tmp_path, site.url)
    made.run()
    assert made.target.read_bytes() == b""
    assert capsys.readouterr().out == "   no pacman-static: other has none\n"


def test_another_architecture_has_none_for_good(site: Site, tmp_path: Path) -> None:
    made = replace(stage(tmp_path, site.url), architecture=Architecture.aarch64)
    made.run()
    assert made.target.read_bytes() == b""
    assert site.asked == []


def test_what_cannot_be_asked_is_asked_again(
    site: Site, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with silence() as url:
        for urls in ([url], [site.url, url]):
            made = stage(tmp_path, *urls)
            made.run()
            assert not made.target.exists()
            told = capsys.readouterr().out.splitlines()
            assert told[-1].startswith("   no pacman-static: http://127.0.0.1:")


def test_offline_it_is_left_for_later(site: Site, tmp_path: Path) -> None:
    made = replace(stage(tmp_path), mirrors=MirrorChoice((site.url,), offline=True))
    made.run()
    assert not made.target.exists()
    assert site.asked == []


@pytest.mark.parametrize(
    ("lost", "reason"),
    [
        ("pacman-static", "no mirror has the package pacman-static 1.0-1 "),
        ("other-keyring", "no mirror has the package other-keyring 1.0-1 "),
        ("signatures", "the package other-keyring 1.0-1 has no signature: "),
        ("keyring entry", "the repository other has no package other-keyring"),
    ],
)
def test_what_is_not_whole_or_not_trusted_is_left_for_later(
    site: Site, tmp_path: Path, capsys: pytest.CaptureFixture[str], lost: str, reason: str
) -> None:
    listed = [p for name, p in PACKAGES.items() if not (lost == "keyring entry" and "key" in name)]
    site.content["/other/x86_64/other.db"] = make_database(*listed)
    for name, content in (("pacman-static", b"program"), ("other-keyring", b"keys")):
        path = f"/other/x86_64/{PACKAGES[name].file}"
        site.content |= {path: content} if name != lost else {}
        site.content |= {f"{path}.sig": signature_of(content)} if lost != "signatures" else {}
    made = stage(tmp_path, site.url)
    made.run()
    assert not made.target.exists()
    (told,) = capsys.readouterr().out.splitlines()
    assert told.startswith(f"   no pacman-static: {reason}")
