"""Why a kernel refuses namespaces and mounts to this user, and what to do about it."""

import errno
from collections.abc import Callable
from pathlib import Path

from aimager.errors import HostError

Setting = Callable[[str], str]
"""What the machine says of ``sysctl:NAME`` or ``status:FIELD``; empty: it does not exist."""

_KINDS = ("user", "mnt", "pid", "uts", "ipc", "net")

_CONTAINER = (
    "docker run --security-opt seccomp=unconfined --security-opt apparmor=unconfined "
    "--security-opt systempaths=unconfined, podman run --security-opt seccomp=unconfined "
    "--security-opt unmask=ALL, or either with --privileged"
)

RESTRICTION = "kernel.apparmor_restrict_unprivileged_userns"
"""Ubuntu's sysctl: 1 takes from ordinary users what root of a user namespace may do."""

_PROFILE = """\
abi <abi/4.0>,
include <tunables/global>

profile aimager {program} flags=(unconfined) {{
  userns,
  include if exists <local/aimager>
}}
"""


def read_setting(name: str) -> str:
    """A sysctl (``sysctl:a.b``) or a field of /proc/self/status (``status:Name``)."""
    source, _, key = name.partition(":")
    try:
        if source == "sysctl":
            return Path("/proc/sys", *key.split(".")).read_text().strip()
        for line in Path("/proc/self/status").read_text().splitlines():
            field, _, value = line.partition(":")
            if field == key:
                return value.strip()
    except OSError:
        pass
    return ""


def apparmor_restricts(setting: Setting) -> bool:
    """Whether AppArmor restricts user namespaces that ordinary users make."""
    return setting(f"sysctl:{RESTRICTION}") == "1"


def allow_in_apparmor(program: Path) -> str:
    """What root types to allow them: to all, or by a profile to ``program`` alone.

    That of Ubuntu's own programs is of this form (apparmor.d(5), "flags", "userns").
    """
    place = "/etc/apparmor.d/aimager"
    return (
        f"as root: sysctl -w {RESTRICTION}=0\n"
        f"or, for {program} alone, as root:\ncat > {place} << 'END'\n"
        f"{_PROFILE.format(program=program)}END\napparmor_parser --replace {place}"
    )


def explain(doing: str, error: OSError, setting: Setting = read_setting) -> HostError:
    """The error to raise when ``doing`` met ``error``, naming what most probably forbids it.

    Ubuntu's AppArmor restriction lets unshare(2) succeed and refuses the first mount instead:
    https://ubuntu.com/blog/ubuntu-23-10-restricted-unprivileged-user-namespaces
    """
    reason, hint = _cause(error, setting)
    message = f"the kernel refused {doing}: {error.strerror}"
    return HostError(f"{message} ({reason})" if reason else message, hint=hint)


def _cause(error: OSError, setting: Setting) -> tuple[str, str]:
    if error.errno == errno.ENOSPC:
        limits = [f"user.max_{kind}_namespaces" for kind in _KINDS]
        limit = next((name for name in limits if setting(f"sysctl:{name}") == "0"), limits[0])
        reason = f"{limit} is {setting(f'sysctl:{limit}') or 'reached'}"
        return (reason, f"as root: sysctl -w {limit}=65536")
    if error.errno in (errno.EINVAL, errno.ENOSYS):
        return (
            "the kernel lacks a kind of namespace or file system",
            "use a kernel with CONFIG_USER_NS, CONFIG_PID_NS, CONFIG_NET_NS and CONFIG_TMPFS",
        )
    if setting("sysctl:kernel.unprivileged_userns_clone") == "0":
        return (
            "kernel.unprivileged_userns_clone is 0",
            "as root: sysctl -w kernel.unprivileged_userns_clone=1",
        )
    if apparmor_restricts(setting):
        return (
            f"{RESTRICTION} is 1",
            f"as root: sysctl -w {RESTRICTION}=0; or doit doctor prints a profile for AppArmor",
        )
    if setting("status:Seccomp") == "2":
        return ("a seccomp filter is set", f"if this is a container, start it with {_CONTAINER}")
    return ("", f"if this is a container, start it with {_CONTAINER}; in a chroot nothing helps")
