"""A published image is built again elsewhere: it is bit for bit equal, or the path is named."""

import json
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from aimager.files import sha256
from tests.support.cells import HOST, build
from tests.support.runs import Doit
from tests.support.seed import Copies

MOTD = "welcome to the kiosk\n"
SECRET = "chpasswd=alice:secret"


@dataclass(frozen=True)
class Published:
    """Results, their lock file beside them, and doit that made them."""

    doit: Doit
    folder: Path
    motd: Path

    def verify(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run ``doit verify``, with what has to be given again, and with ``words``."""
        base = self.doit.command(
            "verify",
            f"manifest={self.folder / 'manifest.json'}",
            f"lock={self.folder / 'image.lock'}",
            f"board={HOST.file}",
            f"files={self.motd}:/etc/motd",
            *words,
        )
        return subprocess.run(
            [word for word in base if not word.startswith("out=")],
            env=self.doit.environment,
            cwd=self.doit.start,
            capture_output=True,
            text=True,
            check=False,
        )


@pytest.fixture(scope="module")
def published(copies: Copies, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Published]:
    doit, place = copies("verified"), tmp_path_factory.mktemp("verified")
    (place / "motd").write_text(MOTD)
    words = ("hostname=kiosk", "useradd=-m -G wheel alice", SECRET)
    build(doit, *HOST.words, *words, f"files={place / 'motd'}:/etc/motd")
    folder = place / "published"
    shutil.copytree(HOST.folder(doit), folder)
    lock = folder / "image.lock"
    done = subprocess.run(
        doit.command("lock", *HOST.words, f"lock={lock}"),
        env=doit.environment,
        cwd=doit.start,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done
    other = place / "elsewhere"
    other.mkdir()
    (place / "motd").rename(other / "greeting")
    yield Published(doit, folder, other / "greeting")
    shutil.rmtree(place)


def test_it_is_bit_for_bit_equal(published: Published) -> None:
    """Nothing is left of the rebuild, and nothing of earlier builds was used but packages."""
    products = published.doit.cache / "product"
    before = sorted(products.rglob("*"))
    done = published.verify(SECRET)
    assert done.returncode == 0, done
    assert done.stdout.splitlines() == [
        "bit for bit equal: disk.img, disk.img.bmap, packages.spdx.json, manifest.json"
    ]
    assert "-- make-rootfs-archive" not in done.stderr
    assert "make-rootfs-archive" in done.stderr
    assert sorted(products.rglob("*")) == before
    assert not list((published.doit.cache / "work").iterdir())


def test_one_of_several_builds_is_verified_by_their_lock_file(published: Published) -> None:
    doit, folder = published.doit, published.folder.with_name("fleet")
    folder.mkdir()
    (folder / "fleet.toml").write_text(
        f"""
        [defaults]
        board = "{HOST.file}"
        files = ["{published.motd}:/etc/motd"]
        [builds.desk]
        hostname = "{{name}}"
        [builds.shelf]
        install-pkgs = ["nano"]
        """
    )
    given = f"builds={folder / 'fleet.toml'}", f"lock={folder / 'image.lock'}"
    for command in ("lock", "build"):
        words = doit.command(command, HOST.words[0], *given, *["only=desk"] * (command == "build"))
        subprocess.run(words, env=doit.environment, cwd=doit.start, check=True)
    shutil.copytree(doit.out / "desk", folder, dirs_exist_ok=True)
    done = Published(doit, folder, published.motd).verify()
    assert done.returncode == 0, done
    assert done.stdout.startswith("bit for bit equal: disk.img, ")


def test_a_path_that_was_changed_is_named(published: Published) -> None:
    """Somebody has put another file into the image, and published it as if it had been built."""
    folder = published.folder.with_name("changed")
    shutil.copytree(published.folder, folder)
    disk, manifest = folder / "disk.img", folder / "manifest.json"
    content = disk.read_bytes()
    assert content.count(MOTD.encode()) == 1
    disk.write_bytes(content.replace(b"welcome to", b"WELCOME TO", 1))
    before, told = sha256(published.folder / "disk.img"), manifest.read_text()
    assert before in told
    manifest.write_text(told.replace(before, sha256(disk)))
    (folder / "SHA256SUMS").unlink()
    done = Published(published.doit, folder, published.motd).verify(SECRET)
    assert done.returncode == 1, done
    lines = done.stdout.splitlines()
    assert lines[:2] == [
        "NOT equal: disk.img, manifest.json",
        "the first path of disk.img that differs: /etc/motd: content",
    ]
    assert "   files: 1 changed" in lines


def test_what_cannot_be_verified_is_not_built(published: Published) -> None:
    manifest = json.loads((published.folder / "manifest.json").read_text())
    assert manifest["given_again"][0] == "chpasswd"
    assert "secret" not in json.dumps(manifest)
    assert str(published.motd.parent.parent) not in json.dumps(manifest)
    for words, said in (
        ((), "chpasswd= has to be given again: it is secret"),
        ((SECRET, "hostname=other"), "hostname=other is not what the image was built with"),
        ((SECRET, f"files={HOST.file}:/etc/motd"), "the settings are not those"),
    ):
        done = published.verify(*words)
        assert (done.returncode, done.stdout) == (2, ""), done
        assert said in done.stderr
        assert "Traceback" not in done.stderr
