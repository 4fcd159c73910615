"""Which of the host's settings is named when the kernel refuses."""

import errno
import os

import pytest

from aimager.sandbox.restrictions import explain, read_setting


@pytest.mark.parametrize(
    ("number", "settings", "reason", "hint"),
    [
        (
            errno.EPERM,
            {"sysctl:kernel.apparmor_restrict_unprivileged_userns": "1", "status:Seccomp": "2"},
            "kernel.apparmor_restrict_unprivileged_userns is 1",
            "as root: sysctl -w kernel.apparmor_restrict_unprivileged_userns=0",
        ),
        (
            errno.EPERM,
            {"sysctl:kernel.unprivileged_userns_clone": "0"},
            "kernel.unprivileged_userns_clone is 0",
            "as root: sysctl -w kernel.unprivileged_userns_clone=1",
        ),
        (
            errno.ENOSPC,
            {"sysctl:user.max_user_namespaces": "0"},
            "user.max_user_namespaces is 0",
            "as root: sysctl -w user.max_user_namespaces=65536",
        ),
        (
            errno.ENOSPC,
            {"sysctl:user.max_user_namespaces": "99", "sysctl:user.max_net_namespaces": "0"},
            "user.max_net_namespaces is 0",
            "as root: sysctl -w user.max_net_namespaces=65536",
        ),
        (errno.EPERM, {"status:Seccomp": "2"}, "a seccomp filter is set", "--privileged"),
        (errno.EINVAL, {}, "the kernel lacks a kind of namespace", "CONFIG_USER_NS"),
        (errno.EPERM, {}, "", "if this is a container"),
    ],
)
def test_cause(number: int, settings: dict[str, str], reason: str, hint: str) -> None:
    error = OSError(number, os.strerror(number))
    explained = explain("a user namespace", error, lambda name: settings.get(name, ""))
    start = f"the kernel refused a user namespace: {os.strerror(number)}"
    assert explained.message.startswith(f"{start} ({reason}" if reason else start)
    assert hint in explained.hint


def test_settings_are_read() -> None:
    assert read_setting("sysctl:kernel.ostype") == "Linux"
    assert read_setting("sysctl:kernel.no_such_thing") == ""
    assert read_setting("status:Pid") == str(os.getpid())
    assert read_setting("status:NoSuchField") == ""
