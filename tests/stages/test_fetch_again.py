"""A mirror that was made anew: what the store keeps and nobody trusts is fetched again, once, and
stays where nothing better comes."""

import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from aimager import process
from aimager.archive import pack_members
from aimager.errors import TrustError
from aimager.graph.doit_tasks import Graph
from aimager.model.architecture import Architecture
from aimager.model.build import MirrorChoice
from aimager.model.distro import Mirrors, ThirdPartyRepository
from aimager.packages.store import digest_of, name_in
from aimager.products.cache import Kept
from aimager.stages.fetch_again import fetching_again, run_fetching_again
from aimager.stages.fetch_pacman_static import FetchPacmanStatic
from tests.support.locked import make_database, make_file
from tests.support.packagers import Packagers
from tests.support.remade_mirror import Remade
from tests.support.webserver import Site

pytestmark = [
    pytest.mark.skipif(
        not shutil.which("gpg", path=process.ENVIRONMENT["PATH"]),
        reason="gpg is missing: NOTHING of what is fetched again is tested",
    ),
    pytest.mark.usefixtures("quick"),
]


@pytest.fixture
def remade(packagers: Packagers, site: Site, tmp_path: Path) -> Remade:
    name = "usr/share/pacman/keyrings/demo"
    trusted = "".join(f"{master}:4:\n" for master in packagers.masters).encode()
    members = {
        "demo-keyring": [(f"{name}.gpg", packagers.export()), (f"{name}-trusted", trusted)],
        "tool": [("usr/bin/tool", b"#!/bin/sh\n")],
        "pacman-static": [("usr/bin/pacman-static", b"x")],
        "other": [("usr/bin/other", b"#!/bin/sh\n")],
    }
    packages = {}
    for package, files in members.items():
        info = f"pkgname = {package}\npkgver = 1.0-1\nbuilddate = 1700000000\n".encode()
        content = pack_members([(".PKGINFO", info), *files])
        packages[package] = made = make_file(package, content, file=f"{package}-1.0-1-any.pkg.tar")
        site.content[f"/core/{made.file}"] = content
        path = made.path(tmp_path / "pkg")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        os.utime(path, (0, made.build_date))
    remade = Remade(tmp_path, site, packagers, packages)
    remade.sign(packagers.stranger, on_mirror=False)
    remade.sign(packagers.packager, on_mirror=True)
    return remade


def signatures(*names: str) -> list[str]:
    """What is asked of the mirror where no more than the signatures of these is fetched."""
    return sorted(f"/core/{name}-1.0-1-any.pkg.tar.sig" for name in names)


def asked(site: Site) -> list[str]:
    return sorted(path for path, _ in site.asked)


def test_by_gpg(remade: Remade, site: Site, capfd: pytest.CaptureFixture[str]) -> None:
    stage, fetches = remade.keyring_init()
    run_fetching_again(stage, fetches)
    assert all(target.stat().st_size for target in stage.targets)
    assert asked(site) == signatures("demo-keyring")
    said = capfd.readouterr().out.splitlines()
    (line,) = [line for line in said if "is not trusted" in line]
    assert line.startswith("   the package demo-keyring 1.0-1 is not trusted: ")
    assert line.endswith("; 1 file refused, which a mirror is asked for again")


def test_without_gpg_and_one_after_another(remade: Remade, site: Site) -> None:
    stage, fetches = remade.borrow_root()
    run_fetching_again(stage, fetches)
    assert stage.target.stat().st_size
    assert asked(site) == signatures("demo-keyring", "tool", "other")


def test_pacman_static(remade: Remade, site: Site) -> None:
    """It is fetched and verified by one stage."""
    packages = remade.packages
    content = {path.removeprefix("/core/"): data for path, data in site.content.items()}
    site.content |= {f"/demo/x86_64/{name}": data for name, data in content.items()}
    site.content["/demo/x86_64/demo.db"] = make_database(*packages.values())
    made = FetchPacmanStatic(
        repository=ThirdPartyRepository(
            "demo", (Architecture.x86_64,), Mirrors("demo/$arch", ""), remade.keyring
        ),
        architecture=Architecture.x86_64,
        target=remade.folder / "pacman-static.tar",
        mirrors=MirrorChoice((site.url,)),
        downloads=remade.folder / "sync",
        workshop=remade.workshop,
    )
    made.run()
    assert made.target.stat().st_size


def test_a_damaged_package(remade: Remade, site: Site, packagers: Packagers) -> None:
    """Its size and time are the recorded ones, so that only its signature tells."""
    remade.sign(packagers.packager, on_mirror=False)
    package = remade.packages["tool"]
    path = package.path(remade.workshop.store)
    path.write_bytes(b"!" + path.read_bytes()[1:])
    os.utime(path, (0, package.build_date))
    stage, fetches = remade.borrow_root()
    run_fetching_again(stage, fetches)
    assert asked(site) == sorted([f"/core/{package.file}", *signatures("tool")])


def test_a_mirror_that_has_the_same(remade: Remade, site: Site, packagers: Packagers) -> None:
    remade.sign(packagers.stranger, on_mirror=True)
    had = remade.signatures()
    stage, fetches = remade.borrow_root()
    for _ in range(2):
        site.asked.clear()
        with pytest.raises(TrustError, match=r"^the package demo-keyring 1\.0-1 is not ") as caught:
            run_fetching_again(stage, fetches)
        assert caught.value.hint.endswith("just been asked again, and this is what it has")
        assert asked(site) == signatures("demo-keyring")
        assert remade.signatures() == had


def test_a_mirror_that_has_another_bad_one(
    remade: Remade, site: Site, packagers: Packagers
) -> None:
    """Neither counts, so the old one stays."""
    remade.sign(packagers.expired, on_mirror=True)
    had = remade.signatures()
    stage, fetches = remade.keyring_init()
    with pytest.raises(TrustError, match="which has expired") as caught:
        run_fetching_again(stage, fetches)
    assert remade.signatures() == had
    assert caught.value.hint.endswith("just been asked again, and this is what it has")
    assert asked(site) == signatures("demo-keyring")


def test_a_mirror_that_cannot_be_asked(remade: Remade, site: Site) -> None:
    site.content.clear()
    had = remade.signatures()
    stage, fetches = remade.keyring_init()
    with pytest.raises(TrustError, match=r"^the package demo-keyring 1\.0-1 is not") as caught:
        run_fetching_again(stage, fetches)
    told = "the next build asks a mirror again, which failed now: the package "
    assert told in caught.value.hint
    assert remade.signatures() == had


def test_one_mirror_that_fails_after_another(remade: Remade, site: Site) -> None:
    """What the first gave has not been judged."""
    had = remade.signatures()
    _, fetches = remade.borrow_root()
    for name in ("tool", "other"):
        del site.content[f"/core/{remade.packages[name].file}.sig"]
    refused = {name_in(p.signature(remade.store), remade.store) for p in remade.packages.values()}

    def refuse() -> None:
        given = {name: digest_of(remade.store / name) for name in refused}
        raise TrustError("the package is not trusted", refused=given)

    with pytest.raises(TrustError):
        fetching_again(refuse, fetches)
    assert signatures("demo-keyring")[0] in asked(site)
    assert remade.signatures() == had


def test_what_came_good_before_stays_where_a_later_one_does_not_come(
    remade: Remade, site: Site
) -> None:
    _, fetches = remade.borrow_root()
    keyring, tool = (
        remade.packages[name].signature(remade.store) for name in ("demo-keyring", "tool")
    )
    had = tool.read_bytes()
    del site.content[f"/core/{remade.packages['tool'].file}.sig"]
    rounds = iter((keyring, tool))

    def refuse() -> None:
        path = next(rounds)
        given = {name_in(path, remade.store): digest_of(path)}
        raise TrustError("the package is not trusted", refused=given)

    with pytest.raises(TrustError):
        fetching_again(refuse, fetches)
    good = site.content[f"/core/{remade.packages['demo-keyring'].file}.sig"]
    assert keyring.read_bytes() == good
    assert tool.read_bytes() == had


def test_what_is_refused_offline_stays(remade: Remade, site: Site) -> None:
    """Nothing could bring it back, and the fault may be of the keys: named rightly, they do."""
    had = remade.signatures()
    stage, fetches = remade.borrow_root()
    fetches = [replace(f, mirrors=replace(f.mirrors, offline=True)) for f in fetches]
    with pytest.raises(TrustError, match=r"^the package demo-keyring 1\.0-1 is not") as caught:
        run_fetching_again(stage, fetches)
    told = "; a build without offline=yes asks a mirror for another signature"
    assert caught.value.hint.endswith(told)
    assert remade.signatures() == had
    keyring = replace(remade.keyring, user_keys=(remade.packagers.stranger,))
    run_fetching_again(replace(stage, keyrings=(keyring,)), fetches)
    assert asked(site) == []


def test_what_another_build_fetched_meanwhile_stays(remade: Remade, site: Site) -> None:
    """It is compared while nobody else may change it, and not asked for again."""
    _, fetch = remade.lock("tool", "other")
    refused = {}
    for name in ("tool", "other"):
        path = remade.packages[name].signature(remade.store)
        refused[name_in(path, remade.store)] = digest_of(path)
    good = remade.packagers.sign(remade.packagers.packager, b"")
    remade.packages["other"].signature(remade.store).write_bytes(good)
    replace(fetch, refused=refused).run()
    assert asked(site) == signatures("tool")
    assert remade.packages["other"].signature(remade.store).read_bytes() == good


def test_the_graph_knows_what_fetches(remade: Remade) -> None:
    """A build succeeds at once."""
    stage, fetches = remade.keyring_init()
    view = remade.folder / "cache/work/run/view/keyring-init/x"
    view.mkdir(parents=True)
    stage = replace(stage, targets=(view / "keyring.tar", view / "keys.tar"))
    kept = Kept(remade.folder / "cache/product/keyring-init/x", view)
    graph = Graph(remade.folder / "cache/work/run", (), kept=lambda *_: kept)
    for fetch in fetches:
        graph.stage("fetch-packages", fetch.lock.name, fetch)
    (task,) = graph.stage("keyring-init", "x", stage)
    ((action, arguments),) = task["actions"]
    assert action(*arguments) is None
    assert all(target.stat().st_size for target in stage.targets)
