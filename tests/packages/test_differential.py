"""What gpg refuses is refused: thousands of odd certificates and signatures, judged by both.

``AIMAGER_DIFFERENTIAL`` is how many cases, ``AIMAGER_DIFFERENTIAL_SEED`` begins another series of
them, and ``AIMAGER_DIFFERENTIAL_GPG`` names another gpg.
"""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from aimager import process
from aimager.packages.openpgp.trust import Trust
from aimager.packages.verification import problem
from tests.support.gpg_verdicts import Gpg
from tests.support.openpgp_cases import CONTENT, MASTERS, REVOKER, Case, make_cases
from tests.support.openpgp_changes import DAY, NOW
from tests.support.openpgp_maker import plain
from tests.support.packagers import short_folder

GPG = os.environ.get("AIMAGER_DIFFERENTIAL_GPG", "gpg")
COUNT = int(os.environ.get("AIMAGER_DIFFERENTIAL", "300"))
SEED = int(os.environ.get("AIMAGER_DIFFERENTIAL_SEED", "1"))
BATCH = 1000

FINGERPRINTS = tuple(master.fingerprint.hex().upper() for master in MASTERS)

pytestmark = pytest.mark.skipif(
    not shutil.which(GPG, path=process.ENVIRONMENT["PATH"]),
    reason="gpg is missing: NOTHING is compared with it",
)


@dataclass(frozen=True)
class Verdicts:
    """What was said against each case; empty if it was accepted."""

    cases: list[Case]
    ours: list[str]
    gpgs: list[str]

    def accepted_by_ours_alone(self) -> list[tuple[str, list[str]]]:
        """What gpg said against each of them, and what is odd about it."""
        rows = zip(self.cases, self.ours, self.gpgs, strict=True)
        return [(theirs, case.changes) for case, ours, theirs in rows if theirs and not ours]

    @property
    def counts(self) -> tuple[int, int, int]:
        """How many were accepted by both, by ours alone, and by gpg alone."""
        said = [(not ours, not theirs) for ours, theirs in zip(self.ours, self.gpgs, strict=True)]
        return said.count((True, True)), said.count((True, False)), said.count((False, True))


def judge(seed: int, count: int, folder: Path) -> Verdicts:
    """Have ``count`` cases judged, in files in ``folder``."""
    cases = make_cases(seed, count)
    known = b"".join(plain(key, key.name.encode(), key.created + DAY).packets() for key in MASTERS)
    known += plain(REVOKER, b"revoker", REVOKER.created + DAY).packets()
    content, base = folder / "content", folder / "base.gpg"
    content.write_bytes(CONTENT)
    base.write_bytes(known)
    rings = [folder / f"{number}.gpg" for number in range(count)]
    signatures = [folder / f"{number}.sig" for number in range(count)]
    for case, ring, signature in zip(cases, rings, signatures, strict=True):
        ring.write_bytes(case.ring())
        signature.write_bytes(case.signature_file())
    ours = [
        judge_by_ours(known, ring.read_bytes(), signature, content)
        for ring, signature in zip(rings, signatures, strict=True)
    ]
    gpg = Gpg(GPG, folder / "home", NOW)
    gpg.populate(FINGERPRINTS, [base, *rings])
    theirs = [problem(words) for words in gpg.verify([(s, content) for s in signatures])]
    return Verdicts(cases, ours, theirs)


def judge_by_ours(known: bytes, ring: bytes, signature: Path, content: Path) -> str:
    trust = Trust(NOW)
    trust.add(known, FINGERPRINTS, ())
    try:
        trust.add(ring, (), ())
    except ValueError as error:
        return f"the keyring is refused: {error}"
    return problem(trust.status(signature, content))


def test_nothing_that_gpg_refuses_is_accepted() -> None:
    done = 0
    counts = []
    while done < COUNT:
        with short_folder() as folder:
            verdicts = judge(SEED + done // BATCH, min(BATCH, COUNT - done), folder)
        assert not verdicts.accepted_by_ours_alone()
        counts.append(verdicts.counts)
        done += BATCH
    both, _, gpg_alone = map(sum, zip(*counts, strict=True))
    print(f"{COUNT} cases: {both} accepted by both, none by ours alone, {gpg_alone} by gpg alone")
    # Else the cases would be such that anything is right.
    assert both > COUNT / 5
    assert gpg_alone < COUNT / 4
