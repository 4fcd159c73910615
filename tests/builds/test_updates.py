"""Images update themselves as Arch does: pacman -Syu brings a newer kernel, which boots then."""

import re
import tarfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from aimager import stand_in
from aimager.commands.boot.probe import BootProbe
from aimager.commands.boot.qemu import check, kvm_works
from aimager.commands.boot.raspberry_pi import card_size
from aimager.config.platform import find_platform
from aimager.files import grow_copy
from aimager.model.board import Board, Firmware
from aimager.model.distro import Platform
from aimager.stand_in.signing import SigningKey, open_key
from boards import BOARDS
from tests.support import mirror_variant
from tests.support.booting import SPARED, WORDS, build, see_it_run, spared
from tests.support.older_kernels import put_older_kernel
from tests.support.runs import Doit

MATCHING = ["x64-uefi", "x64-legacy", "aarch64-uefi", "aarch64-uboot"]
"""The boards that have a network in QEMU; but for the first, they are emulated for minutes."""

HOST = "10.0.2.2"
"""The machine that runs QEMU, as its guest sees it (QEMU's "Using the user mode network stack")."""

NETWORK = ("-netdev", "user,id=net", "-device", "virtio-net-pci,netdev=net,romfile=")

FIND_NETWORK = (
    "udevadm trigger --action=add --subsystem-match=virtio --subsystem-match=net;"
    " until ip route | grep -q default; do sleep 0.2; done"
)
"""What `spared` has udev leave out when it starts."""

ON_CARD = "srv/mirror"
"""Where a machine without a network has what it updates itself from."""

ONE_KEY = (
    "gpg --homedir /etc/pacman.d/gnupg --batch --quiet --passphrase ''"
    " --quick-generate-key pacman@localhost ed25519 sign never"
    " && pacman-key --init && pacman-key --add /root/key && pacman-key --lsign-key {key}"
)
"""What the service of the first boot does, with one key."""

UPDATE = "pacman -Syu --noconfirm --noprogressbar"

INSTALLED = "pacman -Q 2>/dev/null; ls -l /boot"

FREE = "free=$(df --output=avail --block-size=1 /boot | tail -n 1)"

BOOTED_BY = (
    "cat /boot/loader/entries/*.conf /boot/syslinux/syslinux.cfg /boot/extlinux/extlinux.conf"
    " /boot/config.txt /boot/cmdline.txt 2>/dev/null | sha256sum"
)
"""What the firmware and boot loaders read beside kernels and initramfs images."""

FILLED = "x64-uefi"
"""The board whose /boot is filled first."""

WITH_KEYRING = tuple(unit for unit in SPARED if unit != "pacman-keyring.service")


@dataclass(frozen=True)
class Days:
    """A board on its platform, and the stand-in mirror as it was before a newer ``kernel`` came."""

    board: Board
    platform: Platform
    today: Path
    earlier: Path

    @property
    def kernel(self) -> mirror_variant.Entry:
        """What the mirror has today."""
        return mirror_variant.find(self.today, self.platform, self.board.kernels[0])

    def server(self, address: str) -> str:
        """The line of a list of mirrors for a mirror at ``address``."""
        path = self.platform.distro.mirrors.path
        return f"Server = {address}/{path}"

    def pack_newer(self, archive: Path) -> Path:
        """An overlay that has today's databases and kernel, as on a mirror, below `ON_CARD`."""
        package = self.kernel.file
        signature = package.with_name(f"{package.name}.sig")
        with tarfile.open(archive, "w") as overlay:
            for path in (*mirror_variant.databases(self.today, self.platform), package, signature):
                overlay.add(path, f"{ON_CARD}/{path.relative_to(self.today)}")
        return archive


@pytest.fixture(scope="module")
def key(mirror: Path) -> Iterator[SigningKey]:
    """The key that signs the mirror's packages."""
    with open_key(mirror.with_name(f"{mirror.name}.work") / "key") as key:
        yield key


@pytest.fixture
def days_of(
    mirror: Path, mirror_for: Callable[[str], Path], key: SigningKey, tmp_path: Path
) -> Callable[[str], Days]:
    """Makes the earlier mirror for a board."""

    def make(name: str) -> Days:
        board = BOARDS[name]
        assert board.architecture
        today = mirror_for(board.architecture)
        platform = find_platform(board, None, None, Path("/"))
        earlier = mirror_variant.copy_mirror(today, tmp_path / "earlier")
        work = mirror.with_name(f"{mirror.name}.work")
        put_older_kernel(earlier, work, key, platform, board.kernels[0])
        return Days(board, platform, today, earlier)

    return make


def build_earlier(days: Days, ports: Doit, mirror_for: Callable[[str], Path], *words: str) -> Path:
    """A copy of the image of that day, of the size of a card."""
    assert days.board.architecture
    native = kvm_works(days.board.architecture)
    masked = spared(ports.folder, WITH_KEYRING if native else SPARED)
    told = "append-all=" + " ".join((*days.board.command_line, WORDS))
    with stand_in.serve(days.earlier) as url:
        built = build(ports.at(url), mirror_for, days.board.id, told, masked, *words)
    card = days.earlier.with_name("card.img")
    image = built.folder / "disk.img"
    grow_copy(image, card, card_size(image.stat().st_size))
    return card


def point_to(days: Days, probe: BootProbe, address: str, key: SigningKey) -> None:
    """Have its pacman take packages from a mirror at ``address``, signed by ``key``.

    An emulated machine would take minutes for all the keys of its first boot: it gets this alone.
    """
    listed = days.platform.distro.mirrorlist
    probe.run(f"echo '{days.server(address)}' > /{listed}")
    if probe.kvm:
        probe.run("systemctl start pacman-keyring", timeout=1200)
        return
    text = key.export(armored=True).decode()
    probe.run("mkdir -m 755 /etc/pacman.d/gnupg; touch /etc/pacman.d/gnupg/pubring.gpg")
    probe.run(f"cat > /root/key <<'END'\n{text}\nEND")
    probe.run(ONE_KEY.format(key=key.fingerprint), timeout=1200)


def see_it_refuse(probe: BootProbe) -> None:
    """With a /boot that is nearly full it tells so, and installs nothing."""
    before = probe.run(INSTALLED)
    probe.run(f"{FREE} && fallocate --length $((free - 10000000)) /boot/full")
    said = probe.run(f"! {UPDATE}", timeout=1800)
    assert re.search(r"^/boot has \d+ MB free, .*: nothing was changed\.\r?$", said, re.MULTILINE)
    probe.run("rm /boot/full")
    assert probe.run(INSTALLED) == before


def see_it_update(days: Days, probe: BootProbe) -> None:
    """It has the earlier kernel, and installs today's as its user would."""
    version = days.kernel.version
    release, _, _ = probe.run("uname -r").partition("+")
    assert not version.startswith(f"{release}-")
    told = probe.run(BOOTED_BY)
    probe.run(UPDATE, timeout=1800)
    package = days.board.kernels[0]
    assert probe.run(f"pacman -Q {package}") == f"{package} {version}"
    assert probe.run(BOOTED_BY) == told, "boot entries need no change"
    probe.power_off(timeout=600)


def see_it_updated(days: Days, probe: BootProbe) -> None:
    """It runs today's kernel, and all of it comes up."""
    assert set(days.board.command_line) <= {*see_it_run(probe), "console=serial0,115200"}
    release, _, _ = probe.run("uname -r").partition("+")
    assert days.kernel.version.startswith(f"{release}-")


@pytest.mark.parametrize(
    "name", [MATCHING[0], *(pytest.param(name, marks=pytest.mark.nightly) for name in MATCHING[1:])]
)
def test_it_updates_itself(
    name: str,
    days_of: Callable[[str], Days],
    ports: Doit,
    mirror_for: Callable[[str], Path],
    mirror_url: str,
    key: SigningKey,
) -> None:
    days = days_of(name)
    architecture = days.board.architecture
    assert architecture
    check(architecture, days.board.firmware[0])
    card = build_earlier(days, ports, mirror_for)

    def boot(part: str, options: Sequence[str] = ()) -> BootProbe:
        return BootProbe(
            architecture,
            card,
            log=ports.cache / "log" / f"update-{name}-{part}.log",
            firmware=days.board.firmware[0],
            snapshot=False,
            network=False,
            options=options,
        )

    with boot("before", NETWORK) as probe:
        see_it_run(probe)
        probe.run(FIND_NETWORK, timeout=600)
        point_to(days, probe, mirror_url.replace("127.0.0.1", HOST), key)
        if name == FILLED:
            see_it_refuse(probe)
        see_it_update(days, probe)
    with boot("after") as probe:  # without a network, for which nothing may wait
        see_it_updated(days, probe)


@pytest.mark.nightly
def test_a_raspberry_pi_updates_itself(
    days_of: Callable[[str], Days],
    ports: Doit,
    mirror_for: Callable[[str], Path],
    key: SigningKey,
) -> None:
    """From its card, for QEMU's has no network that kernels of the stand-in's know."""
    days = days_of("rpi3")
    overlay = days.pack_newer(days.earlier.with_name("newer.tar"))
    card = build_earlier(days, ports, mirror_for, f"overlay={overlay}", "root-size=2500MiB")

    def boot(part: str) -> BootProbe:
        assert days.board.architecture
        return BootProbe(
            days.board.architecture,
            card,
            log=ports.cache / "log" / f"update-rpi3-{part}.log",
            firmware=Firmware.raspberry_pi,
            boot_files=days.board.boot_files,
            snapshot=False,
        )

    with boot("before") as probe:
        see_it_run(probe)
        probe.run(f"date --set=@{time.time():.0f}")  # it has no clock that goes on
        point_to(days, probe, f"file:///{ON_CARD}", key)
        see_it_update(days, probe)
    with boot("after") as probe:
        see_it_updated(days, probe)
        model = probe.run("tr -d '\\0' </proc/device-tree/model")
        assert model.startswith(days.board.name)
