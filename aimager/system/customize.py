"""What is added to a root at the end: files, archives, services, and what scripts do."""

import re
import shutil
from collections.abc import Sequence
from functools import partial
from pathlib import Path, PurePath

from aimager import progress
from aimager.archive import XATTRS
from aimager.compression import opened
from aimager.errors import CommandError, ConfigError, HostError, ImageError
from aimager.model.settings import AddedFile, Script, Settings
from aimager.program_output import TAIL_LINES
from aimager.sandbox.owners import heed_lost_lists, held_ids, refuse_accounts, told_owners
from aimager.sandbox.tree import Tree
from aimager.system.caches import find_caches, settle_caches
from aimager.system.configure import ImageRoot
from aimager.system.localisation import set_keymap
from aimager.system.ownership import Ownership
from aimager.system.remade_initramfs import initramfs_configuration, remake_initramfs
from aimager.system.sysprep import find_identity, remove_identity
from aimager.system.universal_conf import universal_conf

PRESET = "etc/systemd/system-preset/40-enabled.preset"
"""It comes before those that disable what is enabled, of which the first that fits decides."""

_UNITS = "etc/systemd/system"
_UNIT = re.compile(r"[A-Za-z0-9:_.\\@-]+")  # systemd.unit(5)
_CHUNK = 1 << 20
_SCRIPT = "aimager-script"


def finish(image: ImageRoot, setup: Settings, overlays: Sequence[Path]) -> frozenset[str]:
    """Add the files of ``setup``, then ``overlays``, enable its services, and run its scripts.

    Every initramfs is made again where files, overlays or the keymap are what its maker reads; it
    is one for any machine then, and in scripts, too, after which caches are removed as after hooks.

    Returns the paths of what they gave the image that tells machines apart otherwise.

    :raises ConfigError: when one cannot be added, enabled or run
    :raises HostError: when this machine lacks the id of an owner
    """
    if not (setup.finishes or overlays):
        return frozenset()
    remove_identity(image.tree)
    before = initramfs_configuration(image.tree)
    if setup.keymap:
        set_keymap(image.tree, setup.keymap)
    for file in setup.files:
        add_file(image, file)
    for overlay in overlays:
        unpack_overlay(image, overlay)
    given = find_identity(image.tree)
    for service in setup.services:
        enable_service(image, service)
    remakes = initramfs_configuration(image.tree) != before
    if remakes or setup.scripts:
        caches = find_caches(image.tree)
        with universal_conf(image.tree, image.runtime):
            if remakes:
                remake_initramfs(image)
            for script in setup.scripts:
                run_script(image, script)
        settle_caches(image.tree, caches, scripts=True)
    refuse_accounts(image.tree, held_ids())
    keep_enabled(image.tree)
    return given


def add_file(image: ImageRoot, file: AddedFile) -> None:
    """Write a file where a program in the image would find it, for whom `Ownership` says.

    :raises ConfigError: when its path is that of a folder, or leads through a file or to nowhere,
        or its owner does not exist
    """
    try:
        Ownership(image.tree).make_empty(file)
        image.tree.write(file.path, file.text, file.mode)  # which keeps the owner
    except ImageError as error:
        raise ConfigError(
            f"files= cannot add {file.path}: {error.message}",
            hint="name the folder that a link in the image is for, or another path",
        ) from error


def unpack_overlay(image: ImageRoot, overlay: Path) -> None:
    """Unpack an archive over the root by the image's own tar, which cannot leave the root.

    Owners, modes, capabilities, access control lists and ``user.*`` attributes are the archive's,
    but for owners and modes of folders that exist already.

    :raises ConfigError: when it cannot be read, or holds what cannot be made
    :raises HostError: when this machine lacks the id of an owner
    """
    argv = [
        "tar",
        "--extract",
        "--file=-",
        "--directory=/",
        "--preserve-permissions",
        "--same-owner",
        "--numeric-owner",
        *XATTRS,
        "--no-overwrite-dir",
        "--keep-directory-symlink",
        "--warning=no-timestamp",
    ]
    if not image.has("usr/bin/tar"):
        raise ConfigError("overlay= needs tar in the image", hint="install-pkgs=tar adds it")
    of = f" of the overlay {overlay.name}"
    heed = partial(heed_lost_lists, of=of)
    try:
        with (
            told_owners(of),
            opened(overlay) as stream,
            image.toolbox().pipe_in(argv, heed=heed) as target,
        ):
            shutil.copyfileobj(stream, target, _CHUNK)
    except CommandError as error:
        raise ConfigError(
            f"the overlay {overlay.name} cannot be unpacked: {error.tail.strip()}",
            hint="tar --list shows what it holds",
        ) from error
    except ImageError as error:
        raise ConfigError(
            f"the overlay {overlay.name} cannot be read: {error.message}",
            hint="overlay= takes .tar, or that in gz, xz or zst: tar --list shows whether it"
            " can be read",
        ) from error


def enable_service(image: ImageRoot, unit: str) -> None:
    """Enable a unit with systemctl(1) of the image.

    :raises ConfigError: when there is no such unit
    """
    try:
        image.run(["systemctl", "enable", unit])
    except CommandError as error:
        raise ConfigError(
            f"the service {unit} cannot be enabled: {error.tail.strip()}",
            hint="install the package that has it with install-pkgs=",
        ) from error


def run_script(image: ImageRoot, script: Script) -> None:
    """Run a script in the image; its output goes to the log, its text does not.

    What it says by which a program was refused a file's owner, is told.

    :raises ConfigError: when it fails
    """
    image.runtime.write(_SCRIPT, script.text, 0o700)
    try:
        image.run([f"/run/{_SCRIPT}"])
    except CommandError as error:
        how = f"ended with status {error.status}"
        if error.status < 0:
            how = f"was killed by signal {-error.status}"
        raise ConfigError(
            f"the script {script.name} {how}: {error.tail.strip() or 'it said nothing'}",
            hint=held_ids().advice()
            if image.refused
            else "it runs as root in the image, where no services are running",
        ) from error
    except HostError as error:
        first = script.text.partition("\n")[0]
        raise ConfigError(
            f"the script {script.name} cannot be started by its first line: {first}",
            hint="name a program of the image there by its whole path; install-pkgs= adds one",
        ) from error
    finally:
        image.runtime.remove(_SCRIPT)
    if image.refused:
        said = "".join(f"\n    {line}" for line in image.refused[-TAIL_LINES:])
        progress.say(
            f"   the script {script.name} could not give files their owners, for this build does"
            f" not have the ids:{said}\n    ({held_ids().advice()})"
        )


def keep_enabled(tree: Tree) -> None:
    """Keep what is enabled so at the first boot, which applies the presets to all units.

    See systemd.preset(5); a template's instances are named after it.
    """
    units: dict[str, list[str]] = {}
    for name in enabled_units(tree):
        template, at, instance = name.partition("@")
        instance, _, kind = instance.rpartition(".")
        unit = f"{template}@.{kind}" if at else name
        units.setdefault(unit, []).extend([instance] if at and instance else [])
    lines = (" ".join(("enable", unit, *units[unit])) for unit in sorted(units))
    tree.write(PRESET, "".join(f"{line}\n" for line in lines), 0o644)


def enabled_units(tree: Tree) -> list[str]:
    """The units that others want or require because they are enabled, once for each of these."""
    folders = tree.glob(f"{_UNITS}/*.[wr]*s")
    kept = (it for it in folders if PurePath(it).suffix in (".wants", ".requires"))
    return [name for folder in kept for name in tree.names(folder) if _UNIT.fullmatch(name)]
