"""What users mistype and what machines and mirrors lack, and what has to be said of each."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from tests.sandbox.test_namespace_hosts import MOUNT, UNSHARE
from tests.stages.test_sync_databases import KEYRING, SERVED


@dataclass(frozen=True)
class Case:
    """Words of ``doit build``, and what has to be said of them: a sentence and a hint.

    ``HERE``, ``MIRROR`` and ``SILENT``, in words and environment, are the folder, and the addresses
    of a mirror and of one that does not answer. ``plan`` is what the mirror does
    (`webserver.Site`), ``pages`` what it has; ``preparation`` is Python to execute before.
    """

    words: str
    sentence: str
    hint: str
    preparation: str = ""
    environment: Mapping[str, str] = field(default_factory=dict)
    pages: Mapping[str, bytes] = field(default_factory=dict)
    plan: tuple[str, ...] = ()
    task: str = "build"

    def __str__(self) -> str:
        return f"{self.task} {self.words} > {self.sentence}"


UEFI = "board=x64-uefi"
INPUTS = [
    Case("bord=x64-uefi", "there is no variable bord=", "did you mean board=, "),
    Case("board=x65-uefi", "there is no board x65-uefi", "did you mean x64-uefi, "),
    Case("board=", "board= is empty", "board= is one that"),
    Case("board=./none.py", "none.py", ""),
    Case("board=./text.txt", "", ""),
    Case("board=./broken.py", "broken.py", ""),
    Case("board=./nothing.py", "nothing.py", ""),
    Case("boards=./none board=x64-uefi", "", ""),
    Case("distro=debian", "there is no distribution debian", "distro= is one of"),
    Case("distro=", "there is no distribution", "distro= is one of"),
    Case("create=disk.img", "distro= is missing", "it is one of"),
    Case("board=none", "distro= is missing", "it is one of"),
    Case("distro=alarm board=x64-uefi", "the board x64-uefi is not for archlinuxarm", ""),
    Case("distro=arch arch=z80", "arch=z80", ""),
    Case(f"{UEFI} arch=aarch64", "arch=aarch64 does not go with archlinux", "it is one of"),
    Case(f"{UEFI} create=floppy.img", "create=floppy.img cannot be made", "it is one of"),
    Case(f"{UEFI} create=", "create= is empty", "it is one of"),
    Case("distro=arch create=disk.img", "create=disk.img cannot be made", "it is one of"),
    Case("distro=arch create=disk.qcow2", "create=disk.qcow2 cannot be made", "it is one of"),
    Case("distro=archriscv create=root.wsl", "Windows runs on x86_64", "arch="),
    Case("distro=arch oci-name=arch", "oci-name= has no effect", "create=oci.tar makes an image"),
    Case("distro=arch create=oci.tar oci-name=A:b", "oci-name=A:b is not the name", "NAME:TAG"),
    Case(f"{UEFI} image=./disk.qcow2", "is a disk as qcow2", "create=disk.img", task="boot"),
    Case(f"{UEFI} compress=rar", "compress=rar is not known", "compress= takes none, or some of"),
    Case(f"{UEFI} memory=8M", "memory=8M is too little to boot with", "the least", task="boot"),
    Case(f"{UEFI} cpus=0", "cpus=0 is not a number of processors", "cpus=2", task="boot"),
    Case(f"{UEFI} ssh-port=0", "ssh-port=0 is not the number of a port", "2222", task="boot"),
    Case(f"{UEFI} keep=yes", "keep=yes is for doit boot", "keep=root.tar.zst", task="shell"),
    Case(f"{UEFI} internet=yes", "internet= is for doit boot", "no network", task="shell"),
    Case(f"{UEFI} keep=a.zip", "keep=a.zip is neither yes, no, nor", "keep=yes", task="shell"),
    Case(f"{UEFI} root-size=huge", "root-size=huge", ""),
    Case(f"{UEFI} root-size=-1G", "root-size=-1G", ""),
    Case("distro=arch root-size=8G", "root-size= has no effect", ""),
    Case(f"{UEFI} root-fs=ntfs", "root-fs=ntfs", ""),
    Case(f"{UEFI} root-fs=f2fs", "root-fs=f2fs", ""),
    Case(f"{UEFI} root-subvolumes=@", "root-subvolumes=", ""),
    Case(f"{UEFI} root-fs=btrfs root-compress=rar", "root-compress=rar", ""),
    Case(f"{UEFI} table==nothing", "there is no table nothing", "it is one of"),
    Case(f"{UEFI} table=@none.sfdisk", "none.sfdisk", ""),
    Case(f"{UEFI} table=gibberish", "table=", ""),
    Case(f"{UEFI} mkfs-arg=floppy=-m", "mkfs-arg=", ""),
    Case(f"{UEFI} disk-from=none.img", "disk-from=", ""),
    Case(f"{UEFI} hostname=under_score", "hostname=under_score", ""),
    Case(f"{UEFI} hostname={'x' * 65}", "hostname=", ""),
    Case(f"{UEFI} locales=klingon", "locales=klingon", ""),
    Case(f"{UEFI} timezone=Europe/../x", "timezone=Europe/../x", ""),
    Case(f"{UEFI} keymap=../us", "keymap=../us", ""),
    Case(f"{UEFI} ssh-keys=alice:@no.pub", "no.pub", ""),
    Case(f"{UEFI} ssh-keys=alice:hello", "ssh-keys=alice", ""),
    Case(f"{UEFI} wifi={'x' * 33}:password", "33 bytes", ""),
    Case(f"{UEFI} wifi-country=DE", "wifi-country=", ""),
    Case(f"{UEFI} network=10.0.0.2", "network=10.0.0.2", ""),
    Case(f"{UEFI} packages-from=no.list", "no.list", ""),
    Case(f"{UEFI} useradd=--root", "useradd=", ""),
    Case(f"{UEFI} chpasswd=alice", "chpasswd=", ""),
    Case(f"{UEFI} chpasswd=@none", "chpasswd= cannot read", ""),
    Case(f"{UEFI} sudo-group=a:b", "sudo-group=", ""),
    Case(f"{UEFI} append-linux-zen=quiet", "append-linux-zen=", "append- goes on with one of"),
    Case(f"{UEFI} install-pkgs=../vim", "install-pkgs=../vim", ""),
    Case(f"{UEFI} install-pkgs=dracut", "install-pkgs=dracut is an initramfs maker", "initrd-"),
    Case(f"{UEFI} packages=./none", "packages=./none: there is no such folder", ""),
    Case(f"{UEFI} initrd-maker=mkinit", "initrd-maker=mkinit is not known", "initrd-maker="),
    Case(f"{UEFI} services=a/b", "services=", ""),
    Case(f"{UEFI} files=text.txt", "files=text.txt is not of the form", "PATH is that"),
    Case(f"{UEFI} files=none:/etc/motd", "files= cannot read", ""),
    Case(f"{UEFI} files=text.txt:/../motd", "is not the path of a file in the image", ""),
    Case(f"{UEFI} files=binary:/etc/motd", "files= takes text", "overlay= takes any files"),
    Case(f"{UEFI} overlay=text.txt", "overlay=text.txt is not an archive", "its name ends in"),
    Case(f"{UEFI} overlay=none.tar", "there is no such file", ""),
    Case(f"{UEFI} scripts=text.txt", "does not say which program runs it", "#!/bin/sh"),
    Case("lock=none.lock", "there is no lock file", "doit lock"),
    Case("lock=", "lock= is empty", "it names a file"),
    Case("lock=text.txt", "is not a lock file", "make a new one"),
    Case("lock=future.lock", "of format 99", "use a newer aimager"),
    Case("lock=.", "the lock file", ""),
    Case(f"{UEFI} repo-url-parent=ftp://mirror.example", "repo-url-parent=", ""),
    Case(f"{UEFI} repo-url-parent=", "repo-url-parent=", ""),
    Case(f"{UEFI} repo-url-core=mirror.example", "repo-url-core=", ""),
    Case(
        f"{UEFI} repo-url-parent=http://[::1",
        "http://[::1 is not a valid address",
        "",
    ),
    Case(f"{UEFI} repo-url-parent=http://a:99999", "http://a:99999 is not a valid address", ""),
    Case(
        f"{UEFI} repo-url-parent=http://me:secret@a:x",
        "repo-url-parent=http://a:x is not a valid",
        "",
    ),
    Case(f"{UEFI} add-repos=none-such", "none-such", ""),
    Case(f"{UEFI} add-repos=mine=http://127.0.0.1:1/", "mine", ""),
    Case(f"{UEFI} trust-key=abc", "trust-key=", ""),
    Case(f"{UEFI} trust-key-mine={'a' * 40}", "trust-key-mine=", ""),
    Case(f"{UEFI} tools=mine", "tools=mine is not known", "tools= is one of"),
    Case(f"{UEFI} tools=host keyring-helper=none.tar", "has no effect with tools=host", ""),
    Case(f"{UEFI} keyring-helper=none.tar", "keyring-helper=", ""),
    Case(f"{UEFI} keyring-helper=a.tar,b.tar", "names 2 archives, and takes one", "name one"),
    Case(f"{UEFI} reuse-root-tar=text.txt", "reuse-root-tar=text.txt is not", "its name"),
    Case(f"{UEFI} reuse-root-tar=none.tar", "there is no such file", ""),
    Case(f"{UEFI} reuse-root-tar=text.tar", "text.tar is not a complete tar archive", "tar --list"),
    Case(f"{UEFI} tmpfs-root=much", "tmpfs-root=much", ""),
    Case(f"{UEFI} repos-base=a/b", "repos-base=", ""),
    Case(f"{UEFI} offline=perhaps", "offline=perhaps", ""),
    Case(f"{UEFI} failed-hooks=ignore", "failed-hooks=ignore is not known", "stop, tell"),
    Case(f"{UEFI} shell=yes", "shell=yes needs a terminal", "the log that the error names"),
    Case(f"{UEFI} shell=zsh", "shell=zsh is not known", "yes or no"),
    Case(f"{UEFI} out=text.txt/out", "the folder", "out= another one"),
    Case("", "there is nothing to build", "name it: distro= and board="),
    Case("size=much", "size=much", "", task="cache-prune"),
    Case("older=soon", "older=soon", "", task="cache-prune"),
    Case("", "", "size=", task="cache-prune"),
    Case("", "there is nothing to boot", "name one image", task="boot"),
    Case(f"{UEFI}", "does not exist", "doit build", task="boot"),
    Case("arch=z80", "z80", "", task="mirror"),
    Case(UEFI, "there is no task biuld", "did you mean build?", task="biuld"),
    Case("", "there is no task pak-image", "did you mean pack-image?", task="pak-image"),
    Case(
        f"pack-image:typo {UEFI}",
        "there is no task pack-image:typo",
        "doit list --all names those of the build",
    ),
    Case("", "there is no task pack-image:typo", "did you mean", task="info pack-image:typo"),
    Case("", "there is no task pack-*x", "doit list names", task="pack-*x"),
    Case("--no-such", "has no such option: --no-such", "doit help build explains"),
]


AT_MIRROR = "distro=archlinux repo-url-parent=MIRROR"
DATABASE = "/archlinux/core/os/x86_64/core.db"
GOOD = {
    f"/archlinux/{repository}/os/x86_64/{file}": content
    for path, content in SERVED.items()
    for _, repository, file in (path.split("/"),)
}
"""What a mirror has whose database of two repositories can be read."""
PAGE = b"\r\n<!DOCTYPE html><html><head><title>Hotel &amp; Bar</title></head>Log in</html>"
FILE = f"/archlinux/core/os/x86_64/{KEYRING.file}"

MIRRORS = [
    Case("distro=archlinux repo-url-parent=SILENT", "core.db cannot be reached", "the network"),
    Case(
        "distro=archlinux repo-url-parent=http://nowhere.invalid",
        "core.db cannot be reached",
        "the spelling of its name, the network and /etc/resolv.conf",
    ),
    Case(AT_MIRROR, "404 Not Found", "does not have this repository", pages={}),
    Case(AT_MIRROR, "the page 'Hotel & Bar' came in place", "a browser", pages={DATABASE: PAGE}),
    Case(AT_MIRROR, "a web page came in", "a browser", pages={DATABASE: b"<HTML>denied"}),
    Case(AT_MIRROR, "core.db is not a sync database", "portal", pages={DATABASE: b"gibberish"}),
    Case(AT_MIRROR, "core.db is not a sync database", "portal", pages={DATABASE: b""}),
    Case(AT_MIRROR, "core.db is not a sync database", "", pages={DATABASE: b"\x1f\x8b\x08"}),
    Case(AT_MIRROR, "503", "try again later", plan=("503",) * 9, pages=GOOD),
    Case(AT_MIRROR, "403", "does not serve this machine", plan=("403",) * 9, pages=GOOD),
    Case(AT_MIRROR, "511", "a browser", plan=("511",) * 9, pages=GOOD),
    Case(AT_MIRROR, "407", "name and password", plan=("407",) * 9, pages=GOOD),
    Case(
        "distro=archlinux repo-url-parent=http://mirror.invalid",
        "the proxy failed",
        "http_proxy=http://127.0.0.1:",
        environment={"http_proxy": "SILENT"},
    ),
    Case(
        "distro=archlinux repo-url-parent=http://mirror.invalid",
        "the proxy failed",
        "the right one: http_proxy=http://127.0.0.1:x",
        environment={"http_proxy": "http://me:secret@127.0.0.1:x"},
    ),
    Case(
        "distro=archlinux repo-url-parent=http://mirror.invalid",
        "unsupported scheme",
        "the right one: http_proxy=ftp://127.0.0.1:1",
        environment={"http_proxy": "ftp://127.0.0.1:1"},
    ),
    Case(
        "distro=archlinux repo-url-parent=https://mirror.invalid",
        "the file of certificate authorities is missing: /none",
        "unset REQUESTS_CA_BUNDLE, or name a file",
        environment={"REQUESTS_CA_BUNDLE": "/none", "CURL_CA_BUNDLE": ""},
    ),
    Case(
        AT_MIRROR,
        f"no mirror has the package {KEYRING} (any more)",
        "one that keeps old packages",
        pages={path: content for path, content in GOOD.items() if path != FILE},
    ),
    Case(AT_MIRROR, "the page 'Hotel & Bar'", "a browser", pages={**GOOD, FILE: PAGE}),
    Case(AT_MIRROR, "its database says", "the mirror is being", pages={**GOOD, FILE: b"short"}),
    Case(
        AT_MIRROR,
        "has sha256",
        "the file or the database was changed",
        pages={**GOOD, FILE: bytes(len(GOOD[FILE]))},
    ),
    Case(
        AT_MIRROR,
        "broke off",
        "complete files are kept",
        plan=("", *("cut 100",) * 9),
        pages=GOOD,
    ),
    Case(
        f"{AT_MIRROR} repo-url-corr=http://127.0.0.1:1/x",
        "Arch Linux has no repository corr",
        "repo-url-NAME= is for core, extra",
        pages=GOOD,
    ),
    Case("distro=archlinux offline=yes", "are not in the cache", "once without offline=yes"),
]

HERE = "from tests.support import namespaced\nnamespaced.enter_outer(0)\n"
CACHE = "from aimager.sandbox import syscalls\nimport os\nfrom pathlib import Path\n" + HERE
NONE = "distro=archlinux offline=yes"
HOSTS = [
    Case(
        NONE,
        "refused a user namespace",
        "docker run",
        f"from tests.support import namespaced\nnamespaced.forbid({UNSHARE})\n",
    ),
    Case(
        NONE,
        "refused a mount tree",
        "podman run",
        f"from tests.support import namespaced\nnamespaced.forbid({MOUNT})\n",
    ),
    Case(
        NONE,
        "user.max_user_namespaces is 0",
        "sysctl -w",
        f"from pathlib import Path\n{HERE}"
        "Path('/proc/sys/user/max_user_namespaces').write_text('0')\n",
    ),
    Case(NONE, "root has only 1 uids here", "a map of at least 65536 ids", HERE),
    Case(NONE, "the folder", "AIMAGER_CACHE", environment={"AIMAGER_CACHE": "HERE/text.txt"}),
    Case(NONE, "is not a time in seconds", "date", environment={"SOURCE_DATE_EPOCH": "yesterday"}),
    Case(
        NONE,
        "is mounted noexec",
        "without noexec",
        CACHE + "syscalls.mount('tmpfs', os.environ['AIMAGER_CACHE'], 'tmpfs', 8)\n",
    ),
    Case(
        NONE,
        "No space left on device",
        "make room",
        CACHE + "syscalls.mount('tmpfs', os.environ['AIMAGER_CACHE'], 'tmpfs', 0, 'nr_inodes=1')\n",
    ),
    Case(
        NONE,
        "cannot be written",
        "AIMAGER_CACHE",
        CACHE + "syscalls.mount('tmpfs', os.environ['AIMAGER_CACHE'], 'tmpfs', 1)\n",
    ),
]
