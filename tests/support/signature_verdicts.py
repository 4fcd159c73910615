"""What gpg says of real packages' signatures beside the tests, by several keyrings and dates.

``python -m tests.support.signature_verdicts [GPG]`` records it anew in signatures.json, with the
gpg that is named or the host's.
"""

import json
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from tests.support.gpg_verdicts import Gpg
from tests.support.key_verdicts import DATES, FOLDER, KEYRINGS, seconds

RECORD = FOLDER / "signatures.json"

PACKAGES = {
    "acl of 2017": "acl-2.2.52.pkg.tar.xz",
    "kiro-keyring of 2026": "kiro-keyring.pkg.tar.zst",
}
BY = ("archlinux", "kiro", "archlinuxarm")
"""Keyrings: each package is signed by a key of one of them."""

CHANGES: dict[str, Callable[[bytes], bytes]] = {
    "as it is": bytes,
    "changed": lambda data: data[:-1] + bytes([data[-1] ^ 1]),
    "cut off": lambda data: data[: len(data) // 2],
}
"""What is done with a package, its signature staying as it is."""

_WORDS = ("BADSIG", "REVKEYSIG", "EXPSIG", "EXPKEYSIG", "NO_PUBKEY", "GOODSIG")
_TRUST = ("TRUST_NEVER", "TRUST_UNDEFINED", "TRUST_MARGINAL", "TRUST_FULLY", "TRUST_ULTIMATE")

Verdicts = dict[str, dict[str, dict[str, str]]]
"""By package and what was done with it, then by keyring, then by date."""


def told(words: Mapping[str, Sequence[str]]) -> str:
    """What counts of status lines: the verdict, the key, and how far a good one is trusted."""
    verdict = next((word for word in _WORDS if word in words), "NOTHING")
    key = [words[verdict][0]] if verdict in words else []
    trust = [word for word in _TRUST if word in words] if verdict == "GOODSIG" else []
    return " ".join([verdict, *key, *trust])


def laid_out(folder: Path) -> dict[str, tuple[Path, Path]]:
    """The signature and the file of each case, in ``folder``."""
    cases: dict[str, tuple[Path, Path]] = {}
    for package, name in PACKAGES.items():
        for change, made in CHANGES.items():
            path = folder / f"{len(cases)}"
            path.write_bytes(made((FOLDER / name).read_bytes()))
            cases[f"{package}, {change}"] = (FOLDER / f"{name}.sig", path)
    return cases


def ask_gpg(program: str, by: str, date: str) -> dict[str, str]:
    """What gpg says of each case at a date."""
    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        folder = Path(name)
        rings = [folder / f"{number}.gpg" for number, _ in enumerate(KEYRINGS[by].files)]
        for path, data in zip(rings, KEYRINGS[by].read(), strict=True):
            path.write_bytes(data)
        gpg = Gpg(program, folder / "home", seconds(date))
        gpg.populate(KEYRINGS[by].pinned, rings)
        cases = laid_out(folder)
        said = gpg.verify([*cases.values()])
        return {case: told(words) for case, words in zip(cases, said, strict=True)}


def record(program: str) -> str:
    """All that gpg says, as JSON."""
    found: Verdicts = {}
    for by in BY:
        for date in DATES:
            for case, said in ask_gpg(program, by, date).items():
                found.setdefault(case, {}).setdefault(by, {})[date] = said
    return json.dumps(found, indent=1) + "\n"


if __name__ == "__main__":
    RECORD.write_text(record(sys.argv[1] if len(sys.argv) > 1 else "gpg"))
