"""What users' continuous integration takes from here: actions, and examples of workflows."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from aimager.commands.fleet_matrix import PHASES
from aimager.commands.matrix import make_matrix
from aimager.config.parse import split_list
from tests.support.action_runner import read_yaml, run_steps
from tests.support.places import BIN, ROOT

GITHUB_EXAMPLE = ROOT / "docs/ci/github.yml"
GITLAB_EXAMPLE = ROOT / "docs/ci/gitlab.yml"
GITHUB_FLEET = [ROOT / "docs/ci/github-fleet.yml", ROOT / "docs/ci/github-fleet-jobs.yml"]
GITLAB_FLEET = [ROOT / "docs/ci/gitlab-fleet.yml", ROOT / "docs/ci/gitlab-fleet-jobs.yml"]
ACTIONS = [ROOT / "action.yml", ROOT / ".github/actions/matrix/action.yml"]

JOB = {"name", "task", "only", "runner"}
"""What a job of a file of builds has."""

SCHEMAS = {
    "vendor.github-actions": ACTIONS,
    "vendor.github-workflows": [
        *(GITHUB_EXAMPLE, *GITHUB_FLEET),
        *sorted((ROOT / ".github/workflows").iterdir()),
    ],
    "vendor.gitlab-ci": [GITLAB_EXAMPLE, *GITLAB_FLEET],
}
SCRIPTS = {
    f"{path.relative_to(ROOT)}: {name}": script
    for path in ACTIONS
    for name, script in run_steps(read_yaml(path)).items()
}
SCRIPTS |= {
    f"{path.name}: {step['name']}": step["run"]
    for path in (GITHUB_EXAMPLE, *GITHUB_FLEET)
    for job in read_yaml(path)["jobs"].values()
    for step in job.get("steps", [])
    if "run" in step
}


@pytest.mark.parametrize("schema", SCHEMAS)
def test_they_are_valid(schema: str) -> None:
    transform = ["--data-transform", "gitlab-ci"] if "gitlab" in schema else []
    argv = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema, *transform]
    done = subprocess.run([*argv, *SCHEMAS[schema]], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("name", SCRIPTS)
def test_shellcheck_of_the_steps(name: str, tmp_path: Path) -> None:
    script = tmp_path / "step"
    script.write_text(f"#!/bin/bash\nset -eo pipefail\n{SCRIPTS[name]}\n")
    done = subprocess.run([BIN / "shellcheck", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("name", SCRIPTS)
def test_no_input_becomes_part_of_a_script(name: str) -> None:
    assert "${{" not in SCRIPTS[name], "a step takes it by env:"


@pytest.mark.parametrize("path", ACTIONS, ids=lambda path: path.parent.name)
def test_an_actions_names_are_known(path: Path) -> None:
    """An input, a step's output or a step that does not exist is empty to the runner."""
    action = read_yaml(path)
    text = path.read_text()
    inputs = set(re.findall(r"\binputs\.([a-z-]+)", text))
    assert inputs == action["inputs"].keys()
    steps = {step["id"]: step for step in action["runs"]["steps"] if "id" in step}
    for step, output in re.findall(r"\bsteps\.([a-z]+)\.outputs\.([a-z-]+)", text):
        assert output == "cache-matched-key" or f'"{output}=' in steps[step]["run"]


def test_the_workflow_uses_what_the_actions_have() -> None:
    jobs = read_yaml(GITHUB_EXAMPLE)["jobs"]
    used = {s["uses"]: s for job in jobs.values() for s in job["steps"] if "uses" in s}
    for path, name in zip(
        ACTIONS, ("OWNER/aimager@main", "OWNER/aimager/.github/actions/matrix@main"), strict=True
    ):
        assert used[name]["with"].keys() <= read_yaml(path)["inputs"].keys()
    boards = used["OWNER/aimager/.github/actions/matrix@main"]["with"]["boards"]
    matrix = make_matrix({"boards": boards}, ROOT)
    assert isinstance(matrix, dict)
    entries = matrix["include"]
    assert [entry["board"] for entry in entries] == list(split_list(boards))
    named = set(re.findall(r"\bmatrix\.(\w+)", GITHUB_EXAMPLE.read_text())) - {"outputs"}
    assert named <= {*entries[0], "matrix"}


def test_the_workflow_of_a_fleet_uses_what_is_there() -> None:
    fleet, jobs = (path.read_text() for path in GITHUB_FLEET)
    matrix = read_yaml(ACTIONS[1])
    (plan,) = [s for s in read_yaml(GITHUB_FLEET[0])["jobs"]["plan"]["steps"] if "with" in s]
    assert plan["with"].keys() <= matrix["inputs"].keys()
    assert set(re.findall(r"outputs\.matrix\)\.(\w+)", fleet)) == set(PHASES)
    (build,) = [s for s in read_yaml(GITHUB_FLEET[1])["jobs"]["job"]["steps"] if "with" in s]
    assert build["with"].keys() <= read_yaml(ACTIONS[0])["inputs"].keys()
    assert set(re.findall(r"\bmatrix\.(\w+)", jobs)) == JOB


def test_the_job_of_gitlabs_fleet_is_one_for_a_shell(tmp_path: Path) -> None:
    found = read_yaml(GITLAB_FLEET[1])
    names = sorted({*map(str.upper, JOB), "AIMAGER_URL"})
    lines = [*(f'{name}="${{{name}:?}}"' for name in names), *found[".aimager"]["script"]]
    for number, script in enumerate((lines, found["release"]["script"])):
        file = tmp_path / f"job{number}"
        file.write_text("\n".join(["#!/bin/sh", *script, ""]))
        argv: list[str | Path] = [BIN / "shellcheck", "--exclude=SC2034", file]
        done = subprocess.run(argv, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout


def gitlab_matrix() -> tuple[list[dict[str, str]], str]:
    """The example's matrix, and the command that is said to print it."""
    text = GITLAB_EXAMPLE.read_text()
    (command,) = re.findall(r"prints: doit (.*)", text)
    matrix: list[dict[str, str]] = read_yaml(GITLAB_EXAMPLE)["build"]["parallel"]["matrix"]
    return matrix, command


def test_gitlabs_matrix_is_what_is_printed() -> None:
    matrix, command = gitlab_matrix()
    task, *words = command.split()
    assert task == "matrix"
    variables = dict(word.split("=", 1) for word in words)
    assert json.loads(json.dumps(make_matrix(variables, ROOT))) == matrix


def test_gitlabs_script_is_one_for_a_shell(tmp_path: Path) -> None:
    job: dict[str, Any] = read_yaml(GITLAB_EXAMPLE)["build"]
    names = {*job["parallel"]["matrix"][0], "AIMAGER_URL"}
    given = "\n".join(f"{name}=${{{name}:?}}" for name in sorted(names))
    script = tmp_path / "job"
    script.write_text("\n".join(["#!/bin/sh", given, *job["before_script"], *job["script"], ""]))
    argv: list[str | Path] = [BIN / "shellcheck", "--exclude=SC2034", script]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_setup_refuses_what_it_does_not_know() -> None:
    done = subprocess.run([ROOT / "setup.sh", "biuld"], capture_output=True, text=True, check=False)
    told = "setup.sh: unknown word biuld; usage: setup.sh [build | demo | python]\n"
    assert (done.returncode, done.stderr) == (1, told)
