"""What variables set up, looked at in a booted image: who logs in, networks, time and keyboard."""

import subprocess
from collections.abc import Iterator

import pytest

from aimager.commands.boot.probe import BootProbe
from aimager.commands.boot.qemu import check
from aimager.errors import HostError
from aimager.model.architecture import host_architecture
from aimager.model.board import Firmware
from boards import BOARDS
from tests.builds.test_builds import IMAGES
from tests.support.booting import PATIENCE
from tests.support.runs import Doit

HOST = host_architecture()

JOIN = """\
modprobe mac80211_hwsim radios=2 && for n in $(seq 60); do
    iwctl device wlan1 set-property Mode ap
    iwctl ap wlan1 start 'the net' 'correct horse' && break
    sleep 1
done; for n in $(seq 120); do
    iwctl station wlan0 show | grep -qw connected && break
    sleep 1
done; iwctl station wlan0 show | cat"""
"""An access point on one of two interfaces without hardware, which the other is to join."""


@pytest.fixture(scope="module")
def guest(doit: Doit, tmp_path_factory: pytest.TempPathFactory) -> Iterator[BootProbe]:
    try:
        check(HOST, Firmware.uefi)
    except HostError as error:
        pytest.skip(str(error))
    folder = tmp_path_factory.mktemp("set-up")
    key = folder / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
    (folder / "passphrase").write_text("correct horse\n")
    (folder / "packages").write_text("tree # shows folders\n\n# and one that has a keymap\n")
    distro, board = IMAGES[HOST]
    doit.build(
        f"board={board}",
        "useradd=-m -G wheel jane.doe",
        "chpasswd=root:secret",
        f"ssh-keys=jane.doe:@{key}.pub,root:@{key}.pub",
        f"files={key}:/root/key:600",
        f"wifi=the net:@{folder}/passphrase",
        "wifi-country=de",
        "network=10.0.2.99/24,gateway=10.0.2.2,dns=10.0.2.3,domain=example.org",
        "timezone=Asia/Kolkata",
        "keymap=de-latin1",
        f"packages-from={folder}/packages",
        "append-all=" + " ".join((*BOARDS[board].command_line, PATIENCE)),
    )
    image = doit.out / f"{distro}-{HOST}-{board}" / "disk.img"
    with BootProbe(HOST, image, log=doit.cache / "log/boot-set-up.log", disk_size=4 << 30) as probe:
        probe.wait_for_login(timeout=1200)
        probe.log_in("root", "secret", timeout=600)
        yield probe


def test_all_comes_up(guest: BootProbe) -> None:
    state = guest.run("systemctl is-system-running --wait", timeout=1200, check=False)
    assert state.strip().endswith("running"), guest.run("systemctl --failed --no-legend --plain")


@pytest.mark.parametrize("user", ["jane.doe", "root"])
def test_a_key_logs_in(guest: BootProbe, user: str) -> None:
    options = "-o StrictHostKeyChecking=no -o BatchMode=yes -i /root/key"
    command = "id -un; stat -c %U:%a ~ ~/.ssh ~/.ssh/authorized_keys"
    said = guest.run(f"ssh {options} {user}@127.0.0.1 '{command}' 2>/dev/null", timeout=300)
    home = "750" if user == "root" else "700"
    assert said.split() == [user, f"{user}:{home}", f"{user}:700", f"{user}:600"]


def test_the_address_is_the_one_given(guest: BootProbe) -> None:
    guest.run("for n in $(seq 60); do ip route | grep -q default && break; sleep 1; done")
    routes = guest.run("ip route; ip -brief -4 address show scope global")
    assert "default via 10.0.2.2" in routes
    assert "10.0.2.99/24" in routes
    resolver = guest.run("resolvectl --no-pager dns; resolvectl --no-pager domain")
    assert "10.0.2.3" in resolver
    assert "example.org" in resolver


def test_time_keyboard_and_packages(guest: BootProbe) -> None:
    assert guest.run("date +%Z").split()[-1] == "IST"
    assert "KEYMAP=de-latin1" in guest.run("cat /etc/vconsole.conf")
    assert "tree" in guest.run("pacman -Qq tree")


def test_a_wireless_network_is_joined(guest: BootProbe) -> None:
    said = guest.run(JOIN, timeout=600)
    assert "the net" in said, guest.run("journalctl -u iwd --no-pager | tail -30")
    assert guest.run("cat /sys/module/cfg80211/parameters/ieee80211_regdom").split()[-1] == "DE"
    modes = guest.run("stat -c %a '/var/lib/iwd/the net.psk'").split()
    assert modes[-1] == "600"
