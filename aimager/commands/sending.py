"""Sending the tasks of a command line to its cluster."""

from aimager.cluster.client import Away
from aimager.cluster.dask import security
from aimager.cluster.offer import Offer
from aimager.commands.command_line import Asked
from aimager.graph import artifacts
from aimager.graph.doit_tasks import Graph
from aimager.model.cluster import Cluster


def make_away(cluster: Cluster, graph: Graph, asked: Asked) -> Away:
    """What sends the tasks of ``graph``, for the builds that are ``asked`` for, to ``cluster``.

    :raises ConfigError: when certificates that it is spoken to by are missing
    """
    security(cluster)
    offer = Offer(graph, asked.builds)
    return Away(cluster, offer, artifacts.RUN)
