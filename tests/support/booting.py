"""Images of boards, built from the stand-in mirror, and what is looked for where one was booted."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from aimager.commands.boot.probe import BootProbe
from aimager.model.board import Board
from boards import BOARDS
from tests.support.places import ROOT
from tests.support.runs import Doit

ONE_KERNEL = {"loong64-uefi"}
"""Those for whose architecture Debian may have no second version to make linux-lts of."""

PATIENCE = "systemd.default_device_timeout_sec=900 audit=0 mitigations=off init_on_alloc=0 lsm=yama"
"""An emulated machine on a busy host may need minutes for what systemd waits one and a half. The
rest spares it what no image depends on: audit records on the console; memory that is cleared before
a program clears it; security modules, and systemd's programs for one; and page tables of the
kernel's own, at whose change, with each system call, QEMU forgets where all pages are. With a
board's own words it has to be less than the 256 bytes that U-Boot takes for riscv64."""

WORDS = f"{PATIENCE} systemd.condition_needs_update=no systemd.condition_first_boot=no"
"""The same, without what is done after an upgrade and at the first boot: the boots of test_builds
and of the demonstration see that."""

SPARED = (
    *("dev-hugepages.mount", "dev-mqueue.mount", "sys-fs-fuse-connections.mount", "tmp.mount"),
    *("sys-kernel-config.mount", "sys-kernel-debug.mount", "sys-kernel-tracing.mount"),
    *(f"modprobe@{name}.service" for name in ("configfs", "dm_mod", "drm", "efi_pstore")),
    *("modprobe@fuse.service", "modprobe@loop.service", "kmod-static-nodes.service"),
    *("dbus.service", "dbus.socket", "getty@tty1.service", "pacman-keyring.service"),
    *("run-lock.mount", "systemd-homed.service", "systemd-hostnamed.socket"),
    *("systemd-journal-flush.service", "systemd-logind.service"),
    *("systemd-machine-id-commit.service", "systemd-modules-load.service"),
    *("systemd-random-seed.service", "systemd-sysctl.service"),
    *("systemd-tmpfiles-setup.service", "systemd-tmpfiles-setup-dev.service"),
    *("systemd-tmpfiles-setup-dev-early.service", "systemd-udev-load-credentials.service"),
    *("systemd-resolved.service", "systemd-timesyncd.service", "systemd-userdbd.service"),
    *("systemd-userdbd.socket", "systemd-user-sessions.service"),
)
"""Units that are the same whatever the board is. Each is a program or more that an emulated machine
starts, for a second or more: the boots of test_builds and of the demonstration have them all, and
the rest come up without."""

NETWORK = (
    *("systemd-network-generator.service", "systemd-networkd.service", "systemd-networkd.socket"),
    "systemd-networkd-persistent-storage.service",
)
"""The same of the network."""

_TRIGGER = """\
[Service]
ExecStart=
ExecStart=-/usr/bin/udevadm trigger --type=devices --action=add --subsystem-match=block
ExecStart=-/usr/bin/udevadm trigger --type=devices --action=add --subsystem-match=tty \
    --sysname-match=ttyS[01] --sysname-match=ttyAMA*
"""
"""What udev is told of when it starts: disks, and the terminals that a login prompt waits for."""


@dataclass(frozen=True)
class Image:
    """A board's image, built, and the build's words."""

    board: Board
    folder: Path


def spared(folder: Path, units: Sequence[str] = (*SPARED, *NETWORK)) -> str:
    """The word that masks ``units`` in an image, for systemd starts none whose file is empty."""
    empty, trigger = folder / "empty.unit", folder / "trigger.conf"
    empty.touch()
    trigger.write_text(_TRIGGER)
    place = "/etc/systemd/system"
    masked = [f"{empty}:{place}/{unit}" for unit in units]
    drop_in = f"{trigger}:{place}/systemd-udev-trigger.service.d/boot-proof.conf"
    return "files=" + ",".join((*masked, drop_in))


def build(doit: Doit, mirror_for: Callable[[str], Path], name: str, *words: str) -> Image:
    """The image of a board, from the stand-in mirror of its architecture; root may log in."""
    board = BOARDS[name]
    assert board.architecture
    mirror_for(board.architecture)
    word = name
    if name in ONE_KERNEL:
        name += "-one-kernel"
        word = str(doit.folder / f"{name}.py")
        text = (ROOT / f"boards/{board.id.replace('-', '_')}.py").read_text()
        own = text.replace(f'id="{board.id}"', f'id="{name}"').replace(', "linux-lts"', ",")
        Path(word).write_text(own)
    doit.build(f"board={word}", *words, "chpasswd=root:secret")
    return Image(board, doit.out / f"{board.distros[0]}-{board.architecture}-{name}")


def see_it_run(probe: BootProbe, *, boot: str = "vfat") -> list[str]:
    """Log in and see that all of it came up, with /boot in a file system ``boot``; return the
    kernel's command line."""
    probe.wait_for_login(timeout=1200)
    probe.log_in("root", "secret", timeout=600)
    state = probe.run("systemctl is-system-running --wait", timeout=1200, check=False)
    failed = probe.run("systemctl --failed --no-legend --plain")
    assert state.strip().endswith("running"), failed
    assert boot in probe.run("findmnt --noheadings --output FSTYPE --target /boot")
    return probe.run("cat /proc/cmdline").split()


def see_it_boot(
    doit: Doit, mirror_for: Callable[[str], Path], name: str, *, networkd: bool = False
) -> None:
    """A board's image boots on the machine of QEMU's that is like the board, without a network."""
    board = BOARDS[name]
    assert board.architecture
    words = "append-all=" + " ".join((*board.command_line, WORDS))
    masked = spared(doit.folder, SPARED if networkd else (*SPARED, *NETWORK))
    image = build(doit, mirror_for, name, words, masked).folder / "disk.img"
    with BootProbe(
        board.architecture,
        image,
        log=doit.cache / "log" / f"boot-{name}.log",
        firmware=board.firmware[0],
        disk_size=4 << 30,
        network=False,
    ) as probe:
        assert set(board.command_line) <= set(see_it_run(probe))
