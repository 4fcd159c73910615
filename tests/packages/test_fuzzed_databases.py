"""Whatever a database holds, reading it ends in packages or in a sentence."""

import gzip
import random

import pytest

from aimager.errors import DownloadError
from aimager.packages.dependencies import closure, providers
from aimager.packages.sync_database import Packages, read_database
from aimager.packages.targets import named_by
from aimager.shown import shown
from tests.packages.test_sync_database import TAR, desc_text, entries, tar_of

ROUNDS = 400
BASE = tar_of(
    zlib=desc_text(), sh=desc_text(NAME=["sh"], DEPENDS=["zlib"]), vim=desc_text(NAME=["vim"])
)
TEXTS = (
    *("", "-", "--help", "..", "../x", "a/b", ".hidden", "x" * 5000, "\x1b]52;c;eA==\x07"),
    *(
        "\u202egpj.exe",
        "\x9b31m",
        "a\rb",
        "%NAME%",
        "\0",
        "=",
        ">=",
        "a=1=2",
        "1:1-1-1",
        "ﬀ",
        "\ud7ff",
    ),
    *("-1", "1e9", "0x1", "9" * 300, "٣", "\u2066", "\u00ad", "\ufeff", "\u2028", "()" * 1000),
)


def look_at(database: bytes) -> None:
    """Use it as a build does; what is said of it can be shown."""
    try:
        packages = read_database("core", database)
    except DownloadError as error:
        assert str(error).isprintable() or "\n  hint: " in str(error)
        assert "\x1b" not in str(error)
        return
    for fault in packages.faults.values():
        message = DownloadError(fault).message
        assert message == shown(message)
    for name, package in packages.items():
        said = f"{name}{package.locked}{package.locked.file}{package.locked.architecture}"
        assert said.isprintable()
        assert "/" not in package.locked.file
    use(packages)


def use(packages: Packages) -> None:
    names = list(packages)
    closure(packages, names)
    providers(packages, names, "initramfs")
    for name in names[:3]:
        named_by(packages, name)


@pytest.mark.parametrize("seed", range(4))
def test_bytes_are_changed(seed: int) -> None:
    chance = random.Random(seed)
    for _ in range(ROUNDS):
        data = bytearray(BASE)
        for _ in range(chance.randint(1, 8)):
            place = chance.randrange(len(data))
            match chance.randrange(4):
                case 0:
                    data[place] = chance.randrange(256)
                case 1:
                    del data[place : place + chance.randrange(700)]
                case 2:
                    data[place:place] = bytes(chance.randrange(700))
                case 3:
                    data[place : place + 4] = chance.randbytes(4)
            data = data or bytearray(b"x")
        look_at(bytes(data))


@pytest.mark.parametrize("seed", range(4))
def test_compressed_bytes_are_changed(seed: int) -> None:
    chance = random.Random(seed)
    whole = gzip.compress(BASE)
    for _ in range(ROUNDS):
        data = bytearray(whole)
        for _ in range(chance.randint(1, 4)):
            data[chance.randrange(len(data))] = chance.randrange(256)
        look_at(bytes(data[: chance.choice((None, chance.randrange(len(data))))]))


@pytest.mark.parametrize("seed", range(4))
def test_fields_and_names_are_changed(seed: int) -> None:
    chance = random.Random(seed)
    fields = ("FILENAME", "NAME", "VERSION", "ARCH", "CSIZE", "ISIZE", "SHA256SUM", "BUILDDATE",
              "DEPENDS", "PROVIDES", "GROUPS", "DESC")  # fmt: skip
    for _ in range(ROUNDS):
        files = []
        for name in ("zlib", "sh", "vim"):
            changed = {
                field: [chance.choice(TEXTS) for _ in range(chance.randrange(4))]
                for field in chance.sample(fields, chance.randrange(3))
            }
            text = desc_text(**{"NAME": [name], **changed})
            folder = chance.choice((f"{name}-1:1.3-1", chance.choice(TEXTS), name, "./x-1-1"))
            folder = folder.replace("\0", "")
            data = text.encode(errors="surrogatepass")
            if not chance.randrange(5):
                data = data.decode("latin-1").encode("utf-16")
            files.append((f"{folder}/{chance.choice(('desc', 'desc', 'depends'))}", data))
        look_at(entries(*files))


def test_dependencies_may_lead_round_and_be_many() -> None:
    """Each package gives all, and asks for all: libalpm's way is quadratic in that."""
    texts = {
        f"p{n}": desc_text(
            NAME=[f"p{n}"],
            PROVIDES=["x", f"x={n}", "y=1-1"],
            DEPENDS=[f"p{(n + 1) % 4000}", "x", f"x={n + 1}", f"x>{n}", f"y=1-{n}", f"z{n}"],
        )
        for n in range(4000)
    }
    packages = read_database("core", tar_of(**texts))
    assert len(closure(packages, ["p7"])) == 4000


def test_what_is_whole_is_read() -> None:
    assert set(read_database("core", TAR)) == {"zlib"}
    assert set(read_database("core", BASE)) == {"zlib", "sh", "vim"}
