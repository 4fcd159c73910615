"""The file of ``builds=``: many builds by their names, and the words that they share.

::

    [defaults]          words of all builds
    [builds.NAME]       one build, or, with several boards, NAME-BOARD of each
    [matrix]            a build of each combination of the values in its arrays, and of
    [matrix.variants.NAME]    a variant's own words
    [[matrix]]          one of several

A table's words take the place of those before it, and what its table ``add`` has is added to them.
A file that has words at its top, and no table, is of one build. The command line wins.
"""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from aimager.config.fleet_words import BOARD, Word, fill, name_part, read_words
from aimager.config.parse import split_list
from aimager.config.toml_file import Key, TomlFile
from aimager.errors import ConfigError
from aimager.model.build import BUILD_NAME
from aimager.near_names import nearest

DEFAULTS, BUILDS, MATRIX = "defaults", "builds", "matrix"
VARIANTS, ADD, EXCLUDE = "variants", "add", "exclude"

_MOST = 4096
"""Builds of one file: more is a mistake in a matrix."""


@dataclass(frozen=True)
class NamedWords:
    """What one build of a file is: its words by variable, and of those of the file the keys.

    ``key`` is that of the build's own table. Without a ``name``, it is the only one.
    """

    name: str
    key: Key
    words: Mapping[str, str]
    keys: Mapping[str, Key]


Table = Mapping[str, Word]
"""The words of a table, by variable."""


@dataclass(frozen=True)
class _Source:
    """What builds are made of: the words of tables; ``parts`` of their names are known already."""

    parts: tuple[str, ...]
    key: Key
    table: Table


class Fleet:
    """The builds of the file at ``path``.

    :raises ConfigError: for what it cannot have; names file, line and key
    """

    def __init__(self, path: Path) -> None:
        self.file = TomlFile(path, BUILDS)
        data = self.file.data
        self._tables = {name: data[name] for name in (DEFAULTS, BUILDS, MATRIX) if name in data}
        words = {name: value for name, value in data.items() if name not in self._tables}
        if words and self._tables:
            name = next(iter(words))
            raise self.file.error(
                f"{name} is in no table", (name,), hint=f"words of all builds stand in [{DEFAULTS}]"
            )
        self._sources = tuple(self._read(words))
        if not self._sources:
            raise ConfigError(
                f"{path} has no builds",
                hint="[builds.NAME] or [matrix] has some: doit help builds explains the file",
            )

    @property
    def folder(self) -> Path:
        """Where the relative paths of its words start."""
        return self.file.path.parent

    @property
    def given(self) -> set[str]:
        """The variables that it has words for."""
        return {name for source in self._sources for name in source.table}

    def choose(self, given: Mapping[str, str], only: str | None) -> tuple[NamedWords, ...]:
        """Its builds with the words that are ``given`` beside it, or those that ``only`` names.

        :raises ConfigError: for a name that none of them has, or that two have
        """
        builds = list(itertools.islice(self._expand(given), _MOST + 1))
        if len(builds) > _MOST:
            raise ConfigError(
                f"{self.file.path} has more than {_MOST} builds", hint="make a matrix of it smaller"
            )
        known: dict[str, NamedWords] = {}
        for build in builds:
            if build.name and known.setdefault(build.name, build) is not build:
                place = self.file.place(known[build.name].key)
                raise self.file.error(
                    f"there are two builds {build.name}: the other is that of {place}",
                    build.key,
                    hint="give one of them another name",
                )
        if only is None:
            return tuple(builds)
        return tuple(known[name] for name in _pick(only, known, self.file.path))

    def _read(self, words: Mapping[str, Any]) -> Iterator[_Source]:
        if words:
            yield _Source((), (), self._words(words, (), many=(BOARD,)))
            return
        shared = self._words(self._table((DEFAULTS,)), (DEFAULTS,), many=(BOARD,))
        for name in self._table((BUILDS,)):
            key: Key = (BUILDS, name)
            table = self._merged(shared, key, many=(BOARD,))
            yield _Source((self._name(name, key),), key, table)
        yield from self._read_matrices(shared)

    def _read_matrices(self, shared: Table) -> Iterator[_Source]:
        found = self._tables.get(MATRIX, [])
        several = isinstance(found, list)
        keys: list[Key] = [(MATRIX, n) for n in range(len(found))] if several else [(MATRIX,)]
        for key in keys:
            table = self._table(key)
            merged = self._merged(shared, key, many=None, without=(VARIANTS, EXCLUDE))
            if VARIANTS not in table:
                yield _Source((), key, merged)
            for name in self._table((*key, VARIANTS)) if VARIANTS in table else ():
                variant: Key = (*key, VARIANTS, name)
                words = self._merged(merged, variant, many=())
                yield _Source((self._name(name, variant),), variant, words)

    def _merged(
        self,
        before: Table,
        key: Key,
        *,
        many: Sequence[str] | None,
        without: Sequence[str] = (),
    ) -> Table:
        """The words of a table in place of, and of its ``add`` beside, those ``before``."""
        table = {n: v for n, v in self._table(key).items() if n not in without}
        own = {n: v for n, v in table.items() if n != ADD}
        merged = {**before, **self._words(own, key, many=many)}
        if ADD in table:
            added = self._words(self._table((*key, ADD)), (*key, ADD), many=(), lists_only=True)
            for name, word in added.items():
                first = merged[name].texts if name in merged else ()
                merged[name] = replace(word, texts=(*first, *word.texts))
        return merged

    def _words(
        self,
        table: Mapping[str, Any],
        key: Key,
        *,
        many: Sequence[str] | None,
        lists_only: bool = False,
    ) -> Table:
        return read_words(self.file, table, key, many=many, lists_only=lists_only)

    def _table(self, key: Key) -> Mapping[str, Any]:
        value: Any = self.file.data
        for part in key:
            value = value.get(part, {}) if isinstance(part, str) else value[part]
            if not isinstance(value, dict) and not (part == MATRIX and isinstance(value, list)):
                raise self.file.error(
                    "this has to be a table", key, hint="doit help builds explains the file"
                )
        found: Mapping[str, Any] = value
        return found

    def _name(self, name: str, key: Key) -> str:
        if not BUILD_NAME.fullmatch(name):
            raise self.file.error(
                f"{name!r} is not a valid name of a build",
                key,
                hint="use letters, digits, dashes and underscores, at most 64",
            )
        return name

    def _expand(self, given: Mapping[str, str]) -> Iterator[NamedWords]:
        """The builds in their order: those of a matrix by its variants, then by its values."""
        for key, group in itertools.groupby(self._sources, lambda it: _matrix_of(it.key)):
            builds = [build for source in group for build in self._combine(source, given)]
            yield from self._excluded(key, builds) if key else builds

    def _combine(self, source: _Source, given: Mapping[str, str]) -> Iterator[NamedWords]:
        table = dict(source.table)
        for name, text in given.items():
            values = tuple(split_list(text)) if name == BOARD else (text,)
            was = source.table.get(name)
            is_axis = len(values) > 1 or bool(was and was.is_axis)
            table[name] = Word(values or ("",), (), is_axis)
        axes = [name for name, word in table.items() if word.is_axis]
        for values in itertools.product(*(table[name].texts for name in axes)):
            chosen = dict(zip(axes, values, strict=True))
            yield self._named(source, table, chosen)

    def _named(self, source: _Source, table: Table, chosen: Mapping[str, str]) -> NamedWords:
        parts = [name_part(self.file, axis, v, table[axis].key) for axis, v in chosen.items()]
        is_matrix = source.key[:1] == (MATRIX,)
        name = "-".join((*parts, *source.parts) if is_matrix else (*source.parts, *parts))
        name = name if source.parts or is_matrix else ""
        if is_matrix and not name:
            raise self.file.error(
                "this has neither an array of several values nor variants",
                source.key,
                hint="board = [...] has a build of each; [builds.NAME] is one build",
            )
        texts = {n: chosen.get(n, ",".join(word.texts)) for n, word in table.items()}
        keys = {n: word.key for n, word in table.items() if word.key}
        return NamedWords(name, source.key, fill(texts, name, given=keys), keys)

    def _excluded(self, key: Key, builds: Sequence[NamedWords]) -> list[NamedWords]:
        """``builds`` without those that the matrix at ``key`` leaves out."""
        table = self._table(key)
        patterns = table.get(EXCLUDE, [])
        place: Key = (*key, EXCLUDE)
        if not isinstance(patterns, list) or not all(isinstance(p, str) for p in patterns):
            raise self.file.error(
                "this has to be an array of names", place, hint='exclude = ["rpi4-*"]'
            )
        for pattern in patterns:
            if not any(fnmatchcase(build.name, pattern) for build in builds):
                near = nearest(pattern, [build.name for build in builds])
                raise self.file.error(
                    f"no build of the matrix is named {pattern}",
                    place,
                    hint=f"{near}leave it out, or correct it",
                )
        return [b for b in builds if not any(fnmatchcase(b.name, p) for p in patterns)]


def _matrix_of(key: Key) -> Key:
    """The key of the matrix that a source is of; empty: it is of none."""
    if key[:1] != (MATRIX,):
        return ()
    return key[:2] if len(key) > 1 and isinstance(key[1], int) else key[:1]


def _pick(only: str, known: Mapping[str, NamedWords], path: Path) -> list[str]:
    """The names that the patterns of ``only`` match, in the file's order."""
    if not known:
        raise ConfigError(
            f"only={only} picks by names, and the one build of {path} has none",
            hint="leave only= out",
        )
    patterns = split_list(only)
    if not patterns:
        raise ConfigError("only= is empty", hint="it names builds, as only=home,'rpi*'")
    for pattern in patterns:
        if not any(fnmatchcase(name, pattern) for name in known):
            raise ConfigError(
                f"only={pattern} is not the name of a build of {path}",
                hint=f"{nearest(pattern, known)}doit show builds={path} tells all of them",
            )
    return [name for name in known if any(fnmatchcase(name, p) for p in patterns)]
