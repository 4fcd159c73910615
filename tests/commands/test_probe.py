"""Tests of the boot probe, against scripts that stand in for QEMU, and against QEMU's firmware."""

import os
import shlex
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from aimager.commands.boot import qemu
from aimager.commands.boot.probe import BootProbe
from aimager.commands.boot.raspberry_pi import Kernel
from aimager.errors import CommandError, HostError, ImageError
from aimager.files import grow_copy
from aimager.model.architecture import Architecture
from aimager.model.board import Firmware

LOGIN = r"""
printf '\033[0;32m[  OK  ]\033[0m Reached target\r\n\r\nArch Linux (ttyS0)\r\n\r\nprobe '
sleep 0.1; printf 'login: '; read -r user
printf 'Password: '; read -r password; printf '\r\n'
[ "$user:$password" = alice:secret ] || printf '\r\nLogin incorrect\r\n\r\nprobe login: '
printf '\033]3008;start=1\033\\Last login: never\r\n\033[?2004h[alice@probe ~]$ '
printf '[    9.100000] audit: a\r\n'
read -r line; printf '%s\r\n\033[?2004l' "$line"
exec bash --norc --noprofile
"""

ENOUGH = 900.0
"""Seconds for what comes at once, however much else the machine does."""

Fake = Callable[..., BootProbe]


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Fake:
    """Makes a probe whose QEMU is a shell script."""
    image = tmp_path / "disk.img"
    image.write_bytes(b"image")
    script = tmp_path / "qemu"
    monkeypatch.setattr(qemu, "find_qemu_system", lambda architecture: script)

    def make(text: str, disk_size: int | None = None) -> BootProbe:
        script.write_text(f"#!/bin/bash\n{text}")
        script.chmod(0o755)
        log = tmp_path / "log" / "boot.log"
        firmware = Firmware.bios  # which needs no file
        return BootProbe(
            Architecture.x86_64, image, log=log, firmware=firmware, disk_size=disk_size
        )

    return make


def test_a_good_boot(fake: Fake) -> None:
    with fake(LOGIN) as guest:
        guest.wait_for_login(ENOUGH)
        guest.log_in("alice", "secret", ENOUGH)
        assert guest.run("echo one; echo two >&2") == "one\ntwo"
        assert guest.run("printf '  no newline'") == "  no newline"
        assert guest.run("printf 'run[    9.876543] audit: b\\nning'") == "running"
        assert guest.run("cd /; true") == ""
        assert guest.run("pwd") == "/"
        assert guest.run("fail() { return 3; }; echo grüße; fail", check=False) == "grüße"
        with pytest.raises(CommandError, match=r"(?s)status 3.*reason"):
            guest.run("echo reason; fail")
    assert "Arch Linux" in guest.log.read_text()
    assert "\x1b" not in guest.output


@pytest.mark.parametrize(
    ("menu", "answer"),
    [
        (r"\033[27;20HBoot in 3 s.\033[27;20HBoot in 2 s.", ""),
        (r"Automatic boot in \033[0;1m3\033[0m seconds...", ""),
        (r"1:\tArch Linux\r\nEnter choice: ", "1"),
    ],
    ids=["systemd-boot", "syslinux", "U-Boot"],
)
def test_a_menu_does_not_wait(fake: Fake, menu: str, answer: str) -> None:
    with fake(
        f"printf '{menu}'; read -r line; [ \"$line\" = '{answer}' ] || exit\n{LOGIN}"
    ) as guest:
        guest.wait_for_login(ENOUGH)
        guest.log_in("alice", "secret", ENOUGH)


def test_a_kernel_takes_the_place_of_firmware(fake: Fake) -> None:
    probe = fake(LOGIN)
    probe.firmware = Firmware.uefi
    probe.kernel = Kernel(Path("/boot/Image"), Path("/boot/initramfs"), "root=/dev/vda2 rw")
    with probe as guest:
        guest.wait_for_login(ENOUGH)
    command = shlex.split(guest.log.read_text().splitlines()[0])
    assert command[command.index("-append") + 1] == "root=/dev/vda2 rw"
    assert command[command.index("-kernel") + 1] == "/boot/Image"
    assert not [word for word in command if "pflash" in word]


@pytest.mark.parametrize("kvm", [True, False], ids=["kvm", "emulated"])
def test_cpus_that_are_emulated_do_not_wait_for_each_other(fake: Fake, kvm: bool) -> None:
    probe = fake(LOGIN)
    probe.kvm = kvm
    with probe as guest:
        guest.wait_for_login(ENOUGH)
    command = shlex.split(guest.log.read_text().splitlines()[0])
    assert command[command.index("-smp") + 1] == ("2" if kvm else "1")


def test_a_raspberry_pi_that_qemu_has_not(fake: Fake) -> None:
    probe = fake(LOGIN)
    probe.firmware = Firmware.raspberry_pi
    with pytest.raises(HostError, match="QEMU has no Raspberry Pi"), probe:
        pass


def test_a_refused_login(fake: Fake) -> None:
    with fake(LOGIN) as guest, pytest.raises(ImageError, match="alice cannot log in"):
        guest.wait_for_login(ENOUGH)
        guest.log_in("alice", "wrong", ENOUGH)


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("[    1.0] Kernel panic - not syncing: VFS", "kernel panicked"),
        ("You are in emergency mode. After logging in", "emergency mode"),
        ("-- Press any key to proceed --", "asks a question"),
        ("UEFI Interactive Shell v2.2", "found nothing to boot"),
        ("No bootable device.", "found nothing to boot"),
        ("=> ", "found nothing to boot"),
        ("sh: can't access tty; job control turned off", "initramfs gave up"),
    ],
)
def test_a_dead_end(fake: Fake, said: str, told: str) -> None:
    with (
        fake(f'echo before; echo "{said}"; exec sleep 6000') as guest,
        pytest.raises(ImageError, match=rf"(?s){told}.*before.*hint: .*boot\.log"),
    ):
        guest.wait_for_login(ENOUGH)


def test_qemu_that_ends(fake: Fake) -> None:
    with (
        fake("echo no such machine >&2; exit 7") as guest,
        pytest.raises(ImageError, match=r"(?s)status 7.*no such machine"),
    ):
        guest.wait_for_login(ENOUGH)


def test_a_boot_that_hangs_and_is_ended(fake: Fake) -> None:
    with (
        fake("echo starting; exec sleep 6000") as guest,
        pytest.raises(ImageError, match="no login prompt came within 1 seconds"),
    ):
        guest.wait_for_login(1)
    assert guest._qemu.returncode == -signal.SIGKILL, "it has ended, and was waited for"


def test_power_off(fake: Fake) -> None:
    with fake('read -r line; [[ $line == *"systemctl poweroff"* ]] && echo off') as guest:
        guest.power_off(timeout=ENOUGH)
    assert guest.output == "off\n"
    with (
        fake("exec sleep 6000") as guest,
        pytest.raises(ImageError, match="did not switch itself off"),
    ):
        guest.power_off(timeout=0.2)


def test_a_larger_disk(fake: Fake, tmp_path: Path) -> None:
    find = r"""for word; do case $word in if=none,*) word=${word#*file=}; stat -c %s "${word%%,*}";
        echo changed >"${word%%,*}"; esac; done; printf '\r\nprobe login: '; sleep 60"""
    with fake(find, disk_size=1 << 20) as guest:
        guest.wait_for_login(ENOUGH)
        assert f"{1 << 20}\n" in guest.output
    assert (tmp_path / "disk.img").read_bytes() == b"image"
    assert [path.name for path in (tmp_path / "log").iterdir()] == ["boot.log"]


def test_grow_copy_never_shrinks(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"image")
    grow_copy(tmp_path / "a", tmp_path / "b", 2)
    assert (tmp_path / "b").read_bytes() == b"image"


@pytest.mark.parametrize(
    ("architecture", "firmware"),
    [
        (Architecture.x86_64, Firmware.uefi),
        (Architecture.x86_64, Firmware.bios),
        (Architecture.i686, Firmware.bios),
        (Architecture.aarch64, Firmware.uefi),
        (Architecture.aarch64, Firmware.u_boot),
        (Architecture.armv7h, Firmware.u_boot),
        (Architecture.riscv64, Firmware.uefi),
        (Architecture.riscv64, Firmware.u_boot),
        (Architecture.loong64, Firmware.uefi),
    ],
    ids="-".join,
)
def test_the_firmware_starts(
    architecture: Architecture, firmware: Firmware, tmp_path: Path
) -> None:
    try:
        qemu.check(architecture, firmware)
    except HostError as error:
        pytest.skip(str(error))
    image = tmp_path / "disk.img"
    image.touch()
    os.truncate(image, 1 << 20)
    log = tmp_path / "boot.log"
    with (
        BootProbe(architecture, image, log=log, firmware=firmware, network=False) as machine,
        pytest.raises(ImageError, match="firmware found nothing to boot"),
    ):
        machine.wait_for_login(ENOUGH)
