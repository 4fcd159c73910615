"""The variables of the command line, ``name=value``: the table of all there are."""

import re
from dataclasses import dataclass

from aimager.config.storage import ROOT_FILE_SYSTEMS
from aimager.model.board import Initramfs
from aimager.model.build import Compression, Product, Tools
from aimager.model.settings import DEFAULT_LOCALE


@dataclass(frozen=True)
class Variable:
    """A word that the command line may set; a name that ends in ``-*`` stands for many.

    ``default`` and ``example`` are for people; without a default it is left out.
    """

    name: str
    meaning: str
    default: str = ""
    example: str = ""

    def matches(self, word: str) -> bool:
        """Whether ``word`` is this variable's name, or one of those it stands for."""
        if not self.name.endswith("*"):
            return word == self.name
        return bool(re.fullmatch(re.escape(self.name[:-1]) + r"[A-Za-z0-9@._+-]+", word))

    def stem(self, word: str) -> str:
        """What the ``*`` stands for in ``word``."""
        return word.removeprefix(self.name[:-1])


REPOSITORY_URL = Variable(
    "repo-url-*",
    "the mirrors of one repository, with $repo and $arch",
    example="repo-url-core=https://mirror.example/$repo/os/$arch",
)
TRUST_KEY = Variable(
    "trust-key-*",
    "master keys of one added repository, in place of the pinned ones",
    example="trust-key-mine=FINGERPRINT",
)
KEY_FILE = Variable(
    "key-file-*",
    "the keys of one added repository, in a file; a key counts only if trust-key-* names it",
    "those in the package NAME-keyring",
    "key-file-mine=mine.asc",
)
APPEND = Variable(
    "append-*",
    "a kernel's command line; * is its package, all (in place of every other), or default (that"
    " of kernels without one)",
    "the board's",
    "append-linux-lts='quiet console=ttyS0'",
)

VARIABLES = (
    Variable("distro", "the distribution", "the board's, if it is for one", "distro=archlinux"),
    Variable(
        "board",
        "the machine (doit boards lists them), or a file with one; none makes a root archive;"
        " several are built in one run",
        "none",
        "board=x64-uefi,x64-legacy",
    ),
    Variable(
        "boards",
        "a folder with boards of your own; for matrix: that, or boards",
        "",
        "boards=./boards",
    ),
    Variable(
        "arch",
        "the architecture, where board and distribution leave a choice; for mirror: several",
        "the host's if it can be, else the distribution's first",
        "arch=aarch64",
    ),
    Variable(
        "create",
        "what to make: " + ",".join(Product),
        "disk.img with a board, else root.tar",
        "create=disk.img,root.tar",
    ),
    Variable(
        "compress",
        "also make each compressed: " + ",".join(Compression),
        "none",
        "compress=zst",
    ),
    Variable("out", "the folder of the results", "out", "out=/srv/images"),
    Variable("root-size", "the size of the root partition", "that of its content", "root-size=8G"),
    Variable(
        "root-fs", "the root's file system: " + ",".join(ROOT_FILE_SYSTEMS), "ext4", "root-fs=btrfs"
    ),
    Variable("root-subvolumes", "subvolumes of a btrfs root", "", "root-subvolumes=@,@home:/home"),
    Variable(
        "root-compress",
        "how a btrfs, erofs or squashfs root is compressed",
        "",
        "root-compress=zstd:3",
    ),
    Variable(
        "table",
        "the partition table: an sfdisk dump with marks aimager@ROLE:, @FILE with one, or =NAME",
        "the board's",
        "table==gpt_1g_esp",
    ),
    Variable("mkfs-arg", "more arguments of a file system's maker", "", "mkfs-arg='root=-m 5'"),
    Variable(
        "disk-from",
        "an image, or a compressed one, that the disk starts as a copy of",
        "",
        "disk-from=loader.img.gz",
    ),
    Variable("hostname", "the image's name", "the board's", "hostname=probe"),
    Variable(
        "locales",
        "locales to generate, the first becomes LANG",
        DEFAULT_LOCALE,
        "locales=de_DE.UTF-8,en_US.UTF-8",
    ),
    Variable(
        "useradd", "users to add, each as useradd's arguments", "", "useradd='-m -G wheel alice'"
    ),
    Variable(
        "chpasswd",
        "passwords, each as USER:PASSWORD, in clear or as crypt(5) hashes them; @FILE holds a line"
        " of each, and keeps them out of the list of processes",
        "",
        "chpasswd=@passwords",
    ),
    Variable(
        "sudo-group",
        "groups that may use sudo, with their own password",
        "",
        "sudo-group=wheel",
    ),
    APPEND,
    Variable("install-pkgs", "more packages", "", "install-pkgs=vim,openssh"),
    Variable(
        "packages",
        "a folder with packages that nobody signed; install-pkgs names those to install",
        "",
        "packages=./built",
    ),
    Variable(
        "initrd-maker",
        "what makes the initramfs: " + ",".join(Initramfs) + "; not installed where another package"
        " that is asked for provides one",
        "the board's",
        "initrd-maker=dracut",
    ),
    Variable("services", "units to enable", "", "services=sshd.service"),
    Variable(
        "files",
        "text files to add, each as FILE:PATH or FILE:PATH:MODE",
        "",
        "files=motd:/etc/motd,key:/root/key:600",
    ),
    Variable(
        "overlay",
        "archives (.tar, or that in gz, xz, zst) unpacked over the root at the end",
        "",
        "overlay=site.tar.zst",
    ),
    Variable("scripts", "programs to run in the image at the end", "", "scripts=./finish.sh"),
    Variable(
        "lock",
        "the file that holds all packages with their versions; to be kept in git",
        "",
        "lock=image.lock",
    ),
    Variable(
        "seed",
        "any text; another one gives all ids and salts of the image other values",
        "",
        "seed=second",
    ),
    Variable(
        "repo-url-parent",
        "mirrors that carry all distributions",
        "the distributions' own",
        "repo-url-parent=https://mirror.example",
    ),
    REPOSITORY_URL,
    Variable(
        "add-repos",
        "third-party repositories, by name (doit repos lists them) or as NAME=URL",
        "the board's",
        "add-repos=7Ji,mine=https://mirror.example/$arch",
    ),
    TRUST_KEY,
    KEY_FILE,
    Variable(
        "trust-key", "master keys to trust in place of the pinned ones", "", "trust-key=FINGERPRINT"
    ),
    Variable(
        "tools", "whose programs do the work: " + ", ".join(Tools), Tools.borrowed, "tools=host"
    ),
    Variable(
        "use-pacman-static",
        "whether pacman-static, and not the host's pacman, does what no borrowed one can do yet",
        "where the host's will not do",
        "use-pacman-static=yes",
    ),
    Variable(
        "keyring-helper",
        "an archive of programs to run in place of the borrowed ones, as create= makes it",
        "",
        "keyring-helper=keyring-helper.tar",
    ),
    Variable(
        "reuse-root-tar",
        "a root archive to start from, in place of the base system; it is trusted as it is",
        "",
        "reuse-root-tar=root.tar.zst",
    ),
    Variable(
        "borrow",
        "no: emulate every program of a foreign image, also where a borrowed one does the same",
        "yes",
        "borrow=no",
    ),
    Variable(
        "tmpfs-root",
        "whether trees are held in memory: yes, no, or the size of the tmpfs",
        "where they fit",
        "tmpfs-root=20G",
    ),
    Variable("repo-core", "the repository that has pacman", "the distribution's", "repo-core=core"),
    Variable(
        "repos-base",
        "the distribution's repositories, in order",
        "those of its pacman.conf",
        "repos-base=core,extra,multilib",
    ),
    Variable(
        "report",
        "a file for a page (HTML) that tells what was done, when and why, and what is how large",
        "",
        "report=build.html",
    ),
    Variable(
        "remote",
        "a store that machines share: packages, base systems and installed systems are taken from"
        " there and put there; s3://, gs://, https://, ssh://, or a folder",
        "",
        "remote=s3://bucket/aimager",
    ),
    Variable(
        "failed-hooks",
        "whether to stop where a hook fails that makes what the image boots from, or to tell of it",
        "stop",
        "failed-hooks=tell",
    ),
    Variable("shell", "yes: open a shell in a root whose making failed", "no", "shell=yes"),
    Variable("offline", "yes: ask no mirror anything", "no", "offline=yes"),
    Variable("size", "for cache-prune: how much the cache may hold", "", "size=10GiB"),
    Variable("older", "for cache-prune: what was not used for so long goes", "", "older=30d"),
    Variable("for", "for matrix: github or gitlab; for completion: a shell", "", "for=gitlab"),
)

OF_NO_BUILD = ("boards", "size", "older", "table")
"""By themselves they describe no build."""
