"""The house's rules, kept by linters and by reading the imports of every module."""

import ast
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from aimager.distros import DISTROS
from boards import BOARDS

ROOT = Path(__file__).parent.parent
BIN = Path(sys.executable).parent

LEAVES = {"errors", "syscalls"}
VALUES = {
    *("architecture", "board", "build", "codec", "distro", "identifiers", "partition", "setup"),
    *("accounts", "quantities", "read_table", "remote", "u_boot", "words", "workshop"),
}
DEFINITIONS = {"boards", "distros", "named_tables"}
TOP = {
    *("artifacts", "check_names", "command_line", "command_list", "commands", "completion"),
    *("completion_values", "demo", "diagnosis", "doit_support", "find_platform"),
    *("install_request", "keyring_news", "listing", "matrix", "plan"),
    *("printers", "reporter", "summary"),
    *("read_build", "read_failure", "read_remote", "read_repositories", "read_setup"),
    *("read_storage", "variables"),
}
"""A module of aimager that is in none of these, and no stage, is a mechanism."""

MAY_IMPORT = {
    "leaf": set(),
    "value": {"leaf", "value"},
    "definition": {"leaf", "value", "definition"},
    "mechanism": {"leaf", "value", "mechanism"},
    "stage": {"leaf", "value", "mechanism", "stage"},
    "top": {"leaf", "value", "definition", "mechanism", "stage", "top"},
    "graph": {"leaf", "value", "definition", "mechanism", "stage", "top"},
}

IMPORTS_DOIT = {"aimager.command_line", "aimager.doit_support", "dodo"}
NAMES_DISTROS = "aimager.stand_in"
"""Which plays the mirrors of known distributions, and so cannot but name them."""

MAIN_BLOCK = "if __name__ == '__main__':"
VAGUE_NAMES = {"utils", "util", "helpers", "helper", "common", "core", "misc", "lib"}
LONGEST = 300
REGISTRIES = [
    ".".join(labels)
    for labels in (
        *(("deb", "debian", "org"), ("security", "debian", "org"), ("snapshot", "debian", "org")),
        *(("archive", "ubuntu", "com"), ("pypi", "org"), ("pythonhosted", "org")),
        ("registry", "npmjs", "org"),
    )
]
IGNORED_FOLDERS = {"cache", "out", "build", "__pycache__"}


def source_files() -> Iterator[Path]:
    """Every file of the project that is kept, whether git has it yet or not."""
    for folder, folders, names in os.walk(ROOT):
        folders[:] = [
            name
            for name in folders
            if name not in IGNORED_FOLDERS
            and not name.endswith(".egg-info")
            and (not name.startswith(".") or name in {".ci", ".github"})
        ]
        yield from (Path(folder, name) for name in names)


MODULES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
    for path in sorted(source_files())
    if path.suffix == ".py"
    and path.relative_to(ROOT).parts[0] in {"aimager", "bench", "boards", "dodo.py"}
}
TESTS = sorted((ROOT / "tests").glob("*.py"))
SHELL_SCRIPTS = sorted(
    path
    for path in source_files()
    if path.is_file() and re.match(rb"#!\S*(/|env )(ba|da)?sh\b", path.read_bytes()[:40])
)

modules = pytest.mark.parametrize("name", MODULES)


def layer(name: str) -> str:
    """Which layer of the house a module, by its dotted name, belongs to."""
    parts = name.split(".")
    if name == "dodo":
        return "graph"
    if parts[0] == "bench":
        return "top"
    if DEFINITIONS.intersection(parts[:2]):
        return "definition"
    second = parts[1] if len(parts) > 1 else ""
    sets = {"leaf": LEAVES, "value": VALUES, "stage": {"stages"}, "top": TOP}
    return next((kind for kind, members in sets.items() if second in members), "mechanism")


def tree(name: str) -> ast.Module:
    """The syntax tree of a module."""
    return ast.parse(MODULES[name].read_text())


def imports(name: str) -> set[str]:
    """The modules that a module imports, by their dotted names."""
    found = set()
    for node in ast.walk(tree(name)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "a relative import hides where it leads"
            source = node.module or ""
            submodules = {f"{source}.{alias.name}" for alias in node.names}
            found |= (submodules & MODULES.keys()) or {source}
    return found


def run(*argv: str | Path) -> None:
    """Run a linter on the project, and fail with what it says."""
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_ruff_check() -> None:
    run(sys.executable, "-m", "ruff", "check", "--no-cache", ".")


def test_ruff_format() -> None:
    run(sys.executable, "-m", "ruff", "format", "--check", "--no-cache", ".")


def test_mypy(tmp_path: Path) -> None:
    run(sys.executable, "-m", "mypy", "--cache-dir", tmp_path)


@pytest.mark.parametrize("script", SHELL_SCRIPTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_shellcheck(script: Path) -> None:
    run(BIN / "shellcheck", script)


def test_the_scripts_are_found() -> None:
    assert {ROOT / "setup.sh", ROOT / ".ci" / "run"} <= set(SHELL_SCRIPTS)


def test_the_declared_modules_exist() -> None:
    declared = LEAVES | VALUES | TOP | {"stages", "distros"}
    assert {f"aimager.{name}" for name in declared} <= MODULES.keys()


@modules
def test_imports_go_one_way(name: str) -> None:
    allowed = MAY_IMPORT[layer(name)]
    ours = {other for other in imports(name) if other.split(".")[0] in {"aimager", "boards"}}
    wrong = {other: layer(other) for other in ours - {"aimager"} if layer(other) not in allowed}
    assert not wrong, f"a {layer(name)} must not import these"
    assert "dodo" not in imports(name)


@modules
def test_only_the_top_knows_doit(name: str) -> None:
    uses_doit = any(other.split(".")[0] == "doit" for other in imports(name))
    assert not uses_doit or name in IMPORTS_DOIT


def docstrings(module: ast.Module) -> set[ast.expr]:
    """The texts that stand as statements of their own."""
    return {node.value for node in ast.walk(module) if isinstance(node, ast.Expr)}


@modules
def test_mechanisms_know_no_board_or_distribution(name: str) -> None:
    if layer(name) not in {"mechanism", "stage"} or name.startswith(NAMES_DISTROS):
        return
    known = {*BOARDS, *(word for distro in DISTROS for word in (distro.id, *distro.aliases))}
    # These two are words of pacman.conf and of the language.
    names = "|".join(map(re.escape, sorted(known - {"arch", "none"})))
    module = tree(name)
    told = docstrings(module)
    texts = [
        node.value
        for node in ast.walk(module)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in told
    ]
    assert not [text for text in texts if re.search(rf"\b({names})\b", text)]


@modules
def test_no_error_is_swallowed(name: str) -> None:
    for node in ast.walk(tree(name)):
        if isinstance(node, ast.ExceptHandler):
            where = f"{name}:{node.lineno}"
            assert node.type is not None, f"{where}: a bare except"
            broad = ast.unparse(node.type) in {"Exception", "BaseException", "AimagerError"}
            assert not (broad and isinstance(node.body[0], ast.Pass)), f"{where}: it says nothing"


@modules
def test_only_a_program_exits(name: str) -> None:
    module = tree(name)
    is_program = any(ast.unparse(node).startswith(MAIN_BLOCK) for node in module.body)
    names = {ast.unparse(node) for node in ast.walk(module)}
    assert is_program or name in IMPORTS_DOIT or names.isdisjoint({"sys.exit", "SystemExit"})


@modules
def test_every_module_says_its_one_job(name: str) -> None:
    assert ast.get_docstring(tree(name)), f"{name} has no docstring"
    assert VAGUE_NAMES.isdisjoint(name.split(".")), f"{name} does not say what is in it"


@pytest.mark.parametrize("path", [*MODULES.values(), *TESTS], ids=lambda path: path.name)
def test_no_file_is_long(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= LONGEST


@pytest.mark.parametrize("path", TESTS, ids=lambda path: path.name)
def test_tests_say_what_they_are_of(path: Path) -> None:
    assert ast.get_docstring(ast.parse(path.read_text()))


def test_no_registry_is_named() -> None:
    """What is downloaded from is the machine's own configuration."""
    wrong = [
        f"{path.relative_to(ROOT)}: {host}"
        for path in source_files()
        if path.is_file() and not path.is_symlink()
        for host in REGISTRIES
        if host.encode() in path.read_bytes()
    ]
    assert not wrong
