"""Other builders of root archives: mkosi and aimager.sh, from checkouts that the user names.

They get the pacman that the mirror has for any host, packages that they fetched before, and no
keyring: mkosi is told to verify nothing, and is given a pacman-key that does nothing.
"""

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from bench.contender import Contender
from bench.lab import PLAIN, Lab

PACKAGES = ("base", "linux", "linux-firmware", "booster")
"""What is in the archive, with all that they depend on."""

_SYSTEM = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True)
class Checkouts:
    """Where they lie; ``user`` runs the one that refuses to run as root."""

    mkosi: Path | None = None
    aimager_sh: Path | None = None
    user: str = ""


NOWHERE = Checkouts()


def others(lab: Lab, checkouts: Checkouts) -> dict[str, Contender]:
    """The contenders, which lack something where no checkout is named."""
    return {"mkosi": _mkosi(lab, checkouts), "aimager-sh": _aimager_sh(lab, checkouts)}


def _mkosi(lab: Lab, checkouts: Checkouts) -> Contender:
    folder = lab.folder / "mkosi"

    def run() -> None:
        assert checkouts.mkosi
        lab.run(mkosi_argv(checkouts.mkosi, lab, folder), cwd=folder / "empty")

    def warm_up() -> None:
        _take_pacman(lab)
        shutil.rmtree(folder, ignore_errors=True)
        for name in ("empty", "cache", "workspace", "out"):
            (folder / name).mkdir(parents=True)
        run()

    lacks = "" if checkouts.mkosi else "--mkosi= names no checkout of it"
    return Contender(run, warm_up=warm_up, lacks=lacks)


def mkosi_argv(checkout: Path, lab: Lab, folder: Path) -> list[str]:
    """What makes ``folder/out/root.tar``."""
    tools = _tools(lab)
    return [
        str(checkout / "bin/mkosi"),
        "--force",
        "--distribution=arch",
        "--architecture=x86-64",
        f"--mirror={lab.address(PLAIN)}/archlinux",
        "--repository-key-check=no",
        "--repository-key-fetch=no",
        "--format=tar",
        "--compress-output=no",
        "--bootable=no",
        "--with-docs=yes",
        "--clean-package-metadata=no",
        f"--package={','.join(PACKAGES)}",
        f"--extra-search-path={tools / 'usr/bin'}",
        f"--extra-search-path={tools / 'usr/lib/pacman'}",
        f"--package-cache-dir={folder / 'cache'}",
        f"--workspace-dir={folder / 'workspace'}",
        f"--output-directory={folder / 'out'}",
        "--output=root",
        "build",
    ]


def _aimager_sh(lab: Lab, checkouts: Checkouts) -> Contender:
    folder = lab.folder / "aimager-sh"

    def run() -> None:
        assert checkouts.aimager_sh
        lab.run(aimager_sh_argv(checkouts.aimager_sh, lab, checkouts.user), cwd=folder)

    def prepare() -> None:
        """Have it make its keyring, as in a first build."""
        shutil.rmtree(folder / "cache/keyring", ignore_errors=True)

    def warm_up() -> None:
        _take_pacman(lab)
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        if checkouts.user:
            shutil.chown(folder, checkouts.user)
        run()

    lacks = ""
    if not checkouts.aimager_sh:
        lacks = "--aimager-sh= names no checkout of it"
    elif os.geteuid() == 0 and not checkouts.user:
        lacks = "aimager.sh does not run as root, and --user= names no other user"
    return Contender(run, prepare, warm_up, lacks=lacks)


def aimager_sh_argv(checkout: Path, lab: Lab, user: str) -> list[str]:
    """What makes ``out/root.tar`` in the current folder."""
    path = f"{_tools(lab) / 'usr/bin'}:{os.environ.get('PATH', _SYSTEM)}"
    become = (
        ["runuser", "-u", user, "--", "env", f"PATH={path}"] if user else ["env", f"PATH={path}"]
    )
    return [
        *become,
        str(checkout / "aimager.sh"),
        *("--distro", "archlinux"),
        *("--arch-target", "x86_64"),
        *("--repo-url-parent", lab.address(PLAIN)),
        *("--repos-base", "core,extra"),
        *("--initrd-maker", "booster"),
        *("--install-pkgs", "linux,linux-firmware"),
        *("--create", "root.tar"),
        *("--build-id", "bench"),
        *("--out-prefix", "out/"),
        "--tmpfs-root",
    ]


def _tools(lab: Lab) -> Path:
    return lab.folder / "tools"


def _take_pacman(lab: Lab) -> None:
    """Unpack the pacman for any host, and call it by its name."""
    tools = _tools(lab)
    shutil.rmtree(tools, ignore_errors=True)
    tools.mkdir(parents=True)
    (package,) = (lab.mirror(PLAIN) / "archlinuxcn/x86_64").glob("pacman-static-*.pkg.tar.xz")
    subprocess.run(["tar", "--extract", "--file", package, "-C", tools], check=True)
    (tools / "usr/bin/pacman").symlink_to("pacman-static")
    (tools / "usr/bin/pacman-key").symlink_to("/bin/true")
