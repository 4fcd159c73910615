"""Which address a repository is fetched from."""

from aimager.architecture import Architecture
from aimager.build import MirrorChoice
from aimager.distro import Mirrors, Platform


def expand(url: str, repository: str, architecture: Architecture) -> str:
    """The address with ``$repo`` and ``$arch`` filled in, as pacman does it."""
    return url.replace("$repo", repository).replace("$arch", architecture.value)


def base_url(mirrors: Mirrors, choice: MirrorChoice) -> str:
    """The address of all repositories of ``mirrors``: below the user's mirror, or the world's."""
    return f"{choice.parent}/{mirrors.path}" if choice.parent else mirrors.url


def repository_url(platform: Platform, repository: str, choice: MirrorChoice) -> str:
    """The address of a repository of ``platform``, without a slash at its end."""
    url = dict(choice.repositories).get(repository) or base_url(platform.distro.mirrors, choice)
    return expand(url, repository, platform.architecture).rstrip("/")
