"""Which hooks and scriptlets failed, told by what pacman says and by what lies in the root."""

from pathlib import Path

import pytest

from aimager.sandbox.tree import Tree
from aimager.system.hook_failures import Failure, failures
from aimager.system.transaction_parts import Ran

SYSTEM, USUAL = "usr/share/libalpm/hooks", "etc/pacman.d/hooks"
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


def own(root: Path) -> Tree:
    (root / "own").mkdir(exist_ok=True)
    return Tree(root / "own")


def found(root: Path, said: str) -> list[Failure]:
    return failures(said, Tree(root), own(root))


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


def add(root: Path, path: str, text: str) -> None:
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_text(text)


@pytest.mark.parametrize("names", [("50-a.hook", "95-mkinitcpio-b.hook"), ("95-b.hook", "50-a")])
def test_of_two_that_say_the_same_the_one_that_ran_is_named(
    root: Path, names: tuple[str, str]
) -> None:
    first, second = names[0], f"{names[1].removesuffix('.hook')}.hook"
    for name in (first, second):
        add(root, f"{SYSTEM}/{name}", "[Action]\nDescription = Same\nExec = /usr/bin/true\n")
    said = f":: Running post-transaction hooks...\n(1/2) Same\n{FAILED}(2/2) Same\n"
    failed = failures(said, Tree(root), own(root), Ran([first, second]))
    assert [failure.what for failure in failed] == [f"the hook {first} ('Same')"]
    assert failed[0].boots == ("mkinitcpio" in first)


def test_a_hook_cannot_pass_for_the_next(root: Path) -> None:
    for name, title in (("50-a.hook", "A"), ("95-mkinitcpio-b.hook", "B"), ("96-c.hook", "C")):
        add(root, f"{SYSTEM}/{name}", f"[Action]\nDescription = {title}\nExec = /usr/bin/true\n")
    ran = ["50-a.hook", "95-mkinitcpio-b.hook", "96-c.hook"]
    for said in (
        f"(1/2) A\n(2/2) other\n(7/9) B\n{FAILED}(2/2) B\n(1/1) C\n",
        f"(1/2) A\n{FAILED}(2/2) changed\n(1/1) C\n(1/1) C\n",
    ):
        failed = failures(said, Tree(root), own(root), Ran(ran))
        assert [failure.what for failure in failed] == ["the hook 50-a.hook ('A')"]


def test_a_hook_in_a_folder_that_the_configuration_names(root: Path) -> None:
    add(root, "etc/pacman.conf", "[options]\nHookDir = /opt/hooks\n")
    add(root, f"{SYSTEM}/70-a.hook", "[Action]\nDescription = Other\nExec = /usr/bin/dracut\n")
    add(root, "opt/hooks/70-a.hook", "[Action]\nDescription = Own\nExec = /usr/bin/true\n")
    add(root, "var/lib/pacman/local/mine-1-1/files", "%FILES%\nopt/\nopt/hooks/70-a.hook\n")
    (failure,) = failures(f"(1/1) Own\n{FAILED}", Tree(root), own(root), Ran(["70-a.hook"]))
    assert failure.what == "the hook 70-a.hook of the package mine ('Own')"
    assert not failure.boots


@pytest.mark.parametrize(("runs", "boots"), [("/usr/bin/true", False), ("/usr/bin/dracut", True)])
def test_a_hook_whose_dependencies_are_not_there(root: Path, runs: str, boots: bool) -> None:
    text = f"Depends = nano\nDepends = editor=1\nExec = {runs}\nDescription = D\n"
    add(root, f"{SYSTEM}/54-a.hook", f"[Action]\nDepends = not-installed>=2\n{text}")
    nano = "%NAME%\nnano\n\n%VERSION%\n8-1\n\n%PROVIDES%\neditor=2\n"
    add(root, "var/lib/pacman/local/nano-8-1/desc", nano)
    said = "(1/1) D\nerror: unable to run hook 54-a.hook: could not satisfy dependencies\n"
    (failure,) = failures(said, Tree(root), own(root), Ran(["54-a.hook"]))
    assert failure.boots == boots
    assert failure.tell() == (
        "the hook 54-a.hook ('D') was not run, for it depends on not-installed>=2, and that is not"
        " installed"
    )
    add(root, f"{SYSTEM}/54-a.hook", f"[Action]\n{text}")
    (failure,) = failures(said, Tree(root), own(root), Ran(["54-a.hook"]))
    assert "for it depends on editor=1, and what is installed is of another" in failure.tell()


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        ("hook {} line 9: invalid value /x 'y", "line 9: invalid value /x 'y"),
        ("hook {} line 2: invalid option Exe", "line 2: invalid option Exe"),
        ("hook {} line 1: invalid section Act", "line 1: invalid section Act"),
        ("hook {} line 3: unable to set option (Out of memory)", "line 3: unable to set option"),
        ("Missing trigger targets in hook: {}", "Missing trigger targets"),
        ("Missing trigger type in hook: {}", "Missing trigger type"),
        ("Missing trigger operation in hook: {}", "Missing trigger operation"),
        ("Missing Exec option in hook: {}", "Missing Exec option"),
        ("Missing When option in hook: {}", "Missing When option"),
        ("error while reading hook {}: Permission denied", "Permission denied"),
        ("could not stat file {}: No such file or directory", "No such file or directory"),
        ("could not open file: {}: File name too long", "File name too long"),
    ],
)
@pytest.mark.parametrize("name", ["91-booster.hook", "55-idle.hook"])
def test_a_hook_that_pacman_cannot_read(root: Path, message: str, reason: str, name: str) -> None:
    add(root, f"{USUAL}/{name}", "[Action]\nDescription = Reading\n")
    error = f"error: {message.format(f'/run/image/{USUAL}/{name}')}\n"
    (failure,) = failures(f"{error}:: Running\n{error}", Tree(root), own(root), Ran([]))
    assert failure.what == f"the hook {name} ('Reading')"
    (said,) = failure.said
    assert said.startswith(reason)
    assert (failure.boots, failure.aborts) == (name == "91-booster.hook", False)
    assert "/run/image" not in failure.tell()
    assert failure.tell().startswith(f"{failure.what} cannot be read by pacman:\n")
    ended = "error: failed to commit transaction (failed to run transaction hooks)\n"
    (failure,) = failures(f"{error}{ended}", Tree(root), own(root), Ran([]))
    assert failure.aborts


def test_a_folder_of_hooks_that_is_none(root: Path) -> None:
    add(root, USUAL, "a file")
    said = f"error: could not open directory: /run/image/{USUAL}/: Not a directory\n"
    (failure,) = failures(said, Tree(root), own(root), Ran([]))
    assert failure.tell() == (f"the folder of hooks /{USUAL} cannot be read:\n    Not a directory")


def test_a_hook_that_came_as_a_link_out_of_the_image(root: Path) -> None:
    add(root, "usr/share/mine/a.hook", "[Action]\nDescription = Led\nExec = /usr/bin/depmod\n")
    (root / USUAL).mkdir(parents=True)
    (root / USUAL / "57-a.hook").symlink_to("/usr/share/mine/a.hook")
    path = f"/run/image/{USUAL}/57-a.hook"
    said = f"error: could not stat file {path}: No such file or directory\n"
    (failure,) = failures(said, Tree(root), own(root), Ran([]))
    assert failure.tell() == (
        "the hook 57-a.hook ('Led') came as a link that led out of the image while pacman ran,"
        " and was not run"
    )
    assert failure.boots


@pytest.mark.parametrize(
    "line",
    [
        "chown: changing ownership of '/var/lib/x': Invalid argument",
        "fchownat() of /var/lib/x failed: Invalid argument",
    ],
)
@pytest.mark.parametrize("ends", ["", FAILED])
def test_a_refused_owner_is_told(root: Path, line: str, ends: str) -> None:
    said = f"installing nano...\nbefore\n{line}\n{ends}installing linux...\nno: Invalid argument\n"
    (failure,) = found(root, said)
    assert failure.refused
    assert failure.what == "the scriptlet of the package nano"
    assert line in failure.said
    (failure,) = found(root, f"(1/1) Updating linux initcpios...\n{line}\n{ends}")
    assert failure.boots == bool(ends)


@pytest.mark.parametrize("letter", ["x", "\N{EURO SIGN}"])
def test_of_a_line_that_pacman_breaks_the_beginning_is_told(root: Path, letter: str) -> None:
    part = letter * (2046 // len(letter.encode()))
    parts = f"{part}\n" * 146
    said = f"installing nano...\nfirst\n{parts}end of it\nlast\n{FAILED}"
    (failure,) = found(root, said)
    assert failure.said == ("first", part, "last")
