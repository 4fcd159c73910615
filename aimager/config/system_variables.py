"""The variables that say what the system in an image is."""

from aimager.config.localisation import read_keymap, read_timezone
from aimager.config.parse import read_hostname, read_locales, read_units
from aimager.config.paths import read_archives
from aimager.config.settings import read_command_line, read_files, read_scripts
from aimager.config.variable import (
    Group,
    Told,
    Variable,
    of_choice,
    of_folder,
    of_path,
    of_text,
)
from aimager.model.board import Initramfs
from aimager.model.settings import DEFAULT_LOCALE

SYSTEM = (
    Variable(
        "hostname",
        Group.system,
        "the host name of the image",
        "the board's id",
        "hostname=probe",
        parser=of_text(read_hostname),
        settings=("setup.hostname",),
    ),
    Variable(
        "locales",
        Group.system,
        "the locales to generate, separated by commas; the first becomes LANG",
        DEFAULT_LOCALE,
        "locales=de_DE.UTF-8,en_US.UTF-8",
        parser=of_text(read_locales),
        settings=("setup.locales",),
        several=True,
    ),
    Variable(
        "timezone",
        Group.system,
        "the time zone, by its name in tzdata",
        "that of its packages, else UTC",
        "timezone=Europe/Berlin",
        parser=of_text(read_timezone),
        settings=("setup.timezone",),
    ),
    Variable(
        "keymap",
        Group.system,
        "the keymap of the console, by its name in kbd",
        "that of its packages, else us",
        "keymap=de-latin1",
        parser=of_text(read_keymap),
        settings=("setup.keymap",),
    ),
    Variable(
        "append-all",
        Group.system,
        "the command line of all kernels, in place of every other",
        "",
        "append-all='quiet rw'",
        parser=of_text(read_command_line),
        settings=("setup.command_line",),
    ),
    Variable(
        "append-default",
        Group.system,
        "the command line of the kernels that have none of their own",
        "the board's",
        "append-default='quiet rw'",
        parser=of_text(read_command_line),
        settings=("setup.command_line",),
    ),
    Variable(
        "append-*",
        Group.system,
        "the command line of one kernel, by the name of its package",
        "that of append-default",
        "append-linux-lts='quiet console=ttyS0'",
        parser=of_text(read_command_line),
        settings=("setup.own_command_lines.*",),
    ),
    Variable(
        "initrd-maker",
        Group.system,
        "what makes the initramfs; not installed where another package that is asked for provides"
        " one",
        "the board's",
        "initrd-maker=dracut",
        choices=tuple(Initramfs),
        parser=of_choice(Initramfs),
        settings=("initramfs",),
        manifest=Told.nothing,
    ),
    Variable(
        "services",
        Group.system,
        "units to enable, separated by commas",
        "",
        "services=sshd.service",
        parser=of_text(read_units),
        settings=("setup.services",),
        several=True,
    ),
    Variable(
        "files",
        Group.system,
        "text files to add, each as FILE:PATH, FILE:PATH:MODE or FILE:PATH:MODE:OWNER[:GROUP],"
        " separated by commas; below a user's home they are that user's, else root's",
        "",
        "files=motd:/etc/motd,wg.key:/etc/wireguard/key:600",
        parser=of_folder(read_files),
        settings=("setup.files",),
        several=True,
        paths=True,
    ),
    Variable(
        "overlay",
        Group.system,
        "archives (.tar, or that in gz, xz, zst) unpacked over the root at the end, with their"
        " owners, capabilities, access lists and user attributes; folders that exist keep"
        " their owners",
        "",
        "overlay=site.tar.zst",
        parser=of_path(read_archives),
        settings=("overlays",),
        several=True,
        paths=True,
    ),
    Variable(
        "scripts",
        Group.system,
        "programs, such as shell scripts, to run in the image at the end",
        "",
        "scripts=./finish.sh",
        parser=of_folder(read_scripts),
        settings=("setup.scripts",),
        several=True,
        paths=True,
    ),
)
