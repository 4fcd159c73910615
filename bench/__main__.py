"""``python -m bench [ROW ...]``: measure, with the contenders of a round one after the other."""

import argparse
import shlex
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from subprocess import CalledProcessError

from aimager import stand_in
from aimager.errors import AimagerError
from aimager.graph import artifacts
from aimager.stand_in.signing import open_key
from bench import desktop_set, fleet, fleet_kills, mirrors, real_keyring, real_size, timeline
from bench.contender import Contender
from bench.contenders import contenders
from bench.lab import PLAIN, Lab
from bench.others import Checkouts
from bench.rows import REAL_SIZE, rows
from bench.sample import Sample, measure
from bench.table import Row, contenders_text, rows_text

_ARCHITECTURES = ("x86_64", "aarch64", "armv7h", "riscv64")
_TIMELINE, _REAL_SIZE, _FLEET, _KILLS = "timeline", "real-size", "fleet", "fleet-kills"
_OTHERS = {_TIMELINE, _REAL_SIZE, _FLEET, _KILLS}


def main() -> None:
    """Measure the rows of the command line, and print what came out."""
    known = [row.name for row in rows(Lab(Path()))]
    asked = _parser(known).parse_args()
    if unknown := set(asked.rows) - {*known, *_OTHERS}:
        told = f"there is no row {', '.join(sorted(unknown))}: they are {', '.join(known)}"
        _parser(known).error(told)
    try:
        with _lab(asked.work.absolute(), asked.mirror) as lab, ExitStack() as stack:
            usual: Sequence[str] = () if _OTHERS & {*asked.rows} else known
            if _REAL_SIZE in asked.rows:
                lab = stack.enter_context(_real_size(lab))
                usual = () if _TIMELINE in asked.rows else REAL_SIZE
            if _TIMELINE in asked.rows:
                print(timeline.cold_build(lab))
            if _FLEET in asked.rows:
                print(fleet.measure(lab, [int(number) for number in asked.workers.split(",")]))
            if _KILLS in asked.rows:
                print(fleet_kills.measure(lab, asked.kills, asked.seed))
            names = [name for name in asked.rows if name in known] or usual
            there = contenders(lab, Checkouts(asked.mkosi, asked.aimager_sh, asked.user))
            _measure_rows([row for row in rows(lab) if row.name in names], there, asked.rounds)
    except AimagerError as error:
        sys.exit(str(error))
    except CalledProcessError as error:
        told = "the file said of --work= ends with what it said"
        sys.exit(f"{shlex.join(map(str, error.cmd))}\nfailed; {told}")


@contextmanager
def _real_size(lab: Lab) -> Iterator[Lab]:
    """The lab of a desktop's packages, which lie in a folder of it."""
    folder = lab.folder / _REAL_SIZE
    assert lab.key
    with stand_in.serve(folder / "mirrors") as url:
        sized = replace(lab, folder=folder, url=url, packages=(desktop_set.META,))
        print(f"{folder} gets or has a desktop's packages; remove it when done", file=sys.stderr)
        real_size.make(sized.mirror(PLAIN), lab.mirror(PLAIN), lab.key)
        sized.stock()
        yield sized


def _folder(word: str) -> Path:
    return Path(word).absolute()


def _parser(known: Sequence[str]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    told = (
        f"of {', '.join(known)}; {_TIMELINE}: the steps of one cold build; {_REAL_SIZE}: these, or"
        f" {', '.join(REAL_SIZE)}, of a desktop's packages, which are made at the first time;"
        f" {_FLEET}: a hundred images, on as many workers as --workers= says; {_KILLS}: --kills="
        " kills while workers make images"
    )
    parser.add_argument("rows", nargs="*", metavar="ROW", help=told)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--workers", default="0,1,2,4", help="of the fleet; 0: without a cluster")
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1, help="of the times of kills")
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
        all_lacks = (row.lacks, *(there[name].lacks for name in row.needs))
        if lacking := dict.fromkeys(lack for lack in all_lacks if lack):
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
            there[name].tidy()
            taken = samples[name][-1].seconds
            print(f"round {number + 1}: {name} {taken:.2f} s", file=sys.stderr)
    return samples


if __name__ == "__main__":
    main()
