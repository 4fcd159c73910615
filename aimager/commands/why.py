"""What a build would do, and because of what, printed without doing any of it."""

from aimager.commands.command_line import NAME_IT
from aimager.errors import ConfigError
from aimager.graph import artifacts
from aimager.graph.doit_tasks import Graph
from aimager.products.dry_run import predict_runs
from aimager.products.run_folder import hold_run_folder


def tell_why(graph: Graph) -> None:
    """Say of each task that a build of ``graph`` needs whether it would run, and because of what.

    :raises ConfigError: when no build was asked for
    """
    if not graph.tasks:
        raise ConfigError("there is no build to explain", hint=NAME_IT)
    hold_run_folder(artifacts.RUN)
    for line in predict_runs(graph.needed_for("pack-image", "check-twice")):
        print(line)
