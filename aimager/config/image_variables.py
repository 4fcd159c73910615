"""The variables that say what an image is: its board and its disk."""

from aimager.config.own_boards import BOARDS
from aimager.config.parse import (
    read_compressions,
    read_sectors,
    split_list,
)
from aimager.config.products import read_name_and_tag
from aimager.config.storage import (
    ROOT_FILE_SYSTEMS,
    read_arguments,
    read_file_system,
    read_subvolumes,
    read_table_word,
)
from aimager.config.variable import (
    Group,
    Told,
    Variable,
    of_folder,
    of_name,
    of_text,
)
from aimager.distros import DISTROS
from aimager.model.architecture import Architecture
from aimager.model.named_tables import NAMED_TABLES
from aimager.model.product import Compression, Product

WHAT_IS_BUILT = (
    Variable(
        "distro",
        Group.build,
        "the distribution, or a file with one of your own (./mine.py), which is run",
        "the board's, if it is for one only",
        "distro=archlinux",
        choices=tuple(distro.id for distro in DISTROS),
        listed_by="distros",
        settings=("title", "vendor", "mirrorlist", "mirror", "platform.distro"),
        paths=True,
        manifest=Told.nothing,
    ),
    Variable(
        "board",
        Group.build,
        "the machine, or a file with one (./mine.py); none makes a root"
        " archive only; several, separated by commas, are built in one run, each by the words that"
        " are for it",
        "none",
        "board=x64-uefi,x64-legacy",
        choices=tuple(BOARDS),
        listed_by="boards",
        settings=("id", "boot"),
        several=True,
        paths=True,
        manifest=Told.nothing,
    ),
    Variable(
        "boards",
        Group.build,
        "a folder with boards of your own, whose files are read and not run; for matrix: such"
        " folders, or boards",
        "",
        "boards=./boards",
        choices=tuple(BOARDS),
        listed_by="boards",
        several=True,
        paths=True,
        describes_build=False,
        manifest=Told.nothing,
    ),
    Variable(
        "builds",
        Group.build,
        "a file of builds (TOML), which are made in one run: doit help builds explains it; words of"
        " the command line take the place of those in it",
        "",
        "builds=fleet.toml",
        paths=True,
        manifest=Told.nothing,
    ),
    Variable(
        "only",
        Group.build,
        "the names, or patterns of names, of those builds in the file of builds= that are meant",
        "all of them",
        "only=home,'rpi*'",
        several=True,
        describes_build=False,
        manifest=Told.nothing,
    ),
    Variable(
        "arch",
        Group.build,
        "the architecture, where board and distribution leave a choice, or a level of it, whose"
        " packages are taken, too; for mirror: several",
        "the host's if possible, else the distribution's first",
        "arch=aarch64",
        choices=(*Architecture, *(level for one in Architecture for level in one.levels)),
        settings=(
            "architecture",
            "emulates",
            "platform.architecture",
            "architectures",
            "platform.level",
            "level",
        ),
        describes_build=False,  # alone it is for the mirror
        manifest=Told.nothing,
    ),
    Variable(
        "create",
        Group.build,
        "what to make, separated by commas: images of a disk and of those partitions that it"
        " has, and roots: oci.tar is for podman and others, root.wsl for Windows,"
        " nspawn.tar for machinectl",
        "disk.img with a board, else root.tar",
        "create=disk.img,root.tar",
        choices=tuple(Product),
        parser=of_text(split_list),
        settings=("products",),
        several=True,
    ),
    Variable(
        "oci-name",
        Group.build,
        "what container engines are to call oci.tar: NAME, or NAME:TAG",
        "the distribution's, and the board's if it has a disk",
        "oci-name=quay.io/me/arch:latest",
        parser=of_text(read_name_and_tag),
        settings=("image_name",),
    ),
    Variable(
        "compress",
        Group.build,
        "how each product is also made in compressed form, separated by commas",
        "none",
        "compress=zst",
        choices=("none", *Compression),
        parser=of_text(read_compressions),
        settings=("compressions",),
        several=True,
    ),
    Variable(
        "seed",
        Group.build,
        "any text; another one gives all UUIDs, labels' ids, serial numbers and salts of the image"
        " other values",
        "",
        "seed=second",
        settings=("seed",),
    ),
)

DISK = (
    Variable(
        "table",
        Group.disk,
        "the partition table: an sfdisk dump with marks aimager@ROLE:, @FILE with one, or =NAME",
        "the board's",
        "table==gpt_1g_esp",
        choices=tuple(f"={name}" for name in NAMED_TABLES),
        listed_by="tables",
        parser=of_folder(read_table_word),
        settings=("table",),
        describes_build=False,
        hides=lambda text: text.startswith("@"),
    ),
    Variable(
        "root-size",
        Group.disk,
        "the size of the root partition",
        "that of its content and a margin",
        "root-size=8G",
        parser=of_name(read_sectors),
        settings=("root_size",),
    ),
    Variable(
        "root-fs",
        Group.disk,
        "the root's file system; erofs and squashfs can never be written to",
        "ext4",
        "root-fs=btrfs",
        choices=ROOT_FILE_SYSTEMS,
        parser=of_text(read_file_system),
        settings=("table.partitions.*.file_system", "welcome"),
    ),
    Variable(
        "root-subvolumes",
        Group.disk,
        "the subvolumes of a btrfs root, separated by commas; the first is the root's own; an @"
        " begins a name, and never that of a file with the list",
        "",
        "root-subvolumes=@,@home:/home",
        parser=of_text(read_subvolumes),
        settings=("table.partitions.*.subvolumes",),
    ),
    Variable(
        "root-compress",
        Group.disk,
        "how the root is compressed, or none: btrfs zstd:3, erofs lz4hc, squashfs zstd, say",
        "none for btrfs, lz4hc for erofs, zstd for squashfs",
        "root-compress=zstd:3",
        settings=("table.partitions.*.compression",),
    ),
    Variable(
        "mkfs-arg",
        Group.disk,
        "more arguments for the program that makes a file system; a comma separates only before"
        " boot=, root=, home= or swap=",
        "",
        "mkfs-arg='root=-m 5,boot=-s 4'",
        parser=of_text(read_arguments),
        settings=("table.partitions.*.arguments",),
        several=True,
        manifest=Told.name,  # others do not choose what programs are told here
    ),
    Variable(
        "disk-from",
        Group.disk,
        "an image, which may be compressed (gz, xz, zst, bz2, lz4), that the disk starts as a copy"
        " of: a boot loader in raw sectors, say",
        "",
        "disk-from=loader.img.gz",
        settings=("disk_from",),
        paths=True,
    ),
)
