"""Which architectures have machines of their own in the cluster of a command line."""

from collections.abc import Sequence

from aimager.cluster.words import NotSentError, words_for
from aimager.commands.command_line import Asked
from aimager.config.builds import ReadBuild
from aimager.model.architecture import Architecture
from aimager.model.build import Build, Tools
from aimager.model.product import Product
from aimager.sandbox.binfmt import runs_here


def find_makers(asked: Asked, builds: Sequence[Build]) -> frozenset[Architecture]:
    """The architectures of which workers make the ``builds`` for their own.

    This machine cannot run programs of those, and all that is built for them can be sent. Where
    nothing is made, or nothing is sent, the cluster is not asked.

    :raises ConfigError: when it does not answer
    """
    cluster = builds[0].workers if builds else None
    if cluster is None or asked.tells_only or asked.always or asked.errand:
        return frozenset()
    wanted = {build.platform.architecture for build in builds}
    kept = {it.build.platform.architecture for it in asked.builds if not _is_sent(it)}
    foreign = {it for it in wanted - kept if not runs_here(it)}
    if not foreign:
        return frozenset()
    from aimager.cluster.census import find_workers

    workers = find_workers(cluster)
    return frozenset(it for it in foreign if any(worker.get(it) for worker in workers))


def _is_sent(read: ReadBuild) -> bool:
    """Whether all of a build can be made by a machine that has none of this one's files."""
    build = read.build
    try:
        words_for(read.words.texts, build.remote, is_image=True)
    except NotSentError:
        return False
    # What is borrowed is borrowed for this machine, and what is made twice is made here again.
    of_here = build.check_twice or Product.keyring_helper in build.products
    return build.tools is Tools.borrowed and not build.pacman_static and not of_here
