"""The rows of the table of goals."""

from collections.abc import Callable
from statistics import median

from bench.contenders import BOARDS
from bench.lab import CELL, Lab
from bench.table import Row, Samples, cpu, cpu_ratio, ratio, seconds

REAL_SIZE = ("cold", "cold-cpu", "hostname", "hostname-seconds", "package", "memory")
"""The rows that are measured on a desktop's packages, too."""

_MEASURED = ("cold", "large-databases")
"""Whose processes' memory counts."""


def _peak(samples: Samples) -> float:
    return max(sample.peak for name in _MEASURED for sample in samples[name]) / (1 << 20)


def _over(name: str, work: str, ours: str, reference: str, goal: float) -> Row:
    return Row(name, work, (ours, reference), goal, ratio(ours, reference))


def rows(lab: Lab) -> tuple[Row, ...]:
    """All rows; what they need are names of `bench.contenders`."""
    return (
        _over("cold", "cold root.tar and disk.img over the floor", "cold", "cold-floor", 1.4),
        Row(
            "cold-cpu",
            "the same, in seconds of CPU",
            ("cold", "cold-floor"),
            1.8,
            cpu_ratio("cold", "cold-floor"),
        ),
        _over(
            "pacstrap",
            "cold root.tar and disk.img over pacstrap by hand",
            "cold",
            "cold-pacstrap",
            0.75,
        ),
        _over("mkosi", "cold root.tar over mkosi", "cold-archive", "mkosi", 0.75),
        _over("aimager-sh", "cold root.tar over aimager.sh", "cold-archive", "aimager-sh", 0.75),
        *(
            _over(name, f"{name} root.tar over x86_64", name, "x86_64", 1.05)
            for name in ("aarch64", "armv7h", "riscv64")
        ),
        _over(
            "keyring",
            "keyring-init, crossing over native",
            "keyring-crossing",
            "keyring",
            1.1,
        ),
        _over(
            "real-keyring",
            "keyring-init, Arch's real keys, over gpg --import of them",
            "real-keyring",
            "real-keyring-floor",
            2.0,
        ),
        _over(
            "hostname",
            "changed hostname over a sparse copy with its SHA-256",
            "hostname",
            "copy",
            1.5,
        ),
        Row(
            "hostname-seconds",
            "a desktop's changed hostname, where files share blocks",
            ("hostname",),
            3,
            lambda samples: seconds(samples, "hostname"),
            "s",
            _no_seconds(lab),
        ),
        _over(
            "settings",
            "changed user, key, file and language over the same copy",
            "settings",
            "copy",
            1.5,
        ),
        _over(
            "personalise",
            "a finished image personalised over a build with a changed hostname",
            "personalise",
            "hostname",
            1.0,
        ),
        _over(
            "package",
            "one more small package over a changed hostname",
            "package",
            "hostname",
            1.6,
        ),
        _over(
            "upgrade",
            "a package of the base upgraded over a cold build",
            "upgrade",
            "cold",
            0.6,
        ),
        _over(
            "boards",
            f"{BOARDS} boards of one platform, two kernels, over one",
            "boards",
            "one-board",
            1.8,
        ),
        Row(
            "memory",
            "peak memory of one of our processes, with real-size databases",
            _MEASURED,
            60,
            _peak,
            "MiB",
        ),
        Row(
            "written",
            "written to disk over content of disk.img",
            ("cold-disk",),
            1.5,
            _written(lab),
        ),
        _over(
            "nothing",
            "a build with nothing to do over doit list",
            "nothing",
            "list",
            1.1,
        ),
        Row(
            "nothing-cpu",
            "the same, its seconds of CPU",
            ("nothing",),
            0.4,
            lambda samples: cpu(samples, "nothing"),
            "s",
        ),
    )


def _no_seconds(lab: Lab) -> str:
    if not lab.packages:
        return "it is a row of real-size"
    return "" if lab.shares_blocks() else f"files of {lab.folder} cannot share blocks"


def _written(lab: Lab) -> Callable[[Samples], float]:
    def value(samples: Samples) -> float:
        content = lab.product("pack-image", CELL, "disk.img").stat().st_blocks * 512
        return median(sample.written for sample in samples["cold-disk"]) / content

    return value
