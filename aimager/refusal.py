"""Why a kernel refuses namespaces and mounts to this user, and what to do about it."""

import errno
from collections.abc import Callable
from pathlib import Path

from aimager.errors import HostError

Setting = Callable[[str], str]
"""What the machine says of ``sysctl:NAME`` or ``status:FIELD``; empty: it has no such thing."""

_KINDS = ("user", "mnt", "pid", "uts", "ipc", "net")

_CONTAINER = (
    "--security-opt seccomp=unconfined --security-opt apparmor=unconfined "
    "--security-opt systempaths=unconfined, or --privileged"
)


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
    if setting("sysctl:kernel.apparmor_restrict_unprivileged_userns") == "1":
        return (
            "kernel.apparmor_restrict_unprivileged_userns is 1",
            "as root: sysctl -w kernel.apparmor_restrict_unprivileged_userns=0",
        )
    if setting("status:Seccomp") == "2":
        return ("a seccomp filter is set", f"if this is a container, start it with {_CONTAINER}")
    return ("", f"if this is a container, start it with {_CONTAINER}; in a chroot nothing helps")
