"""Reading what to install: packages of repositories, and files of the user's own."""

from collections.abc import Sequence
from pathlib import Path

from aimager.config.parse import HERE, choices, read_packages, split_list
from aimager.config.paths import has_file
from aimager.config.variable import NotForBoardError, Words
from aimager.errors import ConfigError
from aimager.model.board import Initramfs
from aimager.model.distro import Platform, ThirdPartyRepository
from aimager.model.lock import UNSIGNED
from aimager.packages.targets import is_file, of_file, read_target


def read_targets(text: str, folder: Path, *, variable: str) -> tuple[str, ...]:
    """What to install; a file is asked for by its name.

    :raises ConfigError: for what is neither a package's name nor a file
    """
    words = split_list(text)
    files = {word: of_file(path.name) for word, path in _files(words, folder, variable).items()}
    return read_packages(",".join(files.get(word, word) for word in words), variable=variable)


def read_own_packages(words: Words) -> tuple[Path, ...]:
    """Where packages are that nobody signed: a folder of them, and single files."""
    named = split_list(words.texts.get("install-pkgs", ""))
    files = _files(named, words.start("install-pkgs"), "install-pkgs").values()
    folder: Path | None = words.read("packages")
    return (*([folder] if folder else []), *files)


def check_targets(
    words: Words, platform: Platform, repositories: Sequence[ThirdPartyRepository]
) -> None:
    """Refuse what cannot be asked for.

    :raises ConfigError: for an initramfs maker, or a repository that the build does not have
    """
    known = (*platform.distro.base_repositories, *(r.id for r in repositories))
    for word in words.read("install-pkgs", ()):
        target = read_target(word)
        if target.name in list(Initramfs):
            raise ConfigError(
                f"install-pkgs={word} is an initramfs maker",
                hint=f"initrd-maker={target.name} has it make an initramfs for any machine",
            )
        if target.repository not in ("", UNSIGNED, *known):
            others = (o for o in split_list(words.texts["install-pkgs"]) if o != word)
            raise NotForBoardError(
                f"install-pkgs={word} names the repository {target.repository}, which the build"
                " does not have",
                hint=f"it has {choices(known)}; repos-base= names the distribution's, and"
                " add-repos= adds others",
                variable="install-pkgs",
                part=word,
                rest=",".join(others),
            )


def _files(words: Sequence[str], folder: Path, variable: str) -> dict[str, Path]:
    """The files among ``words``."""
    found = dict[str, Path]()
    for word in words:
        if "://" in word:
            raise ConfigError(
                f"{variable}={word} is an address", hint="fetch the package, and name its file"
            )
        if not is_file(word):
            continue
        if not has_file(folder / word):
            raise ConfigError(f"{variable}={word}: there is no such file", hint=HERE)
        found[word] = folder / word
    return found
