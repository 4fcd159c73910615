"""Machines that share a store do the work of their platform once, and none needs the store."""

import re
import shutil
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from aimager.stand_in import server
from tests.support.cells import HOST, Cell, flip_byte, fresh_folder, sums
from tests.support.doit_output import TAKEN, Said, read_output
from tests.support.runs import Doit
from tests.support.seed import Copies
from tests.support.signers import allow, make_key
from tests.support.stores import BUCKET, bucket_client, keys_of, serving_s3
from tests.support.surroundings import Elsewhere, find_user

STORE = f"s3://{BUCKET}/shared"
ROOTFS = f"make-rootfs-archive:{HOST.platform.id}"
ARCHIVE = Cell(HOST.platform, "none")


@dataclass(frozen=True)
class Machine(Elsewhere):
    """A machine that speaks to the store."""

    store: Mapping[str, str] | None = None
    keys: Path = Path()

    @property
    def environment(self) -> dict[str, str]:
        """The environment to run doit in."""
        return {**super().environment, **(self.store or {})}

    def make(self, *words: str) -> tuple[str, Said]:
        """Build, and return what was said, and what that means."""
        trust = (f"remote-{name}={self.keys / name}" for name in ("key", "allowed-signers"))
        text = self.build(*words, f"remote={STORE}", *trust)
        return text, read_output(text)


@dataclass(frozen=True)
class Surroundings:
    """The machines' cells; ``asked`` counts what the mirror was asked for."""

    one: Machine
    two: Machine
    asked: Counter[str]
    settings: Mapping[str, str]


@pytest.fixture(scope="module")
def asked() -> Iterator[Counter[str]]:
    """What all mirrors are asked for, by path."""
    answer = server._MirrorHandler._answer
    counted: Counter[str] = Counter()

    def count(handler: Any, *, with_body: bool) -> None:
        counted[handler.path] += 1
        answer(handler, with_body=with_body)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(server._MirrorHandler, "_answer", count)
        yield counted


@pytest.fixture(scope="module")
def around(doit: Doit, test_cache: Path, asked: Counter[str]) -> Iterator[Surroundings]:
    """Two machines with empty caches, the second of another user where there is one."""
    folder = fresh_folder(test_cache / "remote")
    folder.chmod(0o755)
    with serving_s3() as settings:
        one, two = (
            Machine(folder / name, doit.variables, store=settings, keys=folder / name / "keys")
            for name in ("one", "two")
        )
        keys = [make_key(machine.keys / "key") for machine in (one, two)]
        for machine in (one, two):
            allow(machine.keys / "allowed-signers", *keys)
        user = find_user()
        if not isinstance(user, str):
            user.give(two.folder)
            two = replace(two, prefix=user.prefix, settings=user.settings, python=user.python)
        yield Surroundings(one, two, asked, settings)


def own_board(folder: Path, id: str) -> str:
    """The word that asks for a board like the host's under another name."""
    return f"board={HOST.twin(folder, id)}"


def made(*said: Said) -> Counter[str]:
    """The stages that were executed for the platform or its boards, by their whole names."""
    reasons = (reason for one in said for reason in one.made)
    return Counter(f"{reason.stage}:{reason.subject}".rstrip(":") for reason in reasons)


def packages_asked(asked: Counter[str]) -> Counter[str]:
    """How often each package file was asked for."""
    return Counter({path: n for path, n in asked.items() if re.search(r"\.pkg\.tar\.\w+$", path)})


def test_four_boards_on_two_machines(around: Surroundings) -> None:
    one, two = around.one, around.two
    distro = f"distro={HOST.platform.distro.id}"
    first = [one.make(*HOST.words), one.make(*ARCHIVE.words)]
    before = packages_asked(around.asked)
    assert set(before.values()) == {1}
    second = [
        two.make(distro, own_board(two.folder, "third"), "create=root.tar"),
        two.make(distro, own_board(two.folder, "fourth"), "create=root.tar"),
    ]
    assert packages_asked(around.asked) == before  # all were in the store
    count = made(*(said for _, said in (*first, *second)))
    assert count[ROOTFS] == 1
    assert count["install-packages"] == 2  # three of the boards have the same packages
    assert count["pack-image"] == 4
    assert f"install-packages: {TAKEN}" in second[0][0]
    assert TAKEN not in second[1][0]
    assert "install-packages: it is the same as that of" in second[1][0]


def test_the_same_board_is_installed_once(around: Surroundings) -> None:
    text, said = around.two.make(*HOST.words)
    assert made(said).keys() & {ROOTFS, "install-packages"} == set()
    assert "install-packages: it is the same as that of" in text
    assert sums(HOST.folder(around.two)) == sums(HOST.folder(around.one))


def test_no_secret_is_in_the_store(around: Surroundings) -> None:
    keys = keys_of(around.settings)
    tasks = {key.split("/")[2] for key in keys if key.startswith("shared/product/")}
    assert tasks == {"make-rootfs-archive", "install-packages"}
    assert not [key for key in keys if "keyring.secret" in key or "borrowed" in key]


def test_all_that_is_in_the_store_is_signed(around: Surroundings) -> None:
    records = [key for key in keys_of(around.settings) if key.endswith("/record.json")]
    products = [key for key in records if key.startswith("shared/product/")]
    assert {f"{key}.sig" for key in products} <= set(keys_of(around.settings))


def later(around: Surroundings, copies: Copies, name: str) -> Machine:
    """A machine with the first one's keys that has packages and a keyring, and has no root."""
    folder = around.one.folder.parent / name
    copies.seed.copy(folder)
    shutil.rmtree(folder / "out")
    for made in (f"make-rootfs-archive/{HOST.platform.id}", "install-packages", "pack-image"):
        shutil.rmtree(folder / "cache/product" / made)
    return replace(around.one, folder=folder)


def test_a_damaged_product_is_made_anew(
    around: Surroundings, copies: Copies, tmp_path: Path
) -> None:
    client = bucket_client(around.settings)
    listed = client.list_objects_v2(Bucket=BUCKET, Prefix="shared/product/make-rootfs-archive/")
    (key,) = (item["Key"] for item in listed["Contents"] if item["Key"].endswith(".tar.zst"))
    client.download_file(BUCKET, key, str(tmp_path / "rootfs"))
    whole = (tmp_path / "rootfs").read_bytes()
    flip_byte(tmp_path / "rootfs")
    client.upload_file(str(tmp_path / "rootfs"), BUCKET, key)
    three = later(around, copies, "three")
    text, said = three.make(*ARCHIVE.words)
    assert f"the remote store's {key.removeprefix('shared/')} is damaged: it has sha256 " in text
    assert made(said)[ROOTFS] == 1
    assert f"install-packages: {TAKEN}" in text
    client.download_file(BUCKET, key, str(tmp_path / "rootfs"))
    assert (tmp_path / "rootfs").read_bytes() == whole


def test_without_the_store_it_goes_on(around: Surroundings, copies: Copies) -> None:
    gone = {**around.settings, "AWS_ENDPOINT_URL": "http://127.0.0.1:1"}
    four = replace(later(around, copies, "four"), store=gone)
    text, said = four.make(*ARCHIVE.words)
    assert text.count("the remote store") == 1
    assert f"the remote store {STORE} failed: " in text
    assert made(said)[ROOTFS] == 1
    archives = [ARCHIVE.folder(machine) for machine in (around.one, four)]
    assert sums(archives[0], ("root.tar",)) == sums(archives[1], ("root.tar",))


def test_who_is_not_named_is_not_believed(around: Surroundings, copies: Copies) -> None:
    """The last, because its own product is now in the store, where nobody else takes it."""
    five = later(around, copies, "five")
    five = replace(five, keys=five.folder / "keys")
    stranger = make_key(five.keys / "key")
    allow(five.keys / "allowed-signers", stranger)
    text, said = five.make(*ARCHIVE.words)
    assert "is not taken: nobody who is named in " in text
    assert made(said)[ROOTFS] == 1
    one, made_here = (ARCHIVE.folder(machine) for machine in (around.one, five))
    assert sums(one, ("root.tar",)) == sums(made_here, ("root.tar",))
