"""What the cache of products and packages holds, shown and pruned."""

import time
from collections.abc import Mapping
from pathlib import Path

from aimager.config.variables import make_words
from aimager.errors import ConfigError
from aimager.graph import artifacts
from aimager.model.remote import Remote
from aimager.products.cache import guard
from aimager.products.inventory import disk_usages, list_packages, list_products, table
from aimager.products.prune import Limit, Pruned, prune
from aimager.products.remote.prune import prune_store
from aimager.units import count, size


def show_cache() -> None:
    """Show what the cache holds, by kind."""
    with guard(artifacts.products(), shared=True):
        products = list_products(artifacts.products())
        items = [*products, *list_packages(artifacts.store(), products)]
    for line in table(items, artifacts.other_folders()):
        print(line)


def prune_cache(variables: Mapping[str, str], folder: Path = Path()) -> None:
    """Remove from the cache what ``size=`` and ``older=`` leave no room for.

    With ``remote=``, where relative paths start at ``folder``, from that store instead.

    :raises ConfigError: when neither is given, or the store can only be read
    :raises HostError: when the store cannot be listed, or something cannot be removed there
    """
    limit = read_limit(variables, time.time())
    remote = make_words(variables, folder).read("remote")
    if remote:
        pruned = prune_store(Remote(remote, artifacts.RUN / "remote"), limit)
        _tell(pruned)
        return
    pruned = prune(artifacts.products(), artifacts.store(), artifacts.runs(), limit)
    _tell(pruned)
    others = {name: disk_usages([folder]) for name, folder in artifacts.other_folders().items()}
    told = ", ".join(f"{name} {size(taken)}" for name, taken in others.items() if taken)
    if told:
        print(f"   besides, not pruned: {told}; {size(pruned.left + sum(others.values()))} in all")


def _tell(pruned: Pruned) -> None:
    removed = count(len(pruned.items), "product or package", "products and packages")
    print(f"   removed {removed}, {size(sum(item.size for item in pruned.items))}")
    print(f"   {size(pruned.left)} of products and packages are left")


def read_limit(variables: Mapping[str, str], now: float) -> Limit:
    """What ``cache-prune`` is to leave, ``now`` being in seconds since 1970.

    :raises ConfigError: when nothing, or nonsense, is asked for
    """
    words = make_words(variables, Path())
    size, older = words.read("size"), words.read("older")
    if size is None and older is None:
        raise ConfigError(
            "cache-prune needs to know what to remove", hint="say size=10GiB, or older=30d"
        )
    return Limit(size=size, since=None if older is None else now - older)
