"""Python, the cache and inputs may lie anywhere on the host, and have any name."""

import os
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from aimager.sandbox.namespace import call
from aimager.sandbox.namespace_child import NamespaceSetup
from tests.support import looking
from tests.support.looking import Look, Room
from tests.support.places import ROOT


@pytest.fixture
def work(tmp_path: Path) -> Path:
    return tmp_path / "cache" / "work"


@pytest.fixture
def elsewhere() -> Iterator[Path]:
    """A folder that is not below /tmp."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        yield Path(folder)


def look(work: Path, *paths: str | Path, **how: object) -> Room:
    return call(looking.look, Look(tuple(map(os.fspath, paths))), work=work, **how)  # type: ignore[arg-type]


def ask(python: Path, work: Path, *, code: str = "", path: str = "", **how: object) -> str:
    """What a Python elsewhere says whose worker answers; ``code`` comes before the call."""
    done = subprocess.run(
        [
            *(python, "-c"),
            f"{code}\nfrom pathlib import Path\nfrom aimager.sandbox.namespace import call\n"
            "from tests.support import looking\n"
            f"room = call(looking.look, looking.Look(('/',)), work=Path({str(work)!r}))\n"
            "print('usr' in room.folders['/'])",
        ],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": path or str(ROOT)},
        capture_output=True,
        text=True,
        **how,  # type: ignore[call-overload]
    )
    assert done.returncode == 0, done.stderr
    return str(done.stdout)


SITE = next(entry for entry in sys.path if entry.endswith("site-packages"))


@pytest.mark.parametrize("place", ["home/me/venv", "home/me", "a b/\u00fc\n"])
def test_python_in_a_folder_of_the_users(elsewhere: Path, place: str) -> None:
    venv = elsewhere / place
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", venv], check=True)
    (venv / "secret").touch()
    assert ask(venv / "bin/python", elsewhere / "work", path=f"{ROOT}:{SITE}") == "True\n"


def test_of_pythons_folder_only_python_is_seen(elsewhere: Path) -> None:
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", elsewhere], check=True)
    (elsewhere / ".ssh").mkdir()
    code = (
        "import sys\nfrom aimager.sandbox.worker_root import code\n"
        "print([s.target.name for s in code() if s.target.parent == Path(sys.prefix)])"
    )
    said = ask(
        elsewhere / "bin/python",
        elsewhere / "cache/work",
        code=f"from pathlib import Path\n{code}",
        path=f"{ROOT}:{SITE}",
    )
    names = eval(said.splitlines()[0])
    assert {"bin", "lib", "pyvenv.cfg"} <= set(names)
    assert ".ssh" not in names


def test_pythons_folder_by_a_link(elsewhere: Path) -> None:
    real = elsewhere / "real"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", real], check=True)
    (elsewhere / "link").symlink_to(real)
    python = elsewhere / "link/bin/python"
    assert ask(python, elsewhere / "work", path=f"{ROOT}:{SITE}") == "True\n"


def test_a_package_that_lies_elsewhere(elsewhere: Path) -> None:
    (elsewhere / "mine").mkdir()
    (elsewhere / "mine/extra_module.py").write_text("import extra_package")
    (elsewhere / "mine/extra_package").mkdir()
    (elsewhere / "mine/extra_package/__init__.py").touch()
    path = f"{ROOT}:{elsewhere}/mine"
    code = "import extra_module"
    assert ask(Path(sys.executable), elsewhere / "work", code=code, path=path) == "True\n"


def test_a_package_in_a_zip(elsewhere: Path) -> None:
    with zipfile.ZipFile(elsewhere / "all.zip", "w") as archive:
        for folder in ("aimager", "tests/support"):
            for file in sorted((ROOT / folder).rglob("*.py")):
                archive.write(file, file.relative_to(ROOT))
    said = ask(
        Path(sys.executable),
        elsewhere / "work",
        code="import aimager\nassert '.zip' in aimager.__file__",
        path=str(elsewhere / "all.zip"),
        cwd="/",
    )
    assert said == "True\n"


def test_a_cache_by_a_link(elsewhere: Path) -> None:
    (elsewhere / "real").mkdir()
    (elsewhere / "cache").symlink_to(elsewhere / "real")
    cache = elsewhere / "cache"
    (cache / "input").write_text("content")
    room = look(cache / "work", cache, cache / "input", reads=[cache / "input"])
    assert room.files == {str(cache / "input"): "content"}
    assert room.folders == {str(cache): ["input", "work"]}
    assert not (elsewhere / "real/work").exists()


@pytest.mark.skipif(not os.access("/usr/local", os.W_OK), reason="this user may not write in /usr")
def test_a_cache_below_usr() -> None:
    with tempfile.TemporaryDirectory(dir="/usr/local") as name:
        cache = Path(name)
        (cache / "in").mkdir()
        (cache / "in/input").write_text("content")
        (cache / "in/other").touch()
        source, product = cache / "in/input", cache / "out/product"
        written = call(
            looking.write,
            looking.Writing({str(product): "made"}),
            work=cache / "work/x",
            reads=[source],
            products=[product],
        )
        assert written == [str(product)]
        assert product.read_text() == "made"
        room = look(cache / "work/x", cache, source, "/usr/bin/env", reads=[source])
        assert room.files[str(source)] == "content"
        assert "/usr/bin/env" in room.files


def test_a_cache_below_pythons_folder(elsewhere: Path) -> None:
    """As where the folder of a project is a virtual environment, too."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", elsewhere], check=True)
    for cache in (elsewhere / "cache", elsewhere / "lib/cache"):
        cache.mkdir()
        code = (
            "from pathlib import Path\nfrom aimager.sandbox.namespace import call\n"
            "from tests.support import looking\n"
            f"cache = Path({str(cache)!r})\n"
            "made = looking.Writing({str(cache / 'product/file'): 'made'})\n"
            "call(looking.write, made, work=cache / 'work/y', products=[cache / 'product/file'])\n"
        )
        said = ask(elsewhere / "bin/python", cache / "work/x", code=code, path=f"{ROOT}:{SITE}")
        assert said == "True\n"
        assert (cache / "product/file").read_text() == "made"


def test_inputs_that_are_relative(
    elsewhere: Path, work: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (elsewhere / "here").mkdir()
    (elsewhere / "input").write_text("content")
    monkeypatch.chdir(elsewhere / "here")
    room = look(work, "../input", reads=[Path("../input")])
    assert room.files == {"../input": "content"}
    assert room.directory == str(elsewhere / "here")


NAMES = [" a b ", "a\nb", "\t\\040", "\udcff\udcfe", "\u00fc", "-", "%s"]


@pytest.mark.parametrize("name", NAMES, ids=ascii)
@pytest.mark.parametrize("in_memory", [False, True])
def test_names_of_any_kind(elsewhere: Path, name: str, in_memory: bool) -> None:
    folder = elsewhere / name
    folder.mkdir()
    (folder / name).write_text("content")
    room = look(
        folder / "work",
        folder / name,
        reads=[folder / name],
        tmpfs=1 << 20 if in_memory else None,
    )
    assert room.files == {str(folder / name): "content"}
    assert str(folder / name) not in room.written


def test_a_setup_of_such_names_crosses() -> None:
    setup = NamespaceSetup(1, "f", Path("a\udcff\n"), Path("b"))
    assert "\udcff" in str(setup.work)
