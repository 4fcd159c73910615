"""GitHub's composite actions, run here: their scripts in order, as the runner does.

What the runner itself does is played: contexts in ``${{ }}``, the files that steps write to, and
the actions of others that ``uses:`` names, which the tests are told of.
"""

import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

_EXPRESSION = re.compile(r"\$\{\{\s*(.+?)\s*\}\}")
_COMPARISON = re.compile(r"(\S+) (==|!=) (\S+)")


def read_yaml(path: Path) -> dict[str, Any]:
    """A file of YAML."""
    read: dict[str, Any] = yaml.safe_load(path.read_text())
    return read


def run_steps(action: Mapping[str, Any]) -> dict[str, str]:
    """The scripts of an action's steps, by the steps' names."""
    return {step["name"]: step["run"] for step in action["runs"]["steps"] if "run" in step}


@dataclass
class Runner:
    """Runs the action in ``action`` from ``workspace``; ``temp`` is the runner's own folder.

    ``prefix`` are the words that run a command as another user, to whom all three belong;
    ``restored`` is what a cache that is restored was saved as; empty: there is none.
    """

    action: Path
    workspace: Path
    temp: Path
    environment: Mapping[str, str]
    prefix: tuple[str, ...] = ()
    restored: str = ""
    used: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    """What others' actions were given."""
    ran: list[str] = field(default_factory=list)
    """The names of the steps that were run."""

    def run(self, **inputs: str) -> dict[str, str]:
        """Run it with these inputs, and return its outputs."""
        action = read_yaml(self.action / "action.yml")
        known = {name: given.get("default", "") for name, given in action["inputs"].items()}
        wanted = {name.replace("_", "-"): value for name, value in inputs.items()}
        assert wanted.keys() <= known.keys()
        context = {f"inputs.{name}": value for name, value in {**known, **wanted}.items()}
        context |= {
            "github.action_path": str(self.action),
            "runner.temp": str(self.temp),
            "runner.os": "Linux",
            "runner.arch": "X64",
        }
        exported: dict[str, str] = {}
        for step in action["runs"]["steps"]:
            if not _holds(step.get("if", ""), context):
                continue
            self.ran.append(step["name"])
            if "uses" in step:
                given = {name: _fill(value, context) for name, value in step["with"].items()}
                self.used.append((step["uses"].partition("@")[0], given))
                found = {"cache-matched-key": self.restored}
            else:
                found = self._script(step, context, exported)
            context |= {f"steps.{step.get('id')}.outputs.{n}": v for n, v in found.items()}
        return {n: _fill(output["value"], context) for n, output in action["outputs"].items()}

    def _script(
        self, step: Mapping[str, Any], context: Mapping[str, str], exported: dict[str, str]
    ) -> dict[str, str]:
        """Run a script as ``shell: bash`` does, and return what it put out."""
        assert step["shell"] == "bash"
        files = {name: self.temp / f"_{name}" for name in ("GITHUB_OUTPUT", "GITHUB_ENV")}
        for file in files.values():
            file.write_text("")
            file.chmod(0o666)
        script = self.temp / "_script.sh"
        script.write_text(_fill(step["run"], context))
        environment = {
            **self.environment,
            **exported,
            **{name: _fill(value, context) for name, value in step.get("env", {}).items()},
            **{name: str(file) for name, file in files.items()},
            "RUNNER_TEMP": str(self.temp),
            "RUNNER_OS": "Linux",
            "RUNNER_ARCH": "X64",
        }
        done = subprocess.run(
            [*self.prefix, "bash", "--noprofile", "--norc", "-e", "-o", "pipefail", script],
            cwd=self.workspace,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{step['name']}:\n{done.stdout}"
        exported |= _assignments(files["GITHUB_ENV"])
        return _assignments(files["GITHUB_OUTPUT"])


def _assignments(file: Path) -> dict[str, str]:
    pairs = (line.partition("=") for line in file.read_text().splitlines())
    return {name: value for name, _, value in pairs}


def _fill(text: str, context: Mapping[str, str]) -> str:
    """A text with the values of its expressions; only names are known here."""
    return _EXPRESSION.sub(lambda match: context[match[1]], text)


def _holds(condition: str, context: Mapping[str, str]) -> bool:
    """Whether the condition of a step holds; only comparisons joined by && are known here."""
    parts = condition.split(" && ") if condition else []
    return all(_is_so(part, context) for part in parts)


def _is_so(condition: str, context: Mapping[str, str]) -> bool:
    match = _COMPARISON.fullmatch(condition)
    assert match, condition
    left, right = (
        word.strip("'") if word.startswith("'") else context.get(word, "")
        for word in (match[1], match[3])
    )
    return (left == right) == (match[2] == "==")
