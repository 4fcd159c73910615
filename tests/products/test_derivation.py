"""An id covers exactly what the making of a product reads, and nothing of where it is made."""

import dataclasses
import functools
import json
import random
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from aimager.codec import decode, encode
from aimager.model.settings import Password, Settings, User
from aimager.model.workshop import Workshop
from aimager.products.derivation import Derivation, derive
from aimager.products.stage_code import code_of
from tests.products.test_stage import MAKE
from tests.support.places import ROOT
from tests.support.staged import Shout

_LATER = ("download", "http_diagnosis", "mirror_connection", "retry")
READ_LATER = {f"aimager/packages/{name}.py" for name in _LATER}
IDENTITIES = {"source": "a" * 32, "more.0": "b" * 64, "more.1": "c" * 64}

# Prints a JSON object: the ids of all tasks of a build, whose inputs are taken as known.
IDS = """\
import json, sys
from pathlib import Path
from aimager.commands.doit_loader import Loader
from aimager.products.derivation import derive
from aimager.products.stage import inputs
loader = Loader(Path.cwd())
loader.assignments = dict(word.split("=", 1) for word in sys.argv[1:])
loader.ask("run", ["build"], {})
loader.setup({})
for name, tasks in list(loader.namespace.items()):
    if name.startswith("task_"):
        list(tasks())
print(json.dumps({
    task.title: derive(task.task, task.stage, dict.fromkeys(inputs(task.stage), "")).id
    for task in loader.graph.tasks
}))
"""
BUILD = ("distro=archlinux", "board=x64-uefi", "chpasswd=alice:hunter2", "useradd=alice")


def ids(root: Path, folder: Path, **environment: str) -> dict[str, str]:
    """The ids of a build's tasks by title: code in ``root``, run in ``folder``."""
    folder.mkdir(exist_ok=True)
    done = subprocess.run(
        [sys.executable, "-c", IDS, *BUILD],
        cwd=folder,
        env={"PYTHONPATH": str(root), "PYTHONDONTWRITEBYTECODE": "1", **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the program, which a test may change if it changes it back."""
    folder = tmp_path_factory.mktemp("copy")
    ignored = shutil.ignore_patterns("__pycache__")
    for name in ("aimager", "boards"):
        shutil.copytree(ROOT / name, folder / name, ignore=ignored)
    shutil.copy(ROOT / "dodo.py", folder)
    return folder


@pytest.fixture(scope="module")
def original(copy: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The ids of the copy as it is."""
    return ids(copy, tmp_path_factory.mktemp("original"))


IMPORTS = """\
import importlib, json, sys
found = {}
for module in sys.argv[1:]:
    for name in [n for n in sys.modules if n.partition(".")[0] in ("aimager", "boards")]:
        del sys.modules[name]
    importlib.import_module(module)
    found[module] = [
        m.__file__ for n, m in sys.modules.items() if n.partition(".")[0] in ("aimager", "boards")
    ]
print(json.dumps(found))
"""
STAGES = {
    path.stem.replace("_", "-"): f"aimager.stages.{path.stem}"
    for path in sorted((ROOT / "aimager/stages").glob("[!_]*.py"))
}


@functools.cache
def imported() -> dict[str, set[str]]:
    """By stage, the files of ours that Python itself reads when it imports the module."""
    argv = [sys.executable, "-c", IMPORTS, *STAGES.values()]
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, check=True)
    found = json.loads(done.stdout)
    return {
        stage: {str(Path(file).relative_to(ROOT)) for file in found[module]}
        for stage, module in STAGES.items()
    }


CHANGED = [
    "aimager/model/lock.py",
    "aimager/packages/keyring.py",
    "aimager/image/disk.py",
    "aimager/sandbox/borrowed_root.py",
    "aimager/errors.py",
    "aimager/stages/fetch_packages.py",
    "aimager/system/content/grow-root",
    "aimager/sandbox/dispatcher/dispatch-aarch64",
    "dodo.py boards/x64_uefi.py aimager/graph/plan.py aimager/products/derivation.py"
    " aimager/sandbox/dispatcher/dispatch.c aimager/commands/content/completion.fish",
]
"""Files to change; no stage reads those of the last line."""

_CONTENT = {
    "boot_room": ("boot-room", "boot-room.hook"),
    "bootloader/efi_kernels": ("unpack-kernels", "unpack-kernels.hook"),
    "credentials": ("ask-nothing.conf", "boot-credentials", "boot-credentials.service"),
    "first_boot": ("grow-root", "grow-root.service", "image.preset", "pacman-keyring.service"),
    "networks": ("wired.network",),
    "wifi": ("wireless.network", "wpa_supplicant.conf", "wpa_supplicant.rules"),
}
_DISPATCHERS = [f"aimager/sandbox/dispatcher/dispatch-{name}" for name in ("aarch64", "x86_64")]
READERS = {
    f"aimager/system/content/{name}": f"aimager/system/{module}.py"
    for module, names in _CONTENT.items()
    for name in names
} | dict.fromkeys(_DISPATCHERS, "aimager/sandbox/native_programs.py")
"""Which module reads a data file that products depend on."""


def id_of(stage: object = MAKE, task: str = "make", **changes: str) -> str:
    return derive(task, stage, {**IDENTITIES, **changes}).id  # type: ignore[arg-type]


def test_an_id_is_32_digits_and_the_same_every_time() -> None:
    assert len(id_of()) == 32
    assert int(id_of(), 16)
    assert id_of(dataclasses.replace(MAKE)) == id_of()


def test_what_an_id_depends_on() -> None:
    ids = [
        id_of(),
        id_of(task="other"),
        id_of(source="d" * 32),
        id_of(more="e" * 32),
        id_of(dataclasses.replace(MAKE, level=4)),
        id_of(dataclasses.replace(MAKE, setup=Settings("po"))),
        id_of(dataclasses.replace(MAKE, setup=Settings("pi", ("C.UTF-8",)))),
        id_of(dataclasses.replace(MAKE, maybe=Path("/x"))),
    ]
    assert len(set(ids)) == len(ids)


def test_what_an_id_does_not_depend_on() -> None:
    for change in (
        {"source": Path("/elsewhere")},
        {"target": Path("/elsewhere")},
        {"targets": ()},
        {"tools": None},
        {"workshop": Workshop(Path("/d"), Path("/d/w"), Path("/d/s"), Path("/d/l"))},
    ):
        assert id_of(dataclasses.replace(MAKE, **change)) == id_of()


def test_the_order_of_words_counts_and_that_of_inputs_does_not() -> None:
    one = Shout(Path("a"), ("x", "y"), Path("b"), diary=Path("c"), pause=0)
    other = dataclasses.replace(one, words=("y", "x"))
    assert derive("s", one, {}).id != derive("s", other, {}).id
    identities = dict(reversed(IDENTITIES.items()))
    assert derive("make", MAKE, identities).id == derive("make", MAKE, IDENTITIES).id


def test_settings_are_flat() -> None:
    texts = "keymap network.interface timezone wifi_country"
    lists = "command_line files own_command_lines passwords scripts services ssh_keys sudo_groups"
    more = "users wifi network.addresses network.domains network.gateways network.servers"
    assert derive("make", MAKE, IDENTITIES).settings == {
        **{"level": "3", "maybe": "null", "nothing": "[]", "setup.credentials": "false"},
        "setup.hostname": '"pi"',
        "setup.locales": '["en_US.UTF-8"]',
        **{f"setup.{name}": '""' for name in texts.split()},
        **{f"setup.{name}": "[]" for name in f"{lists} {more}".split()},
    }


def test_a_password_is_not_in_what_is_recorded() -> None:
    made = {}
    for secret in ("hunter2", "hunter3"):
        setup = Settings("pi", users=(User(("alice",)),), passwords=(Password("alice", secret),))
        made[secret] = derive("make", dataclasses.replace(MAKE, setup=setup), {})
        assert secret not in json.dumps(encode(made[secret]))
        assert "alice" in made[secret].settings["setup.passwords"]
    assert made["hunter2"].id != made["hunter3"].id


def test_a_derivation_crosses_json_with_its_id() -> None:
    made = derive("make", MAKE, IDENTITIES)
    again: Derivation = decode(Derivation, json.loads(json.dumps(encode(made))))
    assert again == made
    assert again.id == made.id


def test_random_derivations_have_ids_of_their_own() -> None:
    """Moving a character from one value to the next must not go unseen."""
    dice = random.Random(0)
    letters = '"{}:,\\ \n\x00aé\U0001f600'
    words = ["".join(dice.choices(letters, k=dice.randrange(5))) for _ in range(12)]
    distinct = {tuple(dice.choices(words, k=4)) for _ in range(800)}
    found = {Derivation("t", "T", {}, {a: b}, {c: d}).id for a, b, c, d in distinct}
    assert len(found) == len(distinct) > 500


def test_the_code_of_a_stage_is_what_python_reads_for_it() -> None:
    headings = {str(p.relative_to(ROOT)) for p in (ROOT / "aimager").rglob("__init__.py")}
    headings -= {"aimager/distros/__init__.py"}
    for stage, module in STAGES.items():
        found = {name for name, _ in code_of(module)}
        data = {name for name in found if not name.endswith(".py")}
        later = {name for name in found if name in READ_LATER}
        assert found - data - headings - later == imported()[stage] - headings - later, stage
        assert data == {name for name, reader in READERS.items() if reader in found}, stage


def test_the_graph_and_boards_are_no_stages_code() -> None:
    for module in STAGES.values():
        names = {name for name, _ in code_of(module)}
        assert not names & {"dodo.py", "aimager/graph/doit_tasks.py", "aimager/products/task.py"}
        assert not [n for n in names if n.startswith(("boards/", "aimager/distros/"))]


def test_ids_are_the_same_on_another_machine(
    copy: Path, original: dict[str, str], tmp_path: Path
) -> None:
    """Another place of the program, cache, working directory and results, another user."""
    elsewhere = ids(
        ROOT,
        tmp_path / "there",
        AIMAGER_CACHE=str(tmp_path / "cache"),
        HOME=str(tmp_path),
        USER="mallory",
        LOGNAME="mallory",
        TZ="Asia/Tokyo",
        LANG="de_DE.UTF-8",
        PYTHONHASHSEED="7",
    )
    assert elsewhere == original
    assert any(title.startswith("pack-image") for title in original)


@pytest.mark.parametrize("names", CHANGED)
def test_a_changed_file_changes_the_ids_of_those_that_read_it(
    copy: Path, original: dict[str, str], tmp_path: Path, names: str
) -> None:
    before = {copy / name: (copy / name).read_bytes() for name in names.split()}
    for path, content in before.items():
        path.write_bytes(content + b"\n# changed\n")
    try:
        after = ids(copy, tmp_path / "folder")
    finally:
        for path, content in before.items():
            path.write_bytes(content)
    readers = {READERS.get(name, name) for name in names.split()}
    stages = {stage for stage, files in imported().items() if files & readers}
    if "borrow-root" in stages:  # it is of the other's task
        stages.add("make-rootfs-archive")
    changed = {title.partition(":")[0] for title in original if original[title] != after[title]}
    assert changed == stages & {title.partition(":")[0] for title in original}
    assert after.keys() == original.keys()
