"""What a manifest tells of a build's settings, for who makes it again."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Recipe:
    """The ``words`` of the command line that shape the image: names of variables, and texts.

    Those that hold secrets, or name files, are only named: they have to be ``given_again``. What a
    lock file says is not told once more. ``settings`` is the fingerprint of what all of them mean
    (`aimager.model.build.Build.settings_fingerprint`), and ``epoch`` the time stamp in seconds that
    the environment gave, None where it gave none.
    """

    words: tuple[tuple[str, str], ...] = ()
    given_again: tuple[str, ...] = ()
    settings: str = ""
    epoch: int | None = None


UNTOLD = Recipe()
"""That of a build of which no words are known."""
