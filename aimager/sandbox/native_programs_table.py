"""Which of the host platform's programs may stand in for the image's own while it is built.

A program is in the table if what it does depends on its data alone, and not on the machine that it
was compiled for or runs on. Not in it are, by kind:

- what knows its machine: ``uname``, ``arch``, ``getconf``, ``lscpu``, ``setarch``, ``bootctl``,
  ``kernel-install``; ``systemd-detect-virt`` asks the CPU, and ``systemd-id128`` has the type of
  its architecture's root partition; ``stdbuf`` preloads a library
- what shows or takes C's own numbers: ``od``, ``hexdump``; ``printf``, ``seq``, ``numfmt`` have
  ``long double``, of which x86 and Arm have different ones
- what is about the image's own programs and libraries: ``ld.so``, ``ldd``, ``ldconfig``, compilers,
  and whatever loads plugins to write a cache of them
- what asks for passwords or opens sessions by PAM: ``su``, ``runuser``, ``login``, ``passwd``, and
  ``unix_chkpwd``, which is set-uid; ``chpasswd`` is there, with the kit's PAM modules
- scripts, which are the image's own and are run by the kit's ``bash``

What differs all the same: bash's ``printf`` has ``long double`` too, so more than 15 digits of a
fraction may; gawk's ``log(-1)`` is ``-nan`` on x86 and ``+nan`` on Arm; systemd's ``%a`` is the
host's architecture; and a program of the table that a user's overlay or script replaces is still
the borrowed one.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Lent:
    """The programs of ``package`` that may be borrowed: names in usr/bin, or paths with wildcards.

    ``libraries`` are packages whose versions decide the output, too.
    """

    package: str
    programs: tuple[str, ...]
    libraries: tuple[str, ...] = ()


_COREUTILS = (
    "[ b2sum base32 base64 basename basenc cat chcon chgrp chmod chown chroot cksum comm cp csplit"
    " cut date dd df dir dircolors dirname du echo env expand expr factor false fmt fold groups"
    " head hostid id install join link ln logname ls md5sum mkdir mkfifo mknod mktemp mv nice nl"
    " nohup nproc paste pathchk pinky pr printenv ptx pwd readlink realpath rm rmdir runcon"
    " sha1sum sha224sum sha256sum sha384sum sha512sum shred shuf sleep sort split stat stty sum"
    " sync tac tail tee test timeout touch tr true truncate tsort tty unexpand uniq unlink users"
    " vdir wc who whoami yes"
)
_GNUPG = (
    "dirmngr dirmngr-client gpg gpg-agent gpg-card gpg-connect-agent gpgconf gpgsm gpgtar gpgv"
    " kbxutil usr/lib/gnupg/*"
)
_SHADOW = (
    "chage chgpasswd chpasswd gpasswd groupadd groupdel groupmems groupmod grpck grpconv grpunconv"
    " pwck pwconv pwunconv useradd userdel usermod"
)
_SYSTEMD = (
    "journalctl systemctl systemd-escape systemd-hwdb systemd-machine-id-setup"
    " systemd-notify systemd-sysusers systemd-tmpfiles"
)
_UTIL_LINUX = (
    "blkid column fallocate findmnt flock getopt hardlink logger lsblk mcookie mkswap mountpoint"
    " namei rev setsid swaplabel uuidgen whereis wipefs"
)

LENT = tuple(
    Lent(package, tuple(programs.split()), tuple(libraries.split()))
    for package, programs, libraries in (
        ("bash", "bash", ""),
        ("bzip2", "bzip2 bunzip2 bzcat bzip2recover", ""),
        ("coreutils", _COREUTILS, ""),
        ("cpio", "cpio", ""),
        ("diffutils", "cmp diff diff3 sdiff", ""),
        ("file", "file", ""),
        ("findutils", "find xargs", ""),
        ("gawk", "gawk gawk-*", ""),
        ("gettext", "envsubst gettext ngettext", ""),
        ("glibc", "getent localedef", ""),
        ("gnupg", _GNUPG, ""),
        ("grep", "grep egrep fgrep", ""),
        ("gzip", "gzip", ""),
        ("kmod", "kmod", ""),
        ("libarchive", "bsdcat bsdcpio bsdtar bsdunzip", "bzip2 lz4 xz zlib zstd"),
        ("openssl", "openssl", ""),
        ("pacman", "vercmp", ""),
        ("procps-ng", "free kill pgrep pidwait pkill pmap ps pwdx sysctl uptime w watch", ""),
        ("sed", "sed", ""),
        ("shadow", _SHADOW, ""),
        ("systemd", _SYSTEMD, ""),
        ("tar", "tar", ""),
        ("util-linux", _UTIL_LINUX, ""),
        ("xz", "xz xzdec lzmainfo", ""),
        ("zstd", "zstd", ""),
    )
)
"""By package; the names are those of the files, not of links to them, which the kernel resolves."""
