"""``doit boot`` on a disk that is kept and larger than the image, reached by ssh."""

import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from aimager import files
from tests.support.cells import HOST
from tests.support.doit_boot import DoitBoot
from tests.support.runs import Doit
from tests.support.seed import Copies

WORDS = (*HOST.words, "install-pkgs=openssh", "services=sshd")
_SIZE = 3 << 30
_PATIENCE = 600.0  # seconds


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A key of ssh's, whose public half lies beside it."""
    path = tmp_path_factory.mktemp("key") / "key"
    command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(path)]
    subprocess.run(command, check=True)
    return path


@pytest.fixture(scope="module")
def served(copies: Copies, key: Path) -> Iterator[Doit]:
    """doit on a cache with an image that serves ssh, for the key and for a password."""
    doit = copies("doit-boot")
    keys = f"files={key}.pub:/root/.ssh/authorized_keys:600"
    doit.build(*WORDS, keys, "chpasswd=root:secret")
    yield doit


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


def by_ssh(port: int, key: Path, command: str) -> str:
    """What a command says in the guest; sshd may make its keys only now."""
    options = ("NoHostAuthenticationForLocalhost=yes", "BatchMode=yes", "ConnectTimeout=60")
    words = [word for option in options for word in ("-o", option)]
    argv = ["ssh", "-F", "none", "-p", str(port), "-i", str(key), *words, "root@127.0.0.1", command]
    end = time.monotonic() + _PATIENCE
    while True:
        done = subprocess.run(argv, capture_output=True, text=True, check=False)
        if done.returncode != 255:
            assert not done.returncode, done.stderr
            return done.stdout.strip()
        assert time.monotonic() < end, done.stderr
        time.sleep(2)


def test_what_is_written_is_kept_and_reached_by_ssh(served: Doit, key: Path) -> None:
    image = HOST.disk(served)
    before, port = files.sha256(image), free_port()
    words = (*HOST.words, "keep=yes", f"disk-size={_SIZE}", f"ssh-port={port}", "memory=1G")
    for number in (1, 2):
        log = served.cache / f"log/doit-boot-{number}.log"
        with DoitBoot(served, *words, "cpus=1", log=log) as guest:
            guest.wait_for_login()
            said = guest.output
            assert "log in as root" in said
            assert f"ssh -p {port} -o NoHostAuthenticationForLocalhost=yes root@127.0.0.1" in said
            assert f"{image}.kept" in said
            guest.log_in("root", "secret")
            assert (
                int(guest.run("lsblk --bytes --noheadings --output SIZE /dev/vda | head -1"))
                == _SIZE
            )
            assert guest.run("nproc") == "1"
            assert guest.run("cat /root/marker || true").endswith(
                "kept" if number == 2 else "file or directory"
            )
            assert by_ssh(port, key, "echo kept >/root/marker; cat /root/marker") == "kept"
            guest.run("sync")
            guest.power_off()
    assert files.sha256(image) == before, "the image is what was built"
    assert image.with_name("disk.img.kept").is_dir()
    served.build(*WORDS, "chpasswd=root:other")
    done = subprocess.run(
        served.command("boot", *words),
        env=served.environment,
        cwd=served.start,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "was begun from another disk.img than is there now" in done.stdout + done.stderr
