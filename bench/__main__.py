"""``python -m bench [ROW ...]``: measure, with the contenders of a round one after the other."""

import argparse
import shlex
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from subprocess import CalledProcessError

from aimager import stand_in
from aimager.graph import artifacts
from aimager.stand_in.signing import open_key
from bench import mirrors, real_keyring, timeline
from bench.contender import Contender
from bench.contenders import contenders
from bench.lab import PLAIN, Lab
from bench.others import Checkouts
from bench.rows import rows
from bench.sample import Sample, measure
from bench.table import Row, contenders_text, rows_text

_ARCHITECTURES = ("x86_64", "aarch64", "armv7h", "riscv64")
_TIMELINE = "timeline"


def main() -> None:
    """Measure the rows of the command line, and print what came out."""
    known = [row.name for row in rows(Lab(Path()))]
    asked = _parser(known).parse_args()
    if unknown := set(asked.rows) - {*known, _TIMELINE}:
        told = f"there is no row {', '.join(sorted(unknown))}: they are {', '.join(known)}"
        _parser(known).error(told)
    checkouts = Checkouts(asked.mkosi, asked.aimager_sh, asked.user)
    with _lab(asked.work.absolute(), asked.mirror) as lab:
        try:
            if _TIMELINE in asked.rows:
                print(timeline.cold_build(lab))
            chosen = [row for row in rows(lab) if row.name in asked.rows or not asked.rows]
            if chosen:
                _measure_rows(chosen, contenders(lab, checkouts), asked.rounds)
        except CalledProcessError as error:
            sys.exit(f"{shlex.join(map(str, error.cmd))}\nfailed; {lab.said} ends with why")


def _folder(word: str) -> Path:
    return Path(word).absolute()


def _parser(known: Sequence[str]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    told = f"of {', '.join(known)}; or {_TIMELINE}: the steps of one cold build"
    parser.add_argument("rows", nargs="*", metavar="ROW", help=told)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--mirror", type=Path, help="a stand-in mirror; by default one is made")
    parser.add_argument("--work", type=Path, default=artifacts.CACHE / "bench")
    parser.add_argument("--mkosi", type=_folder, help="a checkout of it")
    parser.add_argument("--aimager-sh", type=_folder, help="a checkout of it")
    parser.add_argument("--user", default="", help="who runs aimager.sh where that is not root")
    return parser


@contextmanager
def _lab(work: Path, mirror: Path | None) -> Iterator[Lab]:
    if mirror is None:
        mirror = artifacts.mirror()
        stand_in.make_mirror(mirror, _ARCHITECTURES, artifacts.mirror_work())
    work.mkdir(parents=True, exist_ok=True)
    with (
        open_key(work / "key") as key,
        stand_in.serve(work / "mirrors") as url,
        stand_in.serve(work / "real") as real,
    ):
        trusted = real_keyring.make_repository(work / "real", key)
        both = f"{stand_in.fingerprint(mirror)},{key.fingerprint}"
        lab = Lab(work, url, both, key, real_keyring.words(real, trusted))
        mirrors.link_mirror(mirror, lab.mirror(PLAIN))
        mirrors.add_key(lab.mirror(PLAIN), key)
        yield lab


def _measure_rows(chosen: Sequence[Row], there: dict[str, Contender], rounds: int) -> None:
    possible = []
    for row in chosen:
        if lacking := {there[name].lacks: None for name in row.needs if there[name].lacks}:
            print(f"{row.name} is left out: {'; '.join(lacking)}")
        else:
            possible.append(row)
    if not possible:
        return
    samples = _measure(possible, there, rounds)
    print(f"{contenders_text(samples)}\n\n{rows_text(possible, samples)}")


def _measure(
    chosen: list[Row], there: dict[str, Contender], rounds: int
) -> dict[str, list[Sample]]:
    names = list(dict.fromkeys(name for row in chosen for name in row.needs))
    for name in names:
        print(f"warming up for {name}", file=sys.stderr)
        there[name].warm_up()
    samples: dict[str, list[Sample]] = {name: [] for name in names}
    for number in range(rounds):
        for name in names:
            there[name].prepare()
            samples[name].append(measure(there[name].run))
            taken = samples[name][-1].seconds
            print(f"round {number + 1}: {name} {taken:.2f} s", file=sys.stderr)
    return samples


if __name__ == "__main__":
    main()
