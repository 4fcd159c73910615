"""Which addresses a repository is fetched from, in the order in which they are asked."""

from collections.abc import Iterable

from aimager.model.architecture import Architecture
from aimager.model.build import MirrorChoice
from aimager.model.distro import Mirrors, Platform, ThirdPartyRepository

_OF_ALL = "repo-url-parent="


def expand(url: str, repository: str, architecture: Architecture) -> str:
    """The address with ``$repo`` and ``$arch`` filled in, as pacman does it."""
    return url.replace("$repo", repository).replace("$arch", architecture.value)


def mirror_urls(
    mirrors: Mirrors,
    repository: str,
    architecture: Architecture,
    choice: MirrorChoice,
    *,
    distro: str = "",
) -> tuple[str, ...]:
    """The addresses of a repository of ``mirrors``, without a slash at their ends.

    They are those of the repository's own mirrors where the user names some, else of those of the
    ``distro`` that it is of, else below the user's mirrors of everything, else that of the world's.
    """
    below = tuple(f"{parent}/{mirrors.path}" for parent in choice.parents if mirrors.path)
    own = dict(choice.repositories).get(repository) or dict(choice.distros).get(distro)
    urls = own or below or (mirrors.url,)
    return tuple(dict.fromkeys(expand(u, repository, architecture).rstrip("/") for u in urls))


def repository_urls(platform: Platform, repository: str, choice: MirrorChoice) -> tuple[str, ...]:
    """The addresses of a repository of ``platform``, without a slash at their ends."""
    added = platform.added(repository)
    mirrors = added.mirrors if added else platform.distro.mirrors
    distro = "" if added else platform.distro.id
    return mirror_urls(mirrors, repository, platform.architecture, choice, distro=distro)


def archive_url(platform: Platform, repository: str, package: str) -> str:
    """Where all versions of a package are kept; empty where its repository keeps none."""
    archive = "" if platform.added(repository) else platform.distro.archive
    return archive.replace("$initial", package[:1]).replace("$name", package)


def naming_mirror(
    hint: str,
    repository: str,
    added: Iterable[ThirdPartyRepository],
    choice: MirrorChoice,
    *,
    distro: str = "",
) -> str:
    """``hint``, with the variable by which another mirror of ``repository`` can be named.

    repo-url-parent= has no effect on what is ``added`` with an address, nor where repo-url-NAME=
    names mirrors already, of the repository or of the ``distro`` that it is of (`mirror_urls`).
    """
    others = {other.id: other.mirrors.path for other in added}
    if repository in dict(choice.repositories) or (repository in others and not others[repository]):
        return hint.replace(_OF_ALL, f"repo-url-{repository}=")
    if repository and repository not in others and distro in dict(choice.distros):
        return hint.replace(_OF_ALL, f"repo-url-{distro}=")
    return hint
