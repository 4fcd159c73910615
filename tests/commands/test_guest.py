"""What a machine to boot on is to be like, and what this machine lacks for it."""

import socket
from pathlib import Path

import pytest

from aimager.commands.boot.guest import Guest, check_host, read_guest
from aimager.config.variables import make_words
from aimager.errors import ConfigError, HostError
from aimager.model.partition import GiB, MiB


def read(**texts: str) -> Guest:
    return read_guest(make_words({k.replace("_", "-"): v for k, v in texts.items()}, Path("/here")))


def test_a_machine_is_as_it_is_wanted() -> None:
    assert read() == Guest()
    assert read(
        memory="512M",
        cpus="4",
        disk_size="16G",
        ssh_port="2222",
        internet="yes",
        graphics="yes",
        keep="yes",
    ) == Guest(
        memory=512 * MiB,
        cpus=4,
        disk_size=16 * GiB,
        ssh_port=2222,
        internet=True,
        graphics=True,
        keep=True,
    )
    assert read(keep="no", internet="no") == Guest()


@pytest.mark.parametrize(
    ("texts", "said"),
    [
        ({"memory": "8M"}, "memory=8M is too little to boot with"),
        ({"memory": "127M"}, "memory=127M is too little"),
        ({"keep": "root.tar"}, "keep=root.tar is for doit shell"),
    ],
)
def test_what_no_machine_can_be_is_refused(
    texts: dict[str, str], said: str, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match=said):
        read_guest(make_words(texts, tmp_path))


def test_more_memory_than_there_is_is_refused() -> None:
    with pytest.raises(HostError, match="memory=16 TiB is more than this machine has"):
        check_host(Guest(memory=1 << 44))


def test_a_port_that_is_in_use_is_refused() -> None:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port = listening.getsockname()[1]
        listening.listen()
        with pytest.raises(HostError, match=f"ssh-port={port} cannot be used: Address already"):
            check_host(Guest(ssh_port=port))
    check_host(Guest(ssh_port=port))  # nobody has it any more


def test_a_port_of_root_s_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    class Refused(socket.socket):
        def bind(self, address: object, /) -> None:
            raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(socket, "socket", Refused)
    with pytest.raises(HostError, match="ssh-port=22 is below 1024, and for root alone"):
        check_host(Guest(ssh_port=22))


def test_a_window_needs_a_screen() -> None:
    with pytest.raises(HostError, match="neither DISPLAY nor WAYLAND_DISPLAY names one"):
        check_host(Guest(graphics=True), {"DISPLAY": ""})
    check_host(Guest(graphics=True), {"WAYLAND_DISPLAY": "wayland-0"})
    check_host(Guest(), {})
