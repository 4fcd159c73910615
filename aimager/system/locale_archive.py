"""The archive of the default locale, which localedef(1) makes, where we know locale-gen(8).

It follows from the sources of locales, the map of characters, and the program. So it is made in a
root that has nothing else, and remembered for all images in which these are the same.
"""

import hashlib
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from aimager.errors import ImageError
from aimager.model.settings import DEFAULT_LOCALE
from aimager.sandbox.clean_run import CleanRun, Given
from aimager.sandbox.privileges import Limits
from aimager.sandbox.program_files import UnknownFilesError, program_files
from aimager.sandbox.results import Files, Results
from aimager.sandbox.tree import Tree
from aimager.system.remembered import give_programs, remember, tell

FOLDER, ARCHIVE = "usr/lib/locale", "locale-archive"
GENERATOR = "usr/bin/locale-gen"

_SOURCES = "usr/share/i18n"
_LOCALES = f"{_SOURCES}/locales"
_ALIASES = "usr/share/locale/locale.alias"
_OWN = "usr/local/share/i18n"
"""The administrator's sources, which come first."""

_NAME, _, _CHARACTERS = DEFAULT_LOCALE.partition(".")
_MAPS = (f"{_SOURCES}/charmaps/{_CHARACTERS}", f"{_SOURCES}/charmaps/{_CHARACTERS}.gz")
_PROGRAMS = ("usr/bin/localedef", "usr/bin/gzip")
"""localedef has gzip read maps."""

_NAMES = ("locale-gen", "localedef", "gzip", "rm")
"""Programs that are found by their names alone."""

_ARGUMENTS = ("-i", _NAME, "-c", "-f", _CHARACTERS, "-A", f"/{_ALIASES}", DEFAULT_LOCALE)

_SCRIPTS = {
    # Of the stand-in mirror, which is Debian's.
    "14a9b4d337f1637dd57b31086c20222c57d103496902fe5f4a4c9c83a3bc53dd": (ARCHIVE,),
    # Of Arch Linux's glibc 2.37, which removes the whole of the folder.
    "1df1076f5cf3a4ba8cbce6a606ecef7a9a51fecb9efc235bd622759aef17df91": (),
}
"""By the SHA-256 of generators that run localedef with ``_ARGUMENTS`` where the default locale is
all that is enabled, the names that they remove in `FOLDER` before; none: all."""


@dataclass(frozen=True)
class DefaultArchive:
    """Makes that of ``tree``, by the localedef of ``programs``."""

    tree: Tree
    programs: Tree

    def lay(self, results: Results, work: Path, limits: Limits, log: IO[bytes]) -> bool:
        """Put it where locale-gen would, made in ``work`` if it is not among ``results``.

        False: that is for locale-gen to do, and ``log`` has why.
        """
        try:
            removed = _SCRIPTS.get(self._script())
            files = self.find(results, work, limits, log)
            if removed is None or not files:
                return False
            for name in removed or self.tree.names(FOLDER):
                self.tree.remove(f"{FOLDER}/{name}")
            self.tree.write(f"{FOLDER}/{ARCHIVE}", files[ARCHIVE], 0o644)
        except (ImageError, KeyError) as error:  # what is installed meanwhile may change it
            tell(log, f"the default locale is left to the image's programs: {error}")
            return False
        return True

    def find(self, results: Results, work: Path, limits: Limits, log: IO[bytes]) -> Files | None:
        """The archive by its name; as `lay`."""
        run = CleanRun(["localedef", *_ARGUMENTS], self._given, FOLDER)
        return remember("the default locale", run, results, work, limits, log)

    def _script(self) -> str:
        return hashlib.sha256(self.tree.read_bytes(GENERATOR)).hexdigest()

    def _given(self) -> Iterator[Given]:
        try:
            self._refuse_unknown()
            needed = [program_files(self.programs, program) for program in _PROGRAMS]
            yield from give_programs(self.programs, sorted({*needed[0], *needed[1]}))
            for path in (*_MAPS, _ALIASES):
                if self.tree.exists(path):
                    yield Given(path, self.tree.read_bytes(path))
            yield from self._sources()
        except ImageError as error:
            raise UnknownFilesError(error.message) from error

    def _refuse_unknown(self) -> None:
        if self._script() not in _SCRIPTS:
            raise UnknownFilesError(f"/{GENERATOR} is another one than those that are known")
        # What locale-gen and localedef would find first, by their PATH or in the top folder.
        folders = ["usr/local/bin", "usr/local/sbin"]
        sbin = self.tree.lstat("usr/sbin")
        if sbin and not stat.S_ISLNK(sbin.st_mode):
            folders.append("usr/sbin")
        found = [f"{folder}/{name}" for folder in folders for name in _NAMES]
        for path in (_OWN, f"{_LOCALES}/{DEFAULT_LOCALE}", _NAME, _CHARACTERS, *found):
            if self.tree.lstat(path):
                raise UnknownFilesError(f"there is /{path}")
        if not self.tree.is_dir(FOLDER):
            raise UnknownFilesError(f"there is no folder /{FOLDER}")

    def _sources(self) -> Iterator[Given]:
        for path, status in sorted(self.tree.walk(_LOCALES)):
            if not stat.S_ISREG(status.st_mode):
                raise UnknownFilesError(f"/{_LOCALES}/{path} is not a regular file")
            yield Given(f"{_LOCALES}/{path}", self.tree.read_bytes(f"{_LOCALES}/{path}"))
