"""What pages say of other programs' options, and of what goes wrong, is so."""

import ast
import re
from collections.abc import Iterator

import pytest

from aimager.config.unknown_names import INSTEAD, check_names
from aimager.config.variables import VARIABLES
from aimager.errors import ConfigError
from tests.support.modules import MODULES, tree
from tests.support.places import ROOT

TROUBLE = (ROOT / "docs/trouble.md").read_text()
COMING = (ROOT / "docs/from-aimager-sh.md").read_text()

OPTIONS = (
    *("arch-host", "arch-target", "arch", "board", "build-id", "distro", "out-prefix", "add-repo"),
    *("add-repos", "repo-core", "repo-url-parent", "repo-url-NAME", "repos-base"),
    *("reuse-root-tar", "initrd-maker", "install-pkg", "install-pkgs", "append-KERNEL", "locale"),
    *("locales", "useradd", "chpasswd", "sudo-group", "hostname", "overlay", "table", "mkfs-arg"),
    *("disk-from", "async-child", "keyring-helper", "freeze-pacman-config"),
    *("freeze-pacman-static", "tmpfs-root", "use-pacman-static", "binfmt-check", "clean-builds"),
    *("create", "only-prepare-child", "only-backup-keyring", "help"),
)
"""Those that aimager.sh's parser of the command line knows (7Ji/aimager 2bf577c)."""


def said() -> Iterator[str]:
    """All texts of the product; a brace pair stands for what is filled in."""
    for path in MODULES.values():
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield node.value
            if isinstance(node, ast.JoinedStr):
                parts = [v.value if isinstance(v, ast.Constant) else "{}" for v in node.values]
                yield "".join(map(str, parts))


def quoted(page: str) -> list[str]:
    """What the table of a page says that one sees, where it is in the program's words."""
    rows = re.findall(r"^\| (.*?) \| .* \|$", page, re.MULTILINE)
    return [quote for row in rows for quote in re.findall(r'"([^"]+)"', row)]


SYSTEM = {"No space left on device"}
"""What strerror(3) says, also by the programs that a build runs."""

FILLED = {
    "the kernel refused a user namespace": "the kernel refused {}: {}",
    "and a root file system needs 65536": ", and a root file system needs {}",
    "newuidmap is not installed": "{} is not installed",
    "the mirror says 429": "{}: the mirror says {} {}",
    "was killed by SIGKILL": "{} was killed by {}",
}
"""What is filled in stands in the page as an example."""


def test_what_is_seen_in_trouble_is_said_somewhere() -> None:
    texts, quotes = set(said()), quoted(TROUBLE)
    assert len(quotes) > 10
    assert set(FILLED) <= set(quotes)
    for quote in set(quotes) - SYSTEM:
        assert any(FILLED.get(quote, quote) in text for text in texts), quote


@pytest.mark.parametrize("page", [TROUBLE, COMING], ids=["trouble", "from-aimager-sh"])
def test_every_variable_that_is_named_exists(page: str) -> None:
    named = re.findall(r"(?<![\w./-])([a-z][a-z-]*(?:NAME|KERNEL)?)=", page)
    others = {"size", "mine"}
    check_names([name for name in named if name not in others])
    with pytest.raises(ConfigError):
        check_names(["no-such-name"])


@pytest.mark.parametrize("option", OPTIONS)
def test_every_option_is_a_variable_or_is_told_of(option: str) -> None:
    name = option.replace("NAME", "core").replace("KERNEL", "all")
    works = any(variable.matches(name) for variable in VARIABLES)
    assert works or f"`--{option}`" in COMING
    assert works or option in {*INSTEAD, "help"}, "who writes it as a variable is told, too"


@pytest.mark.parametrize("word", ["AIMAGER_LOG_LEVEL", "riscv64-unbootable", "Include"])
def test_what_is_no_option_is_told_of(word: str) -> None:
    assert word in COMING
