"""Commands that each borrowed package's programs run in a foreign root, both ways."""

from dataclasses import dataclass
from pathlib import Path

from aimager import process
from aimager.model.architecture import Architecture
from aimager.model.lock import read_lock
from aimager.sandbox.borrowed_root import open_toolbox
from aimager.sandbox.chroot import chroot
from aimager.sandbox.namespace import call
from aimager.sandbox.native_programs import lending
from aimager.sandbox.tree import Tree
from aimager.system.layers import lay_layers

_SOME = "/etc/services /etc/protocols /usr/share/zoneinfo/Europe/Berlin"

COMMANDS = {
    "bash": r"""
        echo "${HOSTTYPE/%arm/armv7l} ${MACHTYPE/#arm-/armv7l-} $OSTYPE $0"  # Debian says arm
        a=(c b a); echo "${a[@]^^} ${#a[@]} $((7 ** 9 % 1000))"
        [[ x=abc =~ b(.) ]] && echo "${BASH_REMATCH[1]}"
        printf '%s %05d %x %.3f %q\n' a 42 255 1.5 "it's"
        exec -a other bash -c 'echo "$0"' """,
    "bzip2": f"bzip2 -9c {_SOME} | sha256sum; bzip2 -c /etc/services | bunzip2 | cksum",
    "coreutils": f"""
        sort -u /etc/services | b2sum; LC_ALL=C sort -k2,2n -t/ /etc/services | md5sum
        stat -c '%n %a %u %g %s %Y %h %F' /usr/bin/* | sha512sum; ls -laR /etc /usr/share | cksum
        date -u -d @86400 -R; expr 6 '*' 7; factor 1234567890; wc {_SOME}; sum -r {_SOME}
        echo abc | base64 | tr A-Z a-z; fold -w 7 /etc/protocols | tac | uniq -c | sha1sum
        install -d -m 2750 -g 50 /tmp/d; mkfifo /tmp/d/f; stat -c '%A %g' /tmp/d /tmp/d/f
        df / | head -n 1; id; basename /a/b.c .c; shuf -n 5 --random-source=/etc/services -i 1-99
        env -i A=1 PATH=/usr/bin env | sort; ls /nowhere; echo $?""",
    "cpio": "cd /etc; find . -xdev -type f | sort | cpio -o -H newc --reproducible | sha256sum",
    "diffutils": "diff -u /etc/passwd /etc/group; cmp /etc/passwd /etc/group; echo $?",
    "file": "cd /usr/bin; file -- *; file -bi /etc/services; file /usr/share/zoneinfo/Europe/*",
    "findutils": """
        find / -xdev -type f -size +20k -printf '%p %s %m %U %T@ %i\\n' | sed 's/ [0-9]*$//' |
            sort | md5sum
        find /etc -xdev -print0 | sort -z | xargs -0 -n 7 echo | cksum""",
    "gawk": """
        awk -F: '{ s += $3; n[$7]++ } END { print s; for (k in n) print n[k] | "sort" }' /etc/passwd
        awk 'BEGIN { srand(1); print rand(), sqrt(2), 2 ^ 53 + 1, substr("abc", 2), sin(1) }'""",
    "gettext": "gettext -d bash 'no such text'; ngettext a b 2; echo '$HOME $X' | envsubst",
    "glibc": r"""
        getent passwd root; getent group; getent services ssh; getent protocols tcp
        mkdir /tmp/l; localedef -c -i C -f ISO-8859-1 /tmp/l/latin  # builds compile larger ones
        find /tmp/l -type f | sort | xargs sha256sum; mkdir -p /tmp/p/usr/lib/locale
        localedef -c --prefix=/tmp/p -i C -f ISO-8859-1 other
        sha256sum /tmp/p/usr/lib/locale/locale-archive; export LOCPATH=/tmp/l
        printf 'z\na\n\344\n' | LC_ALL=latin sort | base64; printf '\344' | LC_ALL=latin wc -m""",
    "gnupg": """
        export GNUPGHOME=/tmp/g; mkdir -m 700 /tmp/g; gpg --print-md sha512 /etc/services
        gpg --import /usr/share/pacman/keyrings/*.gpg 2>/dev/null
        gpg --list-keys --with-colons | grep -v ^tru; gpg --export | sha256sum
        gpg --batch --passphrase '' --quick-gen-key probe 2>/dev/null; echo $?
        gpg --list-secret-keys | grep -c ^sec; echo hello > /tmp/f
        gpg --detach-sign /tmp/f && gpg --verify /tmp/f.sig 2>&1 | grep -c Good
        gpgconf --list-dirs | grep -v ^libdir: ; gpgconf --kill all""",
    "grep": "grep -cE '^[a-z]+' /etc/services; grep -oP '\\d+(?=/udp)' /etc/services | cksum",
    "gzip": f"gzip -9nc {_SOME} | sha256sum; gzip -nc /etc/services | gunzip | cksum",
    "kmod": "modprobe -c | sha256sum; kmod static-nodes; depmod 0-none; echo $?; lsmod | head -n 1",
    "libarchive": """
        cd /usr/share/zoneinfo; for how in xz zstd bzip2 'gzip --options gzip:!timestamp'; do
            bsdtar -c --$how --format ustar Europe | sha256sum
        done; bsdtar -cf - --format mtree Asia | sha256sum""",
    "openssl": """
        openssl version; openssl dgst -sha3-256 /etc/services; openssl passwd -6 -salt abc secret
        openssl enc -aes-256-cbc -pbkdf2 -S 0011223344556677 -k x -in /etc/services | sha256sum
        openssl genpkey -algorithm ed25519 | openssl pkey -text -noout | wc -l""",
    "pacman": "vercmp 1.0-1 1.0.1-1; vercmp 1:1-1 2-1; vercmp 1.0rc1-1 1.0-1",
    "pam": """
        useradd -m -u 4001 pammed; echo pammed:secret | chpasswd; echo $?
        grep -c '^pammed:[$]' /etc/shadow; unix_chkpwd root nullok < /dev/null; echo $?""",
    "procps-ng": "ps -o pid= -p 1; free | head -n 1; sysctl -n kernel.ostype; pgrep -c nothing",
    "sed": "sed -nE 's/^([a-z]+)\\s+([0-9]+).*/\\2 \\1/p' /etc/services; sed y/a/b/ /etc/hosts",
    "shadow": """
        groupadd -r -g 450 probes; useradd -m -u 4000 -g probes -c 'A Name' -s /bin/sh probe
        usermod -aG users probe; chage -M 90 probe; gpasswd -a probe root; chpasswd -e <<< 'probe:!'
        grep probe /etc/passwd /etc/group /etc/shadow /etc/gshadow /etc/subuid; ls -An /home/probe
        stat -c '%a %u %g' /home/probe
        grpck -r; pwck -r | sort; userdel probe; useradd root; echo $?""",
    "systemd": """
        systemctl is-enabled getty@.service; systemctl --root=/ enable systemd-networkd.service 2>&1
        systemctl list-unit-files --no-pager | sha256sum; systemctl cat getty@.service | cksum
        systemd-escape --path /a/b-c
        systemd-tmpfiles --cat-config | sha256sum; systemd-tmpfiles --create --prefix=/var/lib 2>&1
        systemd-sysusers 2>&1  # each build has its hwdb compiled
        systemd-hwdb query 'usb:v1D6Bp0001*'; journalctl --update-catalog
        sha256sum /var/lib/systemd/catalog/database
        find /var/lib/systemd -printf '%p %m %s %u\\n' | sort
        systemd-machine-id-setup --print --root=/ | wc -c; systemd-notify --booted; echo $?""",
    "tar": """
        cd /usr/share; tar --sort=name -c zoneinfo | sha256sum; tar -c zoneinfo | tar -t | cksum
        tar --mtime=@1 --zstd -cf /tmp/t /etc/services; tar -tvf /tmp/t""",
    "util-linux": """
        getopt -o a:b -l long: -- -b x --long 1 -a 2 -- y; mountpoint /proc; namei -l /bin/sh
        flock /tmp/lock echo locked; findmnt -no FSTYPE /proc; mcookie | wc -c; echo abc | rev
        truncate -s 64M /tmp/swap; mkswap -U clear /tmp/swap; sha256sum /tmp/swap
        blkid -o export -p /tmp/swap; whereis -b bash; lsblk --version""",
    "xz": f"for o in '-6 -T1' '-9e -T1' -T2 --lzma1; do xz $o -c {_SOME} | sha256sum; done",
    "zstd": f"for o in -19 '-3 -T2' -5; do cat {_SOME} | zstd $o -c | sha256sum; done",
}


@dataclass(frozen=True)
class Trial:
    """Run `COMMANDS` in the root of ``systems``, a root archive and layers, with programs of
    ``borrowed`` or by QEMU alone."""

    work: Path
    systems: tuple[Path, ...]
    borrowed: Path
    lock: Path
    architecture: Architecture
    borrow: bool
    log: Path


def try_commands(trial: Trial) -> dict[str, str]:
    """What the commands said, by package; the log tells which programs were borrowed."""
    root = trial.work / "root"
    said = {}
    with trial.log.open("wb") as log:
        tools = open_toolbox(trial.borrowed, trial.work, log)
        lay_layers(tools, trial.systems, root)
        lock = read_lock(trial.lock)
        with (
            chroot(Tree(root)) as bare,
            lending(tools, bare, trial.architecture, lock, borrow=trial.borrow, log=log) as image,
        ):
            jail = image.jail()
            for package, script in COMMANDS.items():
                argv = ["bash", "-c", f"exec 2>&1; {script}\ntrue"]
                said[package] = process.run(argv, within=jail)
    return said


def tried(trial: Trial) -> dict[str, str]:
    """The same, in a namespace of its own."""
    return call(
        try_commands,
        trial,
        work=trial.work,
        reads=[*trial.systems, trial.borrowed, trial.lock],
        keeps=[trial.log],
        foreign=trial.architecture,
        qemu_later=True,
    )
