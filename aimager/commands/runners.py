"""The hosted machines of services of continuous integration, by what they run natively."""

from aimager.model.architecture import Architecture
from aimager.model.distro import Platform

RUNNERS = {
    "github": {
        Architecture.x86_64: "ubuntu-24.04",
        Architecture.aarch64: "ubuntu-24.04-arm",
    },
    "gitlab": {
        Architecture.x86_64: "saas-linux-small-amd64",
        Architecture.aarch64: "saas-linux-small-arm64",
    },
}
"""The labels of each service's hosted machines by architecture; the first emulates the rest."""


def find_runner(platform: Platform, service: str) -> str:
    """A machine of the platform's architecture, or of one that may run it, or the first."""
    runners = RUNNERS[service]
    for host, runner in runners.items():
        if platform.architecture in (host, *host.also_runs):
            return runner
    return next(iter(runners.values()))
