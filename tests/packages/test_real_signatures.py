"""Signatures of real packages are judged, by several keyrings and dates, as gpg judges them."""

import json
import shutil
from pathlib import Path

import pytest

from aimager import process
from aimager.packages.openpgp.trust import Trust
from tests.support.key_verdicts import DATES, KEYRINGS, seconds
from tests.support.signature_verdicts import BY, RECORD, Verdicts, ask_gpg, laid_out, told

RECORDED: Verdicts = json.loads(RECORD.read_text())


@pytest.mark.parametrize("by", BY)
def test_each_is_judged_as_gpg_does(by: str, tmp_path: Path) -> None:
    cases = laid_out(tmp_path)
    assert set(cases) == set(RECORDED)
    keyring = KEYRINGS[by]
    for date in DATES:
        trust = Trust(seconds(date))
        for data in keyring.read():
            trust.add(data, (), ())
        trust.pinned |= set(keyring.pinned)
        for case, files in cases.items():
            assert told(trust.status(*files)) == RECORDED[case][by][date], (case, date)


def test_they_are_worth_it() -> None:
    """What is recorded has verdicts of every kind that such files can have."""
    said = {word for by in RECORDED.values() for dates in by.values() for word in dates.values()}
    kinds = {(word.split()[0], *word.split()[2:]) for word in said}
    undefined, fully = ("GOODSIG", "TRUST_UNDEFINED"), ("GOODSIG", "TRUST_FULLY")
    assert kinds == {undefined, fully, ("BADSIG",), ("NO_PUBKEY",)}


@pytest.mark.skipif(
    not shutil.which("gpg", path=process.ENVIRONMENT["PATH"]), reason="gpg is missing"
)
def test_the_record_is_what_this_machines_gpg_says() -> None:
    for date in DATES:
        said = ask_gpg("gpg", "kiro", date)
        assert said == {case: RECORDED[case]["kiro"][date] for case in RECORDED}
