"""What is printed: each row's work, figures and goal."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from bench.sample import Sample

Samples = Mapping[str, Sequence[Sample]]
"""The rounds of each contender, by its name."""


@dataclass(frozen=True)
class Row:
    """``value`` makes one number of what ``needs`` names, which should be at most ``goal``.

    ``lacks`` says why it cannot be measured.
    """

    name: str
    work: str
    needs: tuple[str, ...]
    goal: float
    value: Callable[[Samples], float]
    unit: str = "x"
    lacks: str = ""


def seconds(samples: Samples, name: str) -> float:
    """The median time of a contender."""
    return median(sample.seconds for sample in samples[name])


def cpu(samples: Samples, name: str) -> float:
    """The median seconds of CPU of a contender."""
    return median(sample.cpu for sample in samples[name])


def cpu_ratio(ours: str, reference: str) -> Callable[[Samples], float]:
    """How often the CPU time of ``reference`` goes into that of ``ours``."""
    return lambda samples: cpu(samples, ours) / cpu(samples, reference)


def ratio(ours: str, reference: str) -> Callable[[Samples], float]:
    """How often the median time of ``reference`` goes into that of ``ours``."""
    return lambda samples: seconds(samples, ours) / seconds(samples, reference)


def rows_text(rows: Sequence[Row], samples: Samples) -> str:
    """The table of goals with the figures that came out."""
    lines = [f"{'work':64} {'is':>9} {'goal':>9}"]
    for row in rows:
        value = row.value(samples)
        verdict = "reached" if value <= row.goal else "MISSED"
        figures = [f"{number:.4g} {row.unit}" for number in (value, row.goal)]
        lines.append(f"{row.work:64} {figures[0]:>9} {figures[1]:>9}  {verdict}")
    return "\n".join(lines)


def contenders_text(samples: Samples) -> str:
    """Each contender's median, its rounds, and what else it cost."""
    lines = [f"{'contender':20} {'median s':>8} {'cpu s':>7} {'MiB':>5} {'MB out':>7}   rounds"]
    for name, rounds in samples.items():
        peak = max(sample.peak for sample in rounds) / (1 << 20)
        written = median(sample.written for sample in rounds) / 1e6
        each = " ".join(f"{sample.seconds:.2f}" for sample in rounds)
        figures = (
            f"{seconds(samples, name):8.2f} {cpu(samples, name):7.2f} {peak:5.0f} {written:7.0f}"
        )
        lines.append(f"{name:20} {figures}   {each}")
    return "\n".join(lines)
