"""Sizes and times in words for people."""


def duration(seconds: float) -> str:
    """Seconds, and from a minute on minutes."""
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    return f"{whole // 60} min {whole % 60} s"


def size(count: float) -> str:
    """Bytes in the largest unit of the SI in which there is at least one."""
    for unit, scale in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if count >= scale:
            return f"{count / scale:.1f} {unit}"
    return f"{count:.0f} B"


def mebibytes(count: int) -> str:
    """Bytes in whole MiB, rounded up: what file systems and partitions are given."""
    return f"{-(-count // (1 << 20))} MiB"
