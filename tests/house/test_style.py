"""The house's rules, one test each; a rule that is broken lists where."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from aimager.distros import DISTROS
from boards import BOARDS
from tests.support.modules import MODULES, imports, source_files, tree
from tests.support.places import BIN, ROOT

IMPORTS_DOIT = {
    "aimager.commands.doit_commands",
    "aimager.commands.doit_loader",
    "aimager.commands.program",
    "aimager.graph.actions",
    "aimager.graph.runner",
}
NAMES_BOARDS_AND_DISTROS = {"bench", "boards", "commands", "config", "distros", "stand_in"}
"""Rooms that are such definitions, read their names from people, or play their mirrors."""

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

STIFF = re.compile(
    r"(?<!there )\b(is|are) no (?!longer\b)|\bis none\b|\bbe had\b|\bbe it that\b|\bof no use\b"
    r"|\bwill not do\b",
    re.IGNORECASE,
)
"""What reads like a translation: "hostname=x is no host name" is not a valid message."""

TESTS = sorted((ROOT / "tests").rglob("*.py"))
PYTHON = [*MODULES.values(), *TESTS]


def run(*argv: str | Path) -> None:
    """Run a linter on the project, and fail with what it says."""
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def within(path: Path) -> str:
    return str(path.relative_to(ROOT))


def test_ruff_check() -> None:
    run(sys.executable, "-m", "ruff", "check", "--no-cache", ".")


def test_ruff_format() -> None:
    run(sys.executable, "-m", "ruff", "format", "--check", "--no-cache", ".")


def test_mypy() -> None:
    run(sys.executable, "-m", "mypy")


def shell_scripts() -> list[Path]:
    scripts = [
        path
        for path in source_files()
        if path.is_file() and re.match(rb"#!\S*(/|env )(ba|da)?sh\b", path.read_bytes()[:40])
    ]
    assert {ROOT / "setup.sh", ROOT / ".ci" / "run"} <= set(scripts)
    return scripts


def test_shellcheck() -> None:
    run(BIN / "shellcheck", *shell_scripts())


def test_messages_are_plain_english() -> None:
    said = [(name, text) for name, path in MODULES.items() for text in texts(tree(path))]
    for script in shell_scripts():
        lines = (line.strip() for line in script.read_text().splitlines())
        said += [(within(script), line) for line in lines if not line.startswith("#")]
    assert not [f"{name}: {text}" for name, text in said if STIFF.search(text)]


def test_only_the_top_knows_doit() -> None:
    users = {name for name in MODULES if any(n.split(".")[0] == "doit" for n in imports(name))}
    assert users <= IMPORTS_DOIT


def texts(module: ast.Module) -> Iterator[str]:
    """The strings of a module but its docstrings, which stand as statements of their own."""
    told = {node.value for node in ast.walk(module) if isinstance(node, ast.Expr)}
    for node in ast.walk(module):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in told:
            yield node.value


def test_mechanisms_know_no_board_or_distribution() -> None:
    known = {*BOARDS, *(word for distro in DISTROS for word in (distro.id, *distro.aliases))}
    # These two are words of pacman.conf and of the language.
    names = re.compile(rf"\b({'|'.join(map(re.escape, sorted(known - {'arch', 'none'})))})\b")
    wrong = [
        f"{name}: {text}"
        for name, path in MODULES.items()
        if NAMES_BOARDS_AND_DISTROS.isdisjoint(name.split(".")[:2])
        for text in texts(tree(path))
        if names.search(text)
    ]
    assert not wrong


def test_no_error_is_swallowed() -> None:
    wrong = []
    for name, path in MODULES.items():
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.ExceptHandler):
                caught = ast.unparse(node.type) if node.type else "everything"
                broad = caught in {"everything", "Exception", "BaseException", "AimagerError"}
                if node.type is None or (broad and isinstance(node.body[0], ast.Pass)):
                    wrong.append(f"{name}:{node.lineno} swallows {caught}")
    assert not wrong


def exits(module: ast.Module) -> bool:
    """Whether it ends the program, other than by letting somebody else's end be caught."""
    nodes = list(ast.walk(module))
    caught = [n.type for n in nodes if isinstance(n, ast.ExceptHandler) and n.type]
    passed = {id(node) for kind in caught for node in ast.walk(kind)}
    said = {ast.unparse(node) for node in nodes if id(node) not in passed}
    return bool({"sys.exit", "SystemExit"} & said)


def test_only_a_program_exits() -> None:
    wrong = [
        name
        for name, path in MODULES.items()
        if name not in IMPORTS_DOIT
        and not any(ast.unparse(node).startswith(MAIN_BLOCK) for node in tree(path).body)
        and exits(tree(path))
    ]
    assert not wrong


def test_every_file_says_its_one_job() -> None:
    assert not [within(path) for path in PYTHON if not ast.get_docstring(tree(path))]
    assert not [name for name in MODULES if not VAGUE_NAMES.isdisjoint(name.split("."))]


def test_a_room_is_opened_by_its_docstring_alone() -> None:
    """What a room re-exported would count in the ids of all that imports from it."""
    rooms = [path for name, path in MODULES.items() if path.name == "__init__.py"]
    ours = [path for path in rooms if path.parent.name not in {"boards", "distros", "stand_in"}]
    assert not [within(path) for path in ours if len(tree(path).body) != 1]


def test_no_file_is_long() -> None:
    lengths = {within(path): len(path.read_text().splitlines()) for path in PYTHON}
    assert not {path: lines for path, lines in lengths.items() if lines > LONGEST}


def test_no_registry_is_named() -> None:
    """What is downloaded from is the machine's own configuration."""
    wrong = [
        f"{within(path)}: {host}"
        for path in source_files()
        if path.is_file() and not path.is_symlink()
        for host in REGISTRIES
        if host.encode() in path.read_bytes()
    ]
    assert not wrong
