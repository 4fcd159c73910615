"""An image that heeds credentials, of the machine that it is started on and of its card."""

import subprocess
from pathlib import Path

import pytest

from aimager.commands.boot.probe import BootProbe
from aimager.commands.boot.qemu import check
from aimager.errors import HostError
from aimager.files import copy_sparse
from aimager.model.architecture import host_architecture
from aimager.model.board import Firmware
from boards import BOARDS
from tests.builds.test_builds import IMAGES
from tests.support.booting import PATIENCE
from tests.support.first_difference import read_partitions
from tests.support.node import Window
from tests.support.runs import Doit
from tests.support.ssh_keys import SSH_KEY

HASH = (  # of "secret"
    "$6$saltsalt$TVLlQcbpFVof5W3Yz4DTP6gRstiNuHwwTt6GLc1E5n0U0aDe"
    "hy0S5knV8wiOQSpT0Y77vwPZN.Pq.H91p5hVO1"
)
GIVEN = {
    "passwd.hashed-password.root": HASH,
    "system.hostname": "attic",
    "firstboot.timezone": "Asia/Kolkata",
}


def lay_on_card(disk: Path, folder: Path) -> None:
    """Put a key for root where any PC can put it."""
    start = read_partitions(Window.whole(disk))[0].start * 512
    key = folder / "ssh.authorized_keys.root"
    key.write_text(f"{SSH_KEY}\n")
    place = "::/loader/credentials"
    for argv in (["mmd"], ["mcopy", str(key)]):
        program, *files = argv
        subprocess.run([program, "-i", f"{disk}@@{start}", *files, place], check=True)


def test_the_first_boot_takes_what_it_is_given(doit: Doit, tmp_path: Path) -> None:
    host = host_architecture()
    try:
        check(host, Firmware.uefi)
    except HostError as error:
        pytest.skip(str(error))
    distro, board = IMAGES[host]
    words = " ".join((*BOARDS[board].command_line, PATIENCE))
    said = doit.build(f"board={board}", "credentials=yes", f"append-all={words}")
    assert "NOBODY" not in said
    disk = doit.cache / "credentials.img"
    copy_sparse(doit.out / f"{distro}-{host}-{board}" / "disk.img", disk)
    lay_on_card(disk, tmp_path)
    strings = (f"type=11,value=io.systemd.credential:{n}={value}" for n, value in GIVEN.items())
    options = [word for string in strings for word in ("-smbios", string)]
    log = doit.cache / "log/boot-credentials.log"
    with BootProbe(host, disk, log=log, disk_size=4 << 30, options=options) as guest:
        guest.wait_for_login(timeout=1200)
        guest.log_in("root", "secret", timeout=600)
        state = guest.run("systemctl is-system-running --wait", timeout=1200, check=False)
        failed = guest.run("systemctl --failed --no-legend --plain")
        assert state.strip().endswith("running"), failed
        assert guest.run("cat /proc/sys/kernel/hostname").split()[-1] == "attic"
        assert guest.run("date +%Z").split()[-1] == "IST"
        assert "ordering cycle" not in guest.run("journalctl -b --no-pager")
        assert SSH_KEY in guest.run("cat /root/.ssh/authorized_keys")
    disk.unlink()
