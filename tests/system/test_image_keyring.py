"""The keyring of a system that nothing makes one for: whom it trusts, and that it has no secret."""

import base64
import lzma
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from aimager.errors import ImageError
from aimager.packages.keyring_files import KEYRINGS as FOLDER
from aimager.packages.openpgp.certificate import read_ring
from aimager.packages.openpgp.signature import CERTIFICATIONS
from aimager.packages.openpgp.trust import Trust
from aimager.sandbox.tree import Tree
from aimager.system import image_keyring
from aimager.system.image_keyring import HOME, Keyrings, lay_keyring, read_keyrings, secretless
from aimager.toolbox import Toolbox
from tests.support.openpgp_maker import Made, Secret, plain
from tests.support.places import ROOT

REAL = ROOT / "tests/packages/keyrings"
NOW = 1_700_000_000
MASTERS = tuple(Secret(f"master {number}", NOW - 900) for number in range(3))
SOLE, PACKAGER, HALF, OUSTED = (
    Secret(name, NOW - 900) for name in ("sole", "packager", "half", "ousted")
)


def name_of(secret: Secret) -> str:
    return secret.fingerprint.hex().upper()


def by(*masters: Secret) -> list[Made]:
    return [Made(0x10, master, NOW - 300) for master in masters]


def write_keyrings(root: Path) -> None:
    """Three main keys, whom all of them vouch for, whom two do, and who is revoked."""
    folder = root / FOLDER
    folder.mkdir(parents=True)
    (root / "usr/bin").mkdir()
    (root / "usr/bin/pacman-key").touch()
    certificates = [
        *(plain(master, b"Master <m@example.org>", NOW - 800) for master in MASTERS),
        plain(PACKAGER, b"Packager <p@example.org>", NOW - 800, by(*MASTERS)),
        plain(HALF, b"Half <h@example.org>", NOW - 800, by(*MASTERS[:2])),
        plain(OUSTED, b"Ousted <o@example.org>", NOW - 800, by(*MASTERS)),
    ]
    (folder / "demo.gpg").write_bytes(b"".join(c.packets() for c in certificates))
    lines = "".join(f"{name_of(master)}:4:\n" for master in MASTERS)
    (folder / "demo-trusted").write_text(f"# main keys\n{lines}")
    (folder / "demo-revoked").write_text(f"{name_of(OUSTED)[-16:]}\n")
    (folder / "other.gpg").write_bytes(plain(SOLE, b"Sole <s@example.org>", NOW - 800).packets())
    (folder / "other-trusted").write_text(f"{name_of(SOLE).lower()}:2:\n")


@pytest.fixture
def home(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """gpg's home in a folder of a short path, as its sockets need it."""
    place = Path("/tmp/aimager-keyring-test")
    shutil.rmtree(place, ignore_errors=True)
    monkeypatch.setattr(image_keyring, "_PLACE", place)
    yield
    shutil.rmtree(place, ignore_errors=True)


def validity(folder: Path) -> Mapping[str, str]:
    """How gpg has each key, by its fingerprint; with a D if it is disabled."""
    argv = [
        "gpg",
        "--homedir",
        str(folder),
        "--no-permission-warning",
        "--with-colons",
        "--list-keys",
    ]
    # Half a year later gpg looks again, and finds the same.
    argv += ["--faked-system-time", str(NOW + 180 * 86400)]
    said = subprocess.run(argv, capture_output=True, text=True, check=True).stdout
    lines = [line.split(":") for line in said.splitlines()]
    found = {}
    for at, line in enumerate(lines):
        if line[0] == "pub":
            found[lines[at + 1][9]] = line[1] + "D" * ("D" in line[11])
    return found


@pytest.mark.usefixtures("home")
def test_who_is_trusted_by_a_keyring_without_a_secret(tmp_path: Path) -> None:
    write_keyrings(tmp_path)
    lay_keyring(Tree(tmp_path), Toolbox(None), newest=NOW)
    made = tmp_path / HOME
    assert sorted(path.name for path in made.iterdir()) == [
        "gpg.conf",
        "pubring.gpg",
        "trustdb.gpg",
    ]
    assert {path.stat().st_mode & 0o777 for path in made.iterdir()} == {0o644}
    assert validity(made) == {
        **{name_of(master): "u" for master in (*MASTERS, SOLE)},
        name_of(PACKAGER): "f",
        name_of(HALF): "-",
        name_of(OUSTED): "-D",
    }


@pytest.mark.usefixtures("home")
def test_it_has_the_same_bytes_each_time(tmp_path: Path) -> None:
    found = []
    for name in ("one", "other"):
        write_keyrings(tmp_path / name)
        lay_keyring(Tree(tmp_path / name), Toolbox(None), newest=NOW)
        shutil.rmtree(image_keyring._PLACE)
        found.append({p.name: p.read_bytes() for p in (tmp_path / name / HOME).iterdir()})
    assert found[0] == found[1]


@pytest.mark.usefixtures("home")
@pytest.mark.parametrize("how", ["spaced", "0x", "in small letters"])
def test_who_is_revoked_in_any_form_is_disabled(tmp_path: Path, how: str) -> None:
    write_keyrings(tmp_path)
    name = name_of(OUSTED)
    words = [name[at : at + 4] for at in range(0, len(name), 4)]
    forms = {"spaced": " ".join(words), "0x": f"0x{name}", "in small letters": name.lower()}
    (tmp_path / FOLDER / "demo-revoked").write_text(f"{forms[how]}\n")
    lay_keyring(Tree(tmp_path), Toolbox(None), newest=NOW)
    assert validity(tmp_path / HOME)[name] == "-D"


@pytest.mark.usefixtures("home")
def test_armoured_and_binary_keyrings_are_read(tmp_path: Path) -> None:
    write_keyrings(tmp_path)
    path = tmp_path / FOLDER / "demo.gpg"
    block = base64.encodebytes(path.read_bytes()).decode()
    kind = "PGP PUBLIC KEY BLOCK"
    path.write_text(f"-----BEGIN {kind}-----\n\n{block}-----END {kind}-----\n")
    lay_keyring(Tree(tmp_path), Toolbox(None), newest=NOW)
    assert len(validity(tmp_path / HOME)) == 7


def test_a_line_that_trusts_no_key_is_passed_over(tmp_path: Path) -> None:
    write_keyrings(tmp_path)
    with (tmp_path / FOLDER / "demo-trusted").open("ab") as stream:
        stream.write(b"hello:x:\n\xff:4:\n")
    assert len(read_keyrings(Tree(tmp_path)).listed) == 4


def test_a_keyring_of_the_user_stays(tmp_path: Path) -> None:
    write_keyrings(tmp_path)
    (tmp_path / HOME).mkdir(parents=True)
    names = ("gpg.conf", "pubring.gpg", "trustdb.gpg")
    for name in names:
        (tmp_path / HOME / name).write_text("mine")
    lay_keyring(Tree(tmp_path), Toolbox(None), newest=NOW)
    assert [(tmp_path / HOME / name).read_text() for name in names] == ["mine"] * 3


@pytest.mark.usefixtures("home")
def test_a_gpg_conf_of_the_user_stays(tmp_path: Path) -> None:
    write_keyrings(tmp_path)
    (tmp_path / HOME).mkdir(parents=True)
    (tmp_path / HOME / "gpg.conf").write_text("no-greeting\n")
    lay_keyring(Tree(tmp_path), Toolbox(None), newest=NOW)
    assert (tmp_path / HOME / "gpg.conf").read_text() == "no-greeting\n"
    assert (tmp_path / HOME / "trustdb.gpg").exists()


@pytest.mark.parametrize("content", [None, b""])
def test_without_keyrings_there_is_none(tmp_path: Path, content: bytes | None) -> None:
    write_keyrings(tmp_path)
    for path in (tmp_path / FOLDER).iterdir():
        path.unlink()
        if content is not None:
            path.write_bytes(content)
    lay_keyring(Tree(tmp_path), Toolbox(None), newest=NOW)
    assert not (tmp_path / HOME).exists()


def test_a_line_that_revokes_nothing_is_told_of(tmp_path: Path) -> None:
    write_keyrings(tmp_path)
    (tmp_path / FOLDER / "demo-revoked").write_text("F\n")
    with pytest.raises(ImageError) as caught:
        lay_keyring(Tree(tmp_path), Toolbox(None), newest=NOW)
    assert caught.value.message == (
        f"the image's keyrings cannot be read: /{FOLDER}demo-revoked names a revoked key as 'F',"
        " which is neither a fingerprint nor a key id"
    )


def test_without_pacman_there_is_none(tmp_path: Path) -> None:
    lay_keyring(Tree(tmp_path), Toolbox(None), newest=NOW)
    assert not any(tmp_path.iterdir())


def test_a_damaged_keyring_is_told_of(tmp_path: Path) -> None:
    write_keyrings(tmp_path)
    (tmp_path / FOLDER / "demo.gpg").write_bytes(b"\x99\xff")
    with pytest.raises(ImageError, match="the image's keyrings cannot be read"):
        lay_keyring(Tree(tmp_path), Toolbox(None), newest=NOW)


def trusted(keys: bytes, masters: list[str], now: int) -> set[str]:
    """Whom three of the main keys vouch for, as `Trust` decides it."""
    trust = Trust(now)
    trust.add(keys, (), (), believed=masters)
    return {name for name, it in trust.certificates.items() if trust.valid_users(it)}


def vouched(keys: bytes, masters: list[str]) -> set[str]:
    """Whom any main key has certified in these, themselves included."""
    return {
        name
        for name, it in read_ring(keys).certificates.items()
        if name in masters
        or any(
            placed.signature.kind in CERTIFICATIONS and placed.signature.may_be_by(master)
            for placed in it.signatures
            for master in masters
        )
    }


def test_of_arch_linux_the_same_keys_are_trusted() -> None:
    lists = {
        end: (REAL / f"archlinux-20260909-{end}").read_text().split()
        for end in ("trusted", "revoked")
    }
    masters = [line.partition(":")[0] for line in lists["trusted"]]
    with lzma.open(REAL / "archlinux-20260909.gpg.xz") as stream:
        keys = stream.read()
    listed = dict.fromkeys(masters, 4)
    content, ownertrust, now = secretless(Keyrings(keys, listed, tuple(lists["revoked"])), 0)
    assert now == 1_788_287_483
    gone = tuple(lists["revoked"])
    expected = {name for name in trusted(keys, masters, now) if not name.endswith(gone)}
    assert len(expected) > 80
    assert trusted(content, masters, now) == expected
    # A single main key's word would be enough for gpg, so that none is there of others.
    assert vouched(content, masters) == expected
    assert read_ring(content).certificates.keys() == read_ring(keys).certificates.keys()
    assert {name for name, level in ownertrust.items() if level == 6} == {*masters}
    assert {name for name, level in ownertrust.items() if level == 128} == {
        name for name in read_ring(keys).certificates if name.endswith(gone)
    }


def test_what_is_read_of_a_root(tmp_path: Path) -> None:
    write_keyrings(tmp_path)
    found = read_keyrings(Tree(tmp_path))
    assert found.listed == {**{name_of(master): 4 for master in MASTERS}, name_of(SOLE): 2}
    assert found.revoked == (name_of(OUSTED)[-16:],)
    assert len(read_ring(found.keys).certificates) == 7
