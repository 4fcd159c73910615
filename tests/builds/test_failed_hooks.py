"""Hooks and scriptlets that fail in a real installation, and the shell that shows its root."""

import html
import io
import os
import pty
import subprocess
import tarfile
import threading
from pathlib import Path

import pytest

from aimager.model.distro import Platform
from tests.support.cells import CELLS, HOST, Cell
from tests.support.runs import Doit
from tests.support.seed import Copies

INFO = """\
pkgname = {name}
pkgver = 1-1
arch = {architecture}
size = 4096
builddate = 1700000000
"""
HOOK = """\
[Trigger]
Type = Package
Operation = Install
Target = {name}

[Action]
Description = {title}
When = PostTransaction
Exec = /usr/bin/sh -c "echo 'no such module: {name}'; exit 3"
"""
SCRIPTLET = "post_install() {\n echo lost; return 4\n}\n"


def make_package(folder: Path, platform: Platform, name: str, **files: str) -> None:
    """A package of files, and of links, whose text starts with an arrow."""
    folder.mkdir(exist_ok=True)
    architecture = platform.architecture
    info = INFO.format(name=name, architecture=architecture)
    with tarfile.open(folder / f"{name}-1-1-{architecture}.pkg.tar", "w") as archive:
        for path, text in {".PKGINFO": info, **files}.items():
            member = tarfile.TarInfo(path)
            if text.startswith("-> "):
                member.type, member.linkname = tarfile.SYMTYPE, text.removeprefix("-> ")
                archive.addfile(member)
                continue
            member.size = len(text)
            archive.addfile(member, io.BytesIO(text.encode()))


def make_packages(folder: Path, platform: Platform) -> Path:
    """A folder of a package whose hook makes an initramfs, and of two that an image can miss."""
    hooks = "usr/share/libalpm/hooks"
    title = "Updating an initramfs..."
    boots = {f"{hooks}/91-boots.hook": HOOK.format(name="boots", title=title)}
    make_package(folder, platform, "boots", **boots)
    own = "etc/pacman.d/hooks"
    idle = {
        f"{hooks}/92-idle.hook": HOOK.format(name="idle", title="Idling..."),
        f"{hooks}/89-idle.hook": HOOK.format(name="idle", title="Masked..."),
        f"{own}/89-idle.hook": "-> /dev/null",
        f"{own}/93-idle.hook": HOOK.format(name="idle", title="Idling..."),
        f"{own}/94-idle.hook": HOOK.format(name="idle", title="Alone") + "Depends = nobody\n",
    }
    make_package(folder, platform, "idle", **idle)
    make_package(folder, platform, "scripted", **{".INSTALL": SCRIPTLET})
    return folder


@pytest.fixture
def packages(tmp_path: Path) -> Path:
    """Such a folder for the host's platform."""
    return make_packages(tmp_path / "packages", HOST.platform)


@pytest.fixture(scope="module")
def doit(copies: Copies) -> Doit:
    """doit on a cache where the platforms of both cells are there."""
    return copies("hooks", *CELLS)


def words(packages: Path, *names: str, of: Platform = HOST.platform) -> tuple[str, ...]:
    return (f"distro={of.distro.id}", f"packages={packages}", f"install-pkgs={','.join(names)}")


@pytest.mark.parametrize("cell", CELLS, ids=lambda cell: cell.platform.id)
def test_what_an_image_boots_from_ends_the_build(doit: Doit, tmp_path: Path, cell: Cell) -> None:
    """Those of one platform are emulated."""
    report = tmp_path / "report.html"
    packages = make_packages(tmp_path / "packages", cell.platform)
    asked = words(packages, "boots", "idle", "scripted", of=cell.platform)
    said = doit.refuse(*asked, f"report={report}")
    told = (
        "the hook 91-boots.hook of the package boots ('Updating an initramfs...') failed,"
        " without which the image may not boot:\n    no such module: boots\n"
    )
    assert told in said
    assert "the scriptlet of the package scripted failed:\n    lost\n" in said
    assert "failed-hooks=tell goes on as pacman does" in said
    assert said.endswith(f"   the report is {report}\n")
    page = report.read_text()
    assert html.escape(told) in page
    assert "hook: Updating an initramfs" in page
    assert "Results of" not in page


def test_what_an_image_does_without_is_told(doit: Doit, packages: Path) -> None:
    said = doit.build(*words(packages, "idle", "scripted"))
    for name in ("92-idle.hook", "93-idle.hook"):
        assert (
            f"the hook {name} of the package idle ('Idling...') failed:\n    no such module: idle"
        ) in said
    assert "the hook 94-idle.hook of the package idle ('Alone') was not run" in said
    assert "Masked" not in said
    assert "the scriptlet of the package scripted failed:\n    lost\n" in said


def test_the_user_may_go_on_and_look(doit: Doit, packages: Path) -> None:
    shown, status = run_on_terminal(doit, *words(packages, "boots"), "shell=yes")
    assert status == 1
    assert "without which the image may not boot" in shown
    assert "Exec = /usr/bin/sh -c" in shown, "the shell's cat shows the hook in the root"
    said = doit.build(*words(packages, "boots"), "failed-hooks=tell")
    told = "('Updating an initramfs...') failed:\n    no such module: boots"
    assert told in said


def test_a_hook_before_the_installation_that_prevents_it(doit: Doit, tmp_path: Path) -> None:
    hook = HOOK.format(name="*", title="Looking first...").replace("= Post", "= Pre")
    path = "usr/share/libalpm/hooks/00-picky.hook"
    packages = tmp_path / "packages"
    make_package(packages, HOST.platform, "picky", **{path: f"{hook}AbortOnFail\n"})
    doit.build(*words(packages, "picky"), "create=root.tar")
    root = doit.out / f"{HOST.platform.id}-none/root.tar"
    root = root.rename(tmp_path / "root.tar")
    asked = (f"distro={HOST.platform.distro.id}", "install-pkgs=nano")
    said = doit.refuse(*asked, "create=root.tar", f"reuse-root-tar={root}")
    assert (
        "the hook 00-picky.hook of the package picky ('Looking first...') failed,"
        " so pacman installed nothing:\n    no such module: *\n"
    ) in said


def run_on_terminal(doit: Doit, *asked: str) -> tuple[str, int]:
    """Run ``doit build`` on a terminal on which somebody looks at the hook and leaves."""
    master, slave = pty.openpty()
    running = subprocess.Popen(
        doit.command("build", *asked),
        env=doit.environment,
        stdin=slave,
        stdout=slave,
        stderr=slave,
        start_new_session=True,
    )
    os.close(slave)
    shown = bytearray()

    def look() -> None:
        typed = b"cat /usr/share/libalpm/hooks/91-boots.hook\nexit\n"
        while True:
            try:
                chunk = os.read(master, 4096)
            except OSError:  # EIO: the terminal's last user is gone
                return
            shown.extend(chunk)
            if typed and b"ends it, and the build" in shown:
                os.write(master, typed)
                typed = b""

    looking = threading.Thread(target=look)
    looking.start()
    status = running.wait()
    looking.join()
    os.close(master)
    return shown.decode(errors="replace"), status
