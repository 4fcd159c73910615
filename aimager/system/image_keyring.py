"""The pacman keyring of a system whose first start makes none: without any secret key.

A keyring that pacman-key makes has a key of its own, whose secret half certifies whom it trusts.
Images that shared one would be open to whoever has one of them, and images with one each would have
other bytes each time: for this, archlinux-docker empties the keyring of its reproducible images.
Here nobody certifies, and nothing is secret. Instead the main keys have ultimate ownertrust
(GnuPG's doc/DETAILS), by which one of them is enough, and whom not enough of them vouch for, as
pacman-key has it, is there without what they said. Later ``pacman-key --init`` and ``--populate``
make an ordinary keyring of it: that gives the main keys the ownertrust which their list has.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from aimager import limits
from aimager.errors import ASK_PACKAGER, CommandError, ImageError, TrustError
from aimager.packages.keyring_files import KEYRINGS, MARGINAL, read_levels, read_revoked
from aimager.packages.openpgp.certificate import read_ring
from aimager.packages.openpgp.packets import dearmoured
from aimager.packages.openpgp.public_keys import PublicKey, list_keys
from aimager.packages.openpgp.strangers import without_strangers
from aimager.packages.openpgp.trust import Trust
from aimager.sandbox.drop_ins import files_at
from aimager.sandbox.tree import Tree, shown
from aimager.toolbox import Toolbox

HOME = "etc/pacman.d/gnupg"

_PLACE = Path("/run/image-keyring")
"""Where gpg makes it; not below the work folder, for gpg's sockets have paths of 108 bytes."""

_ULTIMATE, _DISABLED = 6, 128
"""Ownertrust in gpg's numbers."""

_OPTIONS = (
    "no-greeting",
    "no-permission-warning",
    "keyserver-options timeout=10",
    "keyserver-options import-clean",
    "keyserver-options no-self-sigs-only",
)
"""What pacman-key --init writes to gpg.conf."""


@dataclass(frozen=True)
class Keyrings:
    """All keyrings of a system: their keys, and by fingerprint what their lists say.

    ``listed`` are the main keys with the ownertrust that each list gives them, and ``revoked``
    names, ends of fingerprints, those that were.
    """

    keys: bytes
    listed: Mapping[str, int]
    revoked: tuple[str, ...]


def lay_keyring(tree: Tree, tools: Toolbox, *, newest: int) -> None:
    """Make the keyring of the pacman of ``tree``, if it has one, from the keyrings it came with.

    One that the user gave stays, and so does a gpg.conf. Without keyrings none is made. ``newest``
    is when the newest of its packages was built, in seconds since 1970.

    :raises ImageError: when a keyring cannot be read
    """
    if not tree.exists("usr/bin/pacman-key") or tree.exists(f"{HOME}/trustdb.gpg"):
        return
    try:
        keyrings = read_keyrings(tree)
        if not keyrings.keys:
            return
        content, ownertrust, now = secretless(keyrings, newest)
    except (ValueError, TrustError) as error:
        reason = error.message if isinstance(error, TrustError) else error
        raise ImageError(
            f"the image's keyrings cannot be read: {reason}", hint=ASK_PACKAGER
        ) from error
    _make_home(tools, _PLACE, content, ownertrust, now)
    tree.mkdir(HOME, 0o755)
    for name in ("pubring.gpg", "trustdb.gpg"):
        tree.write(f"{HOME}/{name}", (_PLACE / name).read_bytes(), 0o644)
    if not tree.exists(f"{HOME}/gpg.conf"):
        tree.write(f"{HOME}/gpg.conf", "".join(f"{option}\n" for option in _OPTIONS), 0o644)


def read_keyrings(tree: Tree) -> Keyrings:
    """What ``pacman-key --populate`` would take of ``tree``.

    :raises ImageError: when a file is too large
    :raises TrustError: when a list of revoked keys names no key
    :raises ValueError: when a keyring is damaged
    """
    keys, listed, revoked = list[bytes](), dict[str, int](), list[str]()
    for path in files_at(tree, f"{KEYRINGS}*.gpg"):
        if content := _read(tree, path):
            keys.append(dearmoured(content))
        stem = path.removesuffix(".gpg")
        listed |= read_levels(_read(tree, f"{stem}-trusted"))
        revoked += read_revoked(_read(tree, f"{stem}-revoked"), shown(f"{stem}-revoked"))
    return Keyrings(b"".join(keys), listed, tuple(revoked))


def _read(tree: Tree, path: str) -> bytes:
    return tree.read_bytes(path, limits.KEYRING) if tree.is_file(path) else b""


def secretless(keyrings: Keyrings, newest: int) -> tuple[bytes, Mapping[str, int], int]:
    """The keys for gpg to import, their ownertrust by fingerprint, and the time to do it at.

    Who is trusted at that time is trusted by these, and nobody else. It is ``newest``, or when the
    last of the keys was made or certified, which may be later than any package.

    :raises ValueError: when the keyrings are not whole
    """
    keys = list_keys(keyrings.keys)
    main = keyrings.listed.keys() & keys.keys()
    vouching = {name for name in main if keyrings.listed[name] >= MARGINAL}
    content = without_strangers(keyrings.keys, vouching)
    now = max([newest, *_times(content)])
    trust = Trust(now)
    trust.add(content, sorted(vouching), (), signers=sorted(main - vouching))
    revoked = {name for name, key in keys.items() if key.is_named(keyrings.revoked)}
    ownertrust = dict.fromkeys(sorted(main), _ULTIMATE) | dict.fromkeys(sorted(revoked), _DISABLED)
    parts = (
        without_strangers(
            bytes(key.content), vouching if name not in revoked and _is_valid(trust, key) else ()
        )
        for name, key in sorted(list_keys(content).items())
    )
    return b"".join(parts), ownertrust, now


def _times(keys: bytes) -> Iterator[int]:
    """When each key was made, and each signature in them, in seconds since 1970."""
    for certificate in read_ring(keys).certificates.values():
        yield certificate.key.created
        yield from (placed.signature.created for placed in certificate.signatures)


def _is_valid(trust: Trust, key: PublicKey) -> bool:
    certificate = trust.certificates.get(key.fingerprint)
    return certificate is not None and bool(trust.valid_users(certificate))


def _make_home(
    tools: Toolbox, home: Path, keys: bytes, ownertrust: Mapping[str, int], now: int
) -> None:
    home.mkdir(mode=0o700)
    (home / "pubring.gpg").touch(mode=0o600)  # else gpg makes a pubring.kbx, which pacman misses
    lines = "".join(f"{name}:{level}:\n" for name, level in ownertrust.items())
    with suppress(CommandError):  # when it cannot take one of many, such as one of SHA-1 alone
        _gpg(tools, home, now, ["--import"], keys)
    _gpg(tools, home, now, ["--import-ownertrust"], lines.encode())
    _gpg(tools, home, now, ["--check-trustdb"])


def _gpg(
    tools: Toolbox, home: Path, now: int, arguments: Sequence[str], input: bytes = b""
) -> None:
    options = ["--homedir", str(home), "--batch", "--no-tty", "--quiet", "--no-permission-warning"]
    # The database of trust tells when it was made, and is checked when all is there.
    options += ["--faked-system-time", f"{now}!", "--no-auto-check-trustdb", "--no-autostart"]
    tools.run(["gpg", *options, *arguments], input=input)
