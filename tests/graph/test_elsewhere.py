"""Builds that a machine of their own architecture makes: what they borrow, and from what lock."""

from pathlib import Path

from aimager.config.build import read_build
from aimager.graph.plan import Plan
from aimager.graph.planning import make_plans
from aimager.model.architecture import Architecture, host_architecture
from aimager.model.build import Build
from aimager.model.lock import Lock
from aimager.packages.lock_file import LockedBuild, format_lock_file, join_locks

HERE = host_architecture()
BOARDS = {Architecture.x86_64: "x64-uefi", Architecture.aarch64: "aarch64-uefi"}
OTHER = next(it for it in BOARDS if it is not HERE)


def read(folder: Path, architecture: Architecture, **words: str) -> Build:
    build = read_build({"board": BOARDS[architecture], **words}, folder)
    assert build
    return build


def plan(folder: Path, **words: str) -> Plan:
    """The plan of a board of the other architecture, where that has machines of its own."""
    (made,) = make_plans([read(folder, OTHER, **words)], anew=False, elsewhere=[OTHER])
    return made


def subjects(plan: Plan) -> list[str]:
    return [lender.subject for lender in plan.lenders]


def test_it_borrows_from_its_own_platform(tmp_path: Path) -> None:
    here, made = (
        make_plans([read(tmp_path, OTHER)], anew=False, elsewhere=there)[0]
        for there in ((), (OTHER,))
    )
    assert here.is_made_here
    assert here.emulates is OTHER
    assert not made.is_made_here
    assert made.emulates is None
    own = f"{made.build.platform.id}.borrowed"
    assert subjects(made) == [f"{made.host.id}.borrowed", own]
    assert made.installer == made.borrowed == made.lenders[1].archive
    assert made.resolver == made.lenders[0].archive
    wanted = {request.subject: request for request in made.requests}
    assert wanted[own].platform == made.build.platform
    assert not {name for name in wanted[own].welcome if "qemu" in name}
    assert made.borrowed_for(made.build.platform) == made.resolver


def test_what_makes_images_is_borrowed_there_too(tmp_path: Path) -> None:
    made = plan(tmp_path, **{"root-fs": "btrfs"})
    own = f"{made.build.platform.id}.borrowed"
    assert subjects(made) == [f"{made.host.id}.borrowed", own, f"{own}+btrfs-progs"]


def test_builds_of_this_machine_s_architecture_are_made_as_ever(tmp_path: Path) -> None:
    builds = [read(tmp_path, architecture) for architecture in (HERE, OTHER)]
    here, there = make_plans(builds, anew=False, elsewhere=[OTHER])
    assert here.is_made_here
    assert not there.is_made_here
    assert there.resolver == here.installer
    (alone,) = make_plans(builds[:1], anew=False)
    assert subjects(here) == subjects(alone)


def test_a_lock_file_decides_where_it_is_made(tmp_path: Path) -> None:
    unlocked = plan(tmp_path)
    platform = unlocked.build.platform
    locked = LockedBuild(platform.distro.id, OTHER, BOARDS[OTHER], (), platform.id, "")
    parts = {name: Lock(name.partition(".")[0], (), ()) for name in subjects(unlocked)}
    lacking = {unlocked.build.id: Lock(platform.id, (), ())}
    for held, is_made_here in (({**lacking, **parts}, False), (lacking, True)):
        (tmp_path / "lock").write_text(format_lock_file(join_locks(held, locked)))
        assert plan(tmp_path, lock="lock").is_made_here is is_made_here
