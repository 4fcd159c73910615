"""``python -m bench [ROW ...]``: measure, with the contenders of a round one after the other."""

import argparse
import sys
from pathlib import Path

from aimager import stand_in
from aimager.graph import artifacts
from bench import real_keyring
from bench.lab import Lab
from bench.rows import Contender, contenders, rows
from bench.sample import Sample, measure
from bench.table import Row, contenders_text, rows_text

_ARCHITECTURES = ("x86_64", "aarch64", "armv7h", "riscv64")


def main() -> None:
    """Measure the rows of the command line, and print what came out."""
    known = [row.name for row in rows(Lab(Path(), ()))]
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("rows", nargs="*", metavar="ROW", help=f"of {', '.join(known)}")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--mirror", type=Path, help="a stand-in mirror; by default one is made")
    parser.add_argument("--work", type=Path, default=artifacts.CACHE / "bench")
    asked = parser.parse_args()
    if unknown := set(asked.rows) - set(known):
        parser.error(f"there is no row {', '.join(sorted(unknown))}: they are {', '.join(known)}")
    mirror = asked.mirror
    if mirror is None:
        mirror = artifacts.mirror()
        stand_in.make_mirror(mirror, _ARCHITECTURES, artifacts.mirror_work())
    work = asked.work.absolute()
    trusted = real_keyring.make_repository(work / "real", work / "real.key")
    with stand_in.serve(mirror) as url, stand_in.serve(work / "real") as real:
        words = (f"repo-url-parent={url}", f"trust-key={stand_in.fingerprint(mirror)}")
        lab = Lab(work, words, real_keyring.words(real, trusted))
        chosen = [row for row in rows(lab) if row.name in asked.rows or not asked.rows]
        samples = _measure(chosen, contenders(lab), asked.rounds)
        print(f"{contenders_text(samples)}\n\n{rows_text(chosen, samples)}")


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
