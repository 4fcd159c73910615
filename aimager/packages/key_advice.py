"""What to do about a signature that is not trusted, by what gpg's status lines say of it."""

import time
from collections.abc import Mapping, Sequence

Words = Mapping[str, Sequence[str]]
"""gpg's status lines (GnuPG's doc/DETAILS) by their first words.

``ODD`` is a word of ours: what a file holds in place of a signature as packagers make them.
"""

NO_KEY = (
    "a newer or an older keyring may hold it; keys of your choice are named with trust-key=, or for"
    " a repository that is added with trust-key-NAME="
)
"""What to do about a keyring that lacks a key, or cannot be read."""

PRIMARY_KEY_ALONE = (
    "trust-key=, and trust-key-NAME= for a repository that you add, take the fingerprint of a"
    " primary key, from a source that you trust: gpg --fingerprint KEY"
)
"""What to do about a subkey that does not say whose it is."""

_DAY = 86400
_OTHER_MIRROR = "try another mirror with repo-url-parent="


def expiry(words: Words) -> str:
    """When the signing key expired, as `` on 2025-01-31``; empty if gpg does not say."""
    said = words.get("KEYEXPIRED") or ("",)
    if not said[0].isdecimal():
        return ""
    return time.strftime(" on %Y-%m-%d", time.gmtime(int(said[0])))


def is_of_keys(words: Words) -> bool:
    """Whether another keyring might judge otherwise."""
    return "BADSIG" not in words and bool(
        {"EXPKEYSIG", "EXPSIG", "REVKEYSIG", "NO_PUBKEY", "ERRSIG", "VALIDSIG"} & words.keys()
    )


def advise(words: Words, built: int, now: float | None = None) -> str:
    """What to do about a package, which was ``built`` at a time in seconds."""
    now = time.time() if now is None else now
    if now + _DAY < built:
        today, then = (time.strftime("%Y-%m-%d", time.gmtime(t)) for t in (now, built))
        return (
            f"the clock says {today}, and the package was built on {then}: set the clock, as root:"
            f" timedatectl set-ntp true; or {_OTHER_MIRROR}"
        )
    if "BADSIG" in words:
        return f"it was changed on the mirror or on the way here: {_OTHER_MIRROR}"
    if "ODD" in words:
        return (
            "aimager itself verifies this package, and takes less than gpg does: a newer package"
            " has another signature, tools=host takes the host's programs in its place, or"
            f" {_OTHER_MIRROR}"
        )
    if "EXPKEYSIG" in words:
        return (
            "a newer keyring package has the key with a later date, if its owner extended it; a"
            f" mirror that is up to date has both: {_OTHER_MIRROR}"
        )
    if "REVKEYSIG" in words:
        return (
            f"its owner revoked it, so do not trust the package; for a newer one, {_OTHER_MIRROR}"
        )
    if "NO_PUBKEY" in words or "ERRSIG" in words:
        return (
            "its owner is not known here; a newer keyring package may have the key, and a mirror"
            f" that is up to date has it: {_OTHER_MIRROR}"
        )
    if owner := " ".join(words.get("GOODSIG", ("",))[1:]):
        return (
            f"it says that it is {owner}'s; if you know that, trust-key={words['VALIDSIG'][0]}"
            " trusts it, or trust-key-NAME= in a repository that you add; or a newer keyring"
            f" package vouches for it: {_OTHER_MIRROR}"
        )
    return f"the mirror may be wrong or out of date: {_OTHER_MIRROR}"
