"""Plain pacman in a root: what a device of one's own has after ``pacman -S``, as an archive.

A base system is installed from outside, as pacstrap(8) does, and everything else in it, by its own
pacman with its own pacman.conf, to which no more is added than a device's owner would: a mirror, a
repository, and the keys of it. Only the jail that it runs in is ours.
"""

from dataclasses import dataclass
from pathlib import Path

from aimager import process
from aimager.archive import XATTRS
from aimager.packages.repository_sections import repositories
from aimager.sandbox.borrowed_root import open_toolbox
from aimager.sandbox.chroot import IMAGE, Chroot, chroot
from aimager.sandbox.mounts import RUN, Bind
from aimager.sandbox.namespace import call
from aimager.sandbox.tree import Tree

_MIRROR, _ADDED, _CONF = RUN / "mirror", RUN / "added", RUN / "pacman.conf"


@dataclass(frozen=True)
class Plain:
    """What to install, and from where.

    ``borrowed`` holds the pacman of the beginning. ``place`` is a repository's in the folder
    ``mirror``, with pacman's variables in it. ``added`` is the folder of one repository more, with
    its database, packages and ``key``, which bears ``fingerprint``; it comes before the others.
    """

    borrowed: Path
    mirror: Path
    place: str
    architecture: str
    mirrorlist: str
    keyring: str
    base: tuple[str, ...]
    added: Path
    key: Path
    fingerprint: str
    packages: tuple[str, ...]
    work: Path
    target: Path
    log: Path


def install_plainly(request: Plain) -> None:
    """Make ``target``, an archive of the root."""
    call(
        _install,
        request,
        work=request.work,
        reads=[request.borrowed, request.mirror, request.added, request.key],
        products=[request.target],
        keeps=[request.log],
    )


def _install(request: Plain) -> None:
    root = request.work / "root"
    root.mkdir()
    tree = Tree(root)
    for folder, mode in {
        **dict.fromkeys(("var/cache/pacman/pkg", "var/lib/pacman", "var/log", "etc"), 0o755),
        **{"dev": 0o755, "run": 0o755, "tmp": 0o1777, "sys": 0o555, "proc": 0o555},
    }.items():
        tree.mkdir(folder)
        tree.chmod(folder, mode)
    with request.log.open("wb") as log:
        tools = open_toolbox(request.borrowed, request.work, log)
        with chroot(tree) as image:
            mirror = Bind(request.mirror, _MIRROR, read_only=True)
            conf = request.work / "pacman.conf"
            conf.write_text(_first_conf(request))
            outside = image.jail_of_tools(tools.lender, mirror, Bind(conf, _CONF, read_only=True))
            argv = ["pacman", "--config", str(_CONF), "--noconfirm", "-Sy", *request.base]
            process.run(argv, within=outside, log=log)
            _be_its_owner(image, request)
            inside = image.jail(
                mirror,
                Bind(request.added, _ADDED, read_only=True),
                Bind(request.key, RUN / "key", read_only=True),
            )
            for argv in (
                ["pacman-key", "--init"],
                ["pacman-key", "--populate", request.keyring],
                ["pacman-key", "--add", str(RUN / "key")],
                ["pacman-key", "--lsign-key", request.fingerprint],
                ["pacman", "--noconfirm", "--disable-sandbox", "-Sy", *request.packages],
            ):
                process.run(argv, within=inside, log=log)
        options = ("--create", "--sort=name", "--numeric-owner", "--format=posix", *XATTRS)
        tools.run(["tar", *options, f"--file={request.target}", f"--directory={tree.path}", "."])


def _first_conf(request: Plain) -> str:
    server = f"Server = file://{_MIRROR}/{request.place}"
    lines = [
        *("[options]", f"Architecture = {request.architecture}", "SigLevel = Never"),
        *(f"RootDir = {IMAGE}", f"CacheDir = {IMAGE}/var/cache/pacman/pkg/"),
        *("[core]", server, "[extra]", server),
    ]
    return "\n".join(lines) + "\n"


def _be_its_owner(image: Chroot, request: Plain) -> None:
    """Choose a mirror, and add a repository."""
    tree = image.tree
    tree.write(request.mirrorlist, f"Server = file://{_MIRROR}/{request.place}\n", 0o644)
    conf = tree.read_text("etc/pacman.conf")
    added = f"[{request.added.name}]\nServer = file://{_ADDED}\n\n"
    first = conf.index(f"[{repositories(conf)[0]}]")
    tree.write("etc/pacman.conf", conf[:first] + added + conf[first:], 0o644)
