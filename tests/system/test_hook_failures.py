"""Which hooks and scriptlets failed, told by what pacman says and by what lies in the root."""

from pathlib import Path

import pytest

from aimager.sandbox.tree import Tree
from aimager.system.hook_failures import Failure, failures

FAILED = "error: command failed to execute correctly\n"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A root with hooks, and a local database that tells whose they are."""
    hooks = tmp_path / "usr/share/libalpm/hooks"
    hooks.mkdir(parents=True)
    (hooks / "90-mkinitcpio-install.hook").write_text(
        "[Action]\nDescription = Updating linux initcpios...\nWhen = PostTransaction\n"
        "Exec = /usr/share/libalpm/scripts/mkinitcpio install\n"
    )
    (hooks / "20-systemd-sysusers.hook").write_text(
        "[Action]\nDescription = Creating system user accounts...\n"
        "Exec = /usr/share/libalpm/scripts/systemd-hook sysusers\n"
    )
    (hooks / "bare.hook").write_text("[Action]\nExec = /usr/bin/depmod\n")
    for name, owned in (
        ("mkinitcpio-41-1", "90-mkinitcpio-install.hook"),
        ("lib32-systemd-259-1", "20-systemd-sysusers.hook"),
    ):
        local = tmp_path / "var/lib/pacman/local" / name
        local.mkdir(parents=True)
        (local / "files").write_text(f"%FILES%\nusr/\nusr/share/libalpm/hooks/{owned}\n")
    for name, script in (("linux-old-6-1", "depmod 6.0"), ("linux-5-1", "true"), ("nano-8-1", "")):
        local = tmp_path / "var/lib/pacman/local" / name
        local.mkdir(parents=True)
        (local / "install").write_text(f"post_install() {{\n  {script}\n}}\n")
    return tmp_path


def found(root: Path, said: str) -> list[Failure]:
    (root / "own").mkdir(exist_ok=True)
    return failures(said, Tree(root), Tree(root / "own"))


def test_nothing_failed(root: Path) -> None:
    assert found(root, "installing nano...\n(1/1) Updating linux initcpios...\n==> fine\n") == []


def test_a_hook_is_named_with_its_package_and_what_it_said(root: Path) -> None:
    said = (
        "installing linux...\n:: Running post-transaction hooks...\n"
        "(1/2) Creating system user accounts...\nCreating group 'http'.\n"
        "( 2/2) Updating linux initcpios...\n==> Building image\n\n==> ERROR: no such module\n"
    )
    (failure,) = found(root, said + FAILED)
    assert failure == Failure(
        "the hook 90-mkinitcpio-install.hook of the package mkinitcpio"
        " ('Updating linux initcpios...')",
        None,
        ("==> Building image", "==> ERROR: no such module"),
        boots=True,
    )
    assert failure.tell() == (
        "the hook 90-mkinitcpio-install.hook of the package mkinitcpio"
        " ('Updating linux initcpios...') failed:\n"
        "    ==> Building image\n    ==> ERROR: no such module"
    )


def test_a_hook_that_an_image_boots_without(root: Path) -> None:
    (failure,) = found(root, f"(1/1) Creating system user accounts...\n{FAILED}")
    assert failure.what.startswith("the hook 20-systemd-sysusers.hook of the package lib32-systemd")
    assert not failure.boots
    assert failure.tell(", alas").endswith(" failed, alas: it said nothing")


def test_a_hook_without_a_description_goes_by_its_name(root: Path) -> None:
    (failure,) = found(root, f"(1/1) bare.hook\n{FAILED}")
    assert (failure.what, failure.boots) == ("the hook bare.hook ('bare.hook')", True)


def test_a_hook_of_ours(root: Path) -> None:
    (root / "own").mkdir()
    (root / "own/zz.hook").write_text("[Action]\nDescription = Ours\nExec = sh /run/dracut-x\n")
    (root / "own/null.hook").symlink_to("/dev/null")
    (failure,) = found(root, f"(1/1) Ours\n{FAILED}")
    assert (failure.what, failure.boots) == ("the hook zz.hook ('Ours')", True)


def test_a_hook_that_keeps_pacman_from_its_work(root: Path) -> None:
    (root / "own").mkdir()
    action = "[Action]\nWhen = PreTransaction\nExec = false\n"
    (root / "own/mine.hook").write_text(f"{action}AbortOnFail\n")
    (root / "own/other.hook").write_text(f"{action}# AbortOnFail\n")
    mine, other = found(root, f"(1/2) mine.hook\n{FAILED}(2/2) other.hook\n{FAILED}")
    assert (mine.aborts, other.aborts) == (True, False)


def test_a_hook_that_is_not_found(root: Path) -> None:
    (failure,) = found(root, f"(3/9) Making an initramfs\n{FAILED}")
    assert (failure.what, failure.boots) == ("the hook 'Making an initramfs'", True)


@pytest.mark.parametrize(
    ("package", "boots"), [("linux", False), ("linux-old", True), ("nano", False), ("gone", False)]
)
def test_a_scriptlet_is_named_by_its_package(root: Path, package: str, boots: bool) -> None:
    (failure,) = found(root, f"installing before...\ninstalling {package}...\noh no\n{FAILED}")
    assert failure == Failure(f"the scriptlet of the package {package}", None, ("oh no",), boots)


def test_a_signal_is_told(root: Path) -> None:
    said = "installing nano...\nerror: command terminated by signal 11: Segmentation fault\n"
    (failure,) = found(root, said)
    assert failure.signal == 11
    assert "of the package nano was killed by signal 11: it said nothing" in failure.tell()


def test_only_the_last_lines_are_told(root: Path) -> None:
    lines = "".join(f"{number}\n" for number in range(99))
    (failure,) = found(root, f"installing nano...\n{lines}{FAILED}")
    assert failure.said == tuple(str(number) for number in range(79, 99))


def test_two_that_failed_are_two(root: Path) -> None:
    said = f"installing nano...\na\n{FAILED}installing linux...\nb\n{FAILED}"
    assert [failure.said for failure in found(root, said)] == [("a",), ("b",)]
