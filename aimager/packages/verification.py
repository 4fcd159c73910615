"""Checking the signatures of packages, by gpg or by what takes its place."""

import re
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from aimager import limits, process
from aimager.errors import KeyTroubleError, TrustError
from aimager.model.lock import LockedPackage
from aimager.packages.key_advice import Words, advise, expiry, is_of_keys
from aimager.packages.store import digest_of, name_in

_TRUST_ENOUGH = {"TRUST_FULLY", "TRUST_ULTIMATE"}
"""What pacman's TrustedOnly asks for (libalpm: ALPM_SIGVALIDITY_FULL)."""


def ask_gpg(root: Path | None, home: Path, signature: Path, content: Path) -> Words:
    """What gpg says of a signature by a keyring; of several, the worst, as pacman has it."""
    options = ["--homedir", str(home), "--batch", "--no-tty", "--no-auto-check-trustdb"]
    argv = ["gpg", *options, "--no-permission-warning", "--status-fd", "1", "--verify"]
    within = process.Root(root) if root else None
    ended, said = process.attempt([*argv, signature, content], within=within)
    return read_status(said, ended)


def read_status(said: str, ended: int = 0) -> Words:
    """gpg's status lines on one file of signatures, after it ended with a status.

    What it says of each begins with ``NEWSIG``. One that is not trusted is not hidden by another.
    """
    lines = re.findall(r"^\[GNUPG:\] (\S+) ?(.*)$", said, re.MULTILINE)
    failed = {"FAILED": [str(ended)]} if ended else {}
    signatures: list[dict[str, list[str]]] = [{}]
    for name, rest in lines:
        if name == "NEWSIG" and signatures[-1]:
            signatures.append({})
        if name != "NEWSIG":
            signatures[-1][name] = rest.split()
    return next(({**s, **failed} for s in signatures if problem(s)), {**signatures[0], **failed})


def verify_by(
    ask: Callable[[Path, Path], Words], packages: Sequence[LockedPackage], store: Path
) -> dict[str, str]:
    """As `verify`, by what is said of a signature and the file that it is over.

    :raises TrustError: for the first package that is not signed by a trusted key; what is refused
        of the others is named in it, too
    """
    with ThreadPoolExecutor(max_workers=4) as pool:
        said = list(pool.map(lambda package: _verify_one(ask, package, store), packages))
    errors = [found for found in said if isinstance(found, TrustError)]
    for error in errors[:1]:
        error.refused = dict(item for each in errors for item in each.refused.items())
        raise error
    return {p.name: key for p, key in zip(packages, said, strict=True) if isinstance(key, str)}


def _verify_one(
    ask: Callable[[Path, Path], Words], package: LockedPackage, store: Path
) -> str | TrustError:
    """The fingerprint of the key that signed a package, or the error for what is wrong."""
    path = package.path(store)
    signature = package.signature(store)
    words = ask(signature, path) if _is_small(signature) else {}
    found = problem(words)
    if found:
        kind = KeyTroubleError if is_of_keys(words) else TrustError
        refused = {name_in(signature, store): digest_of(signature)}
        if "BADSIG" in words and (digest := digest_of(path)) != package.sha256:
            refused[name_in(path, store)] = digest
        return kind(
            f"the package {package} is not trusted: {package.file} {found}",
            hint=advise(words, package.build_date),
            repository=package.repository,
            refused=refused,
        )
    return words["VALIDSIG"][0]


def _is_small(signature: Path) -> bool:
    """Whether pacman takes a file of signatures of this size."""
    return not signature.exists() or signature.stat().st_size <= limits.SIGNATURE


def problem(words: Words) -> str:
    """What gpg's status lines say against a signature; empty if nothing."""
    if "ODD" in words:
        return words["ODD"][0]
    if "BADSIG" in words:
        return f"was changed after the key {words['BADSIG'][0]} signed it"
    for name, state in (("EXPKEYSIG", "has expired"), ("REVKEYSIG", "is revoked")):
        if name in words:
            key, *owner = words[name]
            return f"is signed by the key {key} ({' '.join(owner)}), which {state}{expiry(words)}"
    if "EXPSIG" in words:
        return f"has a signature by the key {words['EXPSIG'][0]} that has expired"
    if "NO_PUBKEY" in words or "ERRSIG" in words:
        key = (words.get("NO_PUBKEY") or words["ERRSIG"])[0]
        return f"is signed by the key {key}, which is not in the keyring"
    if "VALIDSIG" not in words:
        return "has a signature file that does not hold a signature"
    if not _TRUST_ENOUGH & words.keys():
        key = words["VALIDSIG"][0]
        return f"is signed by the key {key}, which no pinned master key vouches for"
    return "is refused by gpg" if "FAILED" in words else ""
