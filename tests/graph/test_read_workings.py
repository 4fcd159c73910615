"""How a build is to work, and not what it is to make, is read or refused by name."""

from dataclasses import replace
from pathlib import Path

import pytest

from aimager.config.build import read_build
from aimager.errors import ConfigError
from aimager.graph import planning
from aimager.graph.plan import Plan
from aimager.graph.planning import make_plan
from aimager.memory import ALL_THERE_IS
from aimager.model.build import Tools
from tests.config.test_build import HERE, refusal


def test_a_keyring_helper_takes_the_place_of_what_is_borrowed(tmp_path: Path) -> None:
    helper = tmp_path / "keyring-helper.tar"
    helper.touch()
    words = {"distro": "arch", "keyring-helper": helper.name}
    build = read_build(words, tmp_path)
    assert build
    made = Plan(build, build.platform, build.platform, needs_pacman_static=False)
    assert made.borrowed == helper
    assert not made.lends
    assert [request.subject for request in made.requests if "borrowed" in request.subject] == []
    with pytest.raises(ConfigError, match="has no effect with tools=host"):
        read_build({**words, "tools": "host"}, tmp_path)
    assert refusal(distro="arch", tools="host", create="keyring-helper.tar")[0] == (
        "create=keyring-helper.tar cannot be made for the board none"
    )


def test_a_root_archive_takes_the_place_of_the_base_system(tmp_path: Path) -> None:
    archive = tmp_path / "root.tar.xz"
    archive.touch()
    usual = read_build({"distro": "arch"}, tmp_path)
    build = read_build({"distro": "arch", "reuse-root-tar": archive.name}, tmp_path)
    assert usual
    assert build
    assert usual.reused_root is None
    assert build.reused_root == archive
    plans = [Plan(b, b.platform, b.platform, needs_pacman_static=False) for b in (usual, build)]
    usually, now = ([request.subject for request in plan.requests] for plan in plans)
    assert [subject for subject in usually if subject not in now] == [f"{build.platform.id}.rootfs"]
    assert plans[1].borrowed == plans[0].borrowed
    words = {"distro": "arch", "reuse-root-tar": "root.tar.xz,other.tar"}
    (tmp_path / "other.tar").touch()
    with pytest.raises(ConfigError, match="reuse-root-tar= names 2 archives, and takes one"):
        read_build(words, tmp_path)


@pytest.mark.parametrize(("text", "memory"), [("yes", ALL_THERE_IS), ("no", 0), ("1G", 1 << 30)])
def test_trees_in_memory(text: str, memory: int) -> None:
    build = read_build({"distro": "arch", "tmpfs-root": text}, HERE)
    assert build
    assert build.memory == memory
    assert refusal(distro="arch", tmpfs_root="some")[0] == "tmpfs-root=some is not a size"


def test_names_of_repositories() -> None:
    assert (
        refusal(distro="arch", repo_core="a/b")[0]
        == "repo-core=a/b is not a valid name of a repository"
    )
    assert refusal(distro="arch", repos_base="core,options")[0] == (
        "repos-base=options is not a valid name of a repository"
    )


def test_a_report_is_no_part_of_what_is_built(tmp_path: Path) -> None:
    words = {"board": "x64-uefi"}
    plain = read_build(words, tmp_path)
    told = read_build({**words, "report": "build.html"}, tmp_path)
    assert plain and told
    assert (plain.report, told.report) == (None, tmp_path / "build.html")
    assert (plain.id, plain.settings_fingerprint) == (told.id, told.settings_fingerprint)
    for name in (".", "no/such/folder.html"):
        with pytest.raises(ConfigError, match=r"report=\S+ cannot be written"):
            read_build({**words, "report": name}, tmp_path)


@pytest.mark.parametrize(("text", "wanted"), [("yes", True), ("no", False)])
def test_pacman_static_may_be_wanted_or_not(
    text: str, wanted: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    build = read_build({"distro": "arch", "use-pacman-static": text}, HERE)
    assert build
    for at_hand in (True, False):
        monkeypatch.setattr(planning, "host_has_pacman", lambda there=at_hand: there)
        assert make_plan(build, None).needs_pacman_static is wanted
        usual = replace(build, pacman_static=None)
        assert not make_plan(usual, None).needs_pacman_static, "a borrowed pacman does the work"
        alone = replace(usual, tools=Tools.host)
        assert make_plan(alone, None).needs_pacman_static is not at_hand
    # From a lock file, the borrowed pacman does all that there is to do.
    assert not make_plan(build, Path("image.lock")).needs_pacman_static
    assert refusal(distro="arch", use_pacman_static="1")[0] == (
        "use-pacman-static=1 is neither yes nor no"
    )
