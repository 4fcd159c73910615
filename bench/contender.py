"""Who takes part in a row."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Contender:
    """``run`` is measured; ``warm_up`` comes once before all rounds, ``prepare`` before each.

    ``tidy`` comes after each, and removes what is large and nobody needs any more.
    ``lacks`` says why it cannot take part.
    """

    run: Callable[[], None]
    prepare: Callable[[], None] = lambda: None
    warm_up: Callable[[], None] = lambda: None
    tidy: Callable[[], None] = lambda: None
    lacks: str = ""
