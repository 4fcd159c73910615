"""Sending the tasks of a command line to its cluster."""

from collections.abc import Sequence

from aimager.cluster.client import Away
from aimager.cluster.dask import security
from aimager.cluster.offer import Offer
from aimager.commands.command_line import Asked
from aimager.graph import artifacts
from aimager.graph.doit_tasks import Graph
from aimager.graph.plan import Plan
from aimager.model.cluster import Cluster


def make_away(cluster: Cluster, graph: Graph, asked: Asked, plans: Sequence[Plan]) -> Away:
    """What sends tasks to ``cluster``: those of ``graph``, of the ``plans`` of what is ``asked``.

    :raises ConfigError: when certificates that it is spoken to by are missing
    """
    security(cluster)
    elsewhere = {plan.maker.architecture for plan in plans if not plan.is_made_here}
    offer = Offer(graph, asked.builds, elsewhere)
    return Away(cluster, offer, artifacts.RUN)
