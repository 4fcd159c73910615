"""A mirror's keyring that calls pinned keys, or those that the user names, subkeys of another key:
by gpg and without it, by a package and by a file of the user's."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from aimager import process
from aimager.config.build import read_build
from aimager.errors import ConfigError, TrustError
from aimager.model.distro import Keyring
from aimager.packages.keyring_memory import Memory
from aimager.packages.openpgp.bound_subkeys import primary_keys_of
from aimager.packages.openpgp.public_keys import list_keys
from aimager.sandbox.tree import Tree
from aimager.system.user_keys import lay_user_keys
from tests.packages.test_pinned_levels import WAYS, Published, lay
from tests.support.openpgp_maker import (
    Made,
    Part,
    Secret,
    Sub,
    back_signature,
    plain,
)

pytestmark = pytest.mark.skipif(
    not shutil.which("gpg", path=process.ENVIRONMENT["PATH"]),
    reason="gpg is missing: NOTHING of claimed subkeys is tested",
)
TIME = 1_600_000_000
OTHERS = Secret("other's", TIME)
"""The key that is claimed."""
MIRROR, NEXT = Secret("the mirror's", TIME), Secret("the next one", TIME)
SIGNS, ENCRYPTS = ((27, b"\x02"),), ((27, b"\x0c"),)
ANSWER = Made(0x19, OTHERS, TIME)


def fingerprint(key: Secret) -> str:
    return key.fingerprint.hex().upper()


def owned(*bindings: Made, subkey: Secret = OTHERS) -> bytes:
    """The mirror's key with a subkey, and signatures that bind it."""
    whole = plain(MIRROR, b"Mirror <m@example.org>", TIME)
    whole.parts.append(Part(14, subkey=subkey, signatures=[(made, None) for made in bindings]))
    return whole.packets()


def binding(flags: tuple[Sub, ...], *answers: Sub) -> Made:
    return Made(0x18, MIRROR, TIME, flags, answers)


CLAIMS = {
    "bare": owned(),
    "bound for encryption": owned(binding(ENCRYPTS)),
    "bound for signing": owned(binding(SIGNS)),
    "answered by another": owned(
        binding(SIGNS, back_signature(MIRROR, OTHERS, replace(ANSWER, by=MIRROR)))
    ),
    "answered in its name": owned(
        binding(SIGNS, back_signature(MIRROR, OTHERS, replace(ANSWER, flip=True)))
    ),
    "answered of another": owned(binding(SIGNS, back_signature(NEXT, OTHERS, ANSWER))),
    "answered otherwise": owned(
        binding(SIGNS, back_signature(MIRROR, OTHERS, replace(ANSWER, kind=0x18)))
    ),
    "answered once": owned(
        binding(
            SIGNS,
            back_signature(MIRROR, OTHERS, ANSWER),
            back_signature(MIRROR, OTHERS, replace(ANSWER, flip=True)),
        )
    ),
    "answered, and not bound": owned(
        replace(binding(SIGNS, back_signature(MIRROR, OTHERS, ANSWER)), flip=True)
    ),
}
OWN = owned(binding(SIGNS, back_signature(MIRROR, OTHERS, ANSWER)))
"""The subkey is the mirror's indeed: it says so itself."""

each_way = pytest.mark.parametrize("way", WAYS)
each_claim = pytest.mark.parametrize("claim", CLAIMS)


def signed(by: Secret) -> Callable[[bytes], bytes]:
    return Made(0, by, TIME + 1).packet


def published(store: Path, keys: bytes, listed: Secret, keyring: Keyring) -> Published:
    """A package of these keys that lists one of them, and that the mirror's key has signed."""
    files = {"gpg": keys, "trusted": f"{fingerprint(listed)}:4:\n".encode()}
    return replace(lay(store, files, signed(MIRROR)), keyring=keyring)


def refusal(made: Published, way: str) -> str:
    with pytest.raises(TrustError) as caught:
        WAYS[way](made, Memory())
    return caught.value.message


PINNED = Keyring("demo", "demo-keyring", (fingerprint(OTHERS),))
NAMED = Keyring("demo", "demo-keyring", (fingerprint(NEXT),), user_keys=(fingerprint(OTHERS),))


def of_added_repository() -> Keyring:
    """What trust-key-NAME= makes of it."""
    words = {"distro": "archlinux", "add-repos": "demo=http://m"}
    made = read_build({**words, "trust-key-demo": fingerprint(OTHERS)}, Path())
    assert made
    (repository,) = made.repositories
    return repository.keyring


@each_way
@each_claim
@pytest.mark.parametrize("believes", [False, True])
def test_a_pinned_key_is_a_primary_one(
    tmp_path: Path, way: str, claim: str, believes: bool
) -> None:
    keyring = replace(PINNED, believes_list=believes)
    told = refusal(published(tmp_path, CLAIMS[claim], MIRROR, keyring), way)
    assert told == (
        f"the package demo-keyring 1000-1 (k.pkg.tar) trusts the keys {fingerprint(MIRROR)}, none"
        f" of which is pinned for the keyring demo: {fingerprint(OTHERS)}"
    )


@each_way
@each_claim
def test_a_listed_key_is_a_primary_one(tmp_path: Path, way: str, claim: str) -> None:
    """The list names the pinned key itself, which the keyring has as a subkey alone."""
    told = refusal(published(tmp_path, CLAIMS[claim], OTHERS, PINNED), way)
    assert told == f"the pinned key {fingerprint(OTHERS)} is not among the keyring's keys"


@each_way
@each_claim
@pytest.mark.parametrize("variable", ["trust-key", "trust-key-demo"])
@pytest.mark.parametrize("listed", [MIRROR, OTHERS], ids=["mirror's", "other's"])
def test_so_is_one_that_the_user_names_where_it_does_not_say_otherwise(
    tmp_path: Path, way: str, claim: str, variable: str, listed: Secret
) -> None:
    keyring = NAMED if variable == "trust-key" else of_added_repository()
    told = refusal(published(tmp_path, CLAIMS[claim], listed, keyring), way)
    assert told == (
        f"the key {fingerprint(OTHERS)}, which you trust, is in the keyring demo (demo-keyring"
        " 1000-1 (k.pkg.tar)) as a subkey alone, and no signature of its own says of which key"
    )


@each_way
@each_claim
@pytest.mark.parametrize("keyring", [NAMED, PINNED], ids=["named", "pinned"])
def test_the_primary_key_is_meant_where_it_is_there(
    tmp_path: Path, way: str, claim: str, keyring: Keyring
) -> None:
    keys = plain(OTHERS, b"Other <o@example.org>", TIME).packets() + CLAIMS[claim]
    made = published(tmp_path, keys, OTHERS, keyring)
    assert f"by the key {fingerprint(MIRROR)}, which no pinned master" in refusal(made, way)
    (package,) = made.lock.packages
    content = package.path(tmp_path).read_bytes()
    package.signature(tmp_path).write_bytes(signed(OTHERS)(content))
    WAYS[way](made, Memory())


@each_way
@pytest.mark.parametrize("keyring", [NAMED, PINNED], ids=["named", "pinned"])
def test_so_it_is_where_it_is_a_subkey_indeed(tmp_path: Path, way: str, keyring: Keyring) -> None:
    """gpg imports no key that it has as a subkey by then."""
    keys = OWN + plain(OTHERS, b"Other <o@example.org>", TIME).packets()
    key = fingerprint(OTHERS)
    assert primary_keys_of([key], list_keys(keys), keys) == {key: key}
    told = {
        "gpg": f"the pinned key {key} is not among the keyring's keys",
        "without-gpg": "the package demo-keyring 1000-1 is not trusted: k.pkg.tar is signed by the"
        f" key {fingerprint(MIRROR)}, which no pinned master key vouches for",
    }
    assert refusal(published(tmp_path, keys, OTHERS, keyring), way) == told[way]


def test_a_subkey_of_two_keys_stands_for_neither() -> None:
    other = plain(NEXT, b"Next <n@example.org>", TIME)
    said = back_signature(NEXT, OTHERS, ANSWER)
    bound = Made(0x18, NEXT, TIME, SIGNS, (said,))
    other.parts.append(Part(14, subkey=OTHERS, signatures=[(bound, None)]))
    for keys, owner in ((OWN, MIRROR), (other.packets(), NEXT)):
        assert primary_keys_of([fingerprint(OTHERS)], list_keys(keys), keys) == {
            fingerprint(OTHERS): fingerprint(owner)
        }
    both = OWN + other.packets()
    assert not primary_keys_of([fingerprint(OTHERS)], list_keys(both), both)


@each_claim
@pytest.mark.parametrize("where", ["file", "image"])
def test_files_of_keys_decide_no_more(tmp_path: Path, claim: str, where: str) -> None:
    key = fingerprint(OTHERS)
    if where == "image":
        folder = tmp_path / "usr/share/pacman/keyrings"
        folder.mkdir(parents=True)
        (folder / "demo.gpg").write_bytes(CLAIMS[claim])
        lay_user_keys(Tree(tmp_path), [key])
        assert [path.name for path in folder.iterdir()] == ["demo.gpg"]
        return
    (tmp_path / "mine.asc").write_bytes(CLAIMS[claim])
    words = {"distro": "archlinux", "add-repos": "mine=https://m", "key-file-mine": "mine.asc"}
    with pytest.raises(ConfigError) as caught:
        read_build({**words, "trust-key-mine": key}, tmp_path)
    assert caught.value.message == (
        f"trust-key-mine={key}: in the file of key-file-mine= this is a subkey alone, and no"
        " signature of its own says of which key"
    )
