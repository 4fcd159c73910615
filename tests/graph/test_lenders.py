"""What is borrowed: what installs packages is the same whatever the image's file systems."""

from pathlib import Path

from aimager.config.build import read_build
from aimager.graph import artifacts
from aimager.graph.plan import Plan
from aimager.graph.planning import make_plan
from aimager.model.architecture import host_architecture
from aimager.model.lock import Lock
from aimager.packages.lock_file import LockedBuild, format_lock_file, join_locks

HOST = host_architecture()
BOARD = {"x86_64": "x64-uefi", "aarch64": "aarch64-uefi"}.get(HOST, "x64-uefi")


def plan_of(folder: Path, **words: str) -> Plan:
    """The plan of a board with these words."""
    build = read_build({"board": BOARD, **words}, folder)
    assert build
    return make_plan(build, build.lock)


def subjects(plan: Plan) -> list[str]:
    """The names of what it borrows."""
    return [lender.subject for lender in plan.lenders]


def test_images_makers_are_borrowed_apart(tmp_path: Path) -> None:
    plain, other = (plan_of(tmp_path, **{"root-fs": name}) for name in ("ext4", "btrfs"))
    installing = plain.install_lender.subject
    assert subjects(plain) == [installing]
    assert subjects(other) == [installing, f"{installing}+btrfs-progs"]
    assert other.installer == plain.installer == plain.borrowed
    assert other.borrowed == artifacts.borrowed_archive(other.image_lender.subject)
    wanted = {request.subject: request.welcome for request in other.requests}
    assert "btrfs-progs" not in wanted[installing]
    assert "btrfs-progs" in wanted[other.image_lender.subject]


def test_an_older_lock_file_has_one_for_all(tmp_path: Path) -> None:
    plan = plan_of(tmp_path, **{"root-fs": "btrfs"})
    platform = plan.build.platform
    locked = LockedBuild(platform.distro.id, platform.architecture, BOARD, (), plan.host.id, "")
    parts = {plan.image_lender.subject: Lock(plan.host.id, (), ())}
    (tmp_path / "lock").write_text(format_lock_file(join_locks(parts, locked)))
    old = plan_of(tmp_path, lock="lock", **{"root-fs": "btrfs"})
    assert subjects(old) == [plan.image_lender.subject]
    assert old.installer == old.borrowed
    parts[plan.install_lender.subject] = Lock(plan.host.id, (), ())
    (tmp_path / "lock").write_text(format_lock_file(join_locks(parts, locked)))
    new = plan_of(tmp_path, lock="lock", **{"root-fs": "btrfs"})
    assert subjects(new) == subjects(plan)
