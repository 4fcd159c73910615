"""The bench reads what the kernel tells, and reckons its table right."""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from aimager.model.architecture import Architecture
from aimager.package_files import read_members
from aimager.packages.openpgp.public_keys import list_keys
from aimager.packages.sync_database import read_database
from aimager.stand_in.signing import open_key
from bench import real_keyring
from bench.contenders import contenders
from bench.floor import hooks
from bench.lab import Lab
from bench.pacstrap import Pacstrap, conf
from bench.rows import rows
from bench.sample import Sample, _python_memory, cpu_below, descendants, measure, numbers
from bench.table import Row, contenders_text, cpu_ratio, ratio, rows_text
from tests.support.key_verdicts import KEYRINGS
from tests.support.places import ROOT
from tests.support.waiting import wait_until

SAMPLES = {
    "ours": [Sample(3.0, 4.0, 50 << 20, 10), Sample(1.0, 2.0, 70 << 20, 30_000_000)] * 2,
    "floor": [Sample(1.0, 1.0, 0, 0)],
}
HOOK = """\
[Trigger]
Type = Path
Operation = Install
Target = usr/lib/modules/*/vmlinuz
Target = usr/lib/sysusers.d/*.conf

[Action]
When = PostTransaction
Exec = /usr/bin/depmod %v
NeedsTargets
"""


def test_the_table() -> None:
    rows = [
        Row("a", "a build over the floor", ("ours", "floor"), 1.5, ratio("ours", "floor")),
        Row("c", "its CPU", ("ours", "floor"), 4, cpu_ratio("ours", "floor")),
        Row("b", "bytes", ("ours",), 4, lambda samples: len(samples["ours"]), "MiB"),
    ]
    lines = [line.split() for line in rows_text(rows, SAMPLES).splitlines()]
    assert lines[1][-5:] == ["2", "x", "1.5", "x", "MISSED"]
    assert lines[2][-5:] == ["3", "x", "4", "x", "reached"]
    assert lines[3][-5:] == ["4", "MiB", "4", "MiB", "reached"]
    ours = contenders_text(SAMPLES).splitlines()[1].split()
    assert ours == ["ours", "2.00", "3.00", "70", "15", "3.00", "1.00", "3.00", "1.00"]


def test_files_of_proc() -> None:
    assert numbers("Name:\tpython3\nPPid:\t17\nVmHWM:\t   2 kB\n") == {"PPid": 17, "VmHWM": 2048}
    assert numbers("wchar: 5\nwrite_bytes: 4096\n") == {"wchar": 5, "write_bytes": 4096}
    assert descendants({2: 1, 3: 2, 4: 3, 5: 9, 9: 9}, 2) == {3, 4}


def test_cpu_of_a_process_that_has_ended_counts() -> None:
    before = cpu_below(os.getpid())
    code = "import time\nwhile time.process_time() < 0.3: pass"
    subprocess.run([sys.executable, "-c", code], check=True)
    assert cpu_below(os.getpid()) - before > 0.2


def test_a_run_is_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code = f"open('{tmp_path}/x', 'wb').write(bytes(1 << 24)); input()"
    looks, seen = _python_memory, list[int]()

    def look() -> list[int]:
        found = looks()
        seen.extend(found)
        return found

    monkeypatch.setattr("bench.sample._python_memory", look)

    def write() -> None:
        argv = [sys.executable, "-c", code]
        with subprocess.Popen(argv, stdin=subprocess.PIPE) as child:
            wait_until(lambda: any(memory > 1 << 22 for memory in seen))
            time.sleep(0.2)
            child.communicate(b"\n")
        assert child.returncode == 0

    sample = measure(write)
    assert sample.seconds >= 0.2
    assert sample.cpu > 0
    assert sample.peak == max(seen) > 1 << 22
    at_least = 1 << 24  # for who was started earlier, and ends now, counts as well
    assert sample.written == 0 or sample.written >= at_least, "0 where /tmp is in memory"


def test_hooks() -> None:
    names = ["usr/bin/x", "usr/lib/modules/6/vmlinuz", "usr/lib/sysusers.d/a.conf"]
    assert list(hooks(HOOK, names)) == [("/usr/bin/depmod %v", f"{names[1]}\n{names[2]}\n")]
    assert list(hooks(HOOK, ["usr/bin/x"])) == []
    assert list(hooks(HOOK.replace("Post", "Pre"), names)) == []
    assert list(hooks(HOOK.replace("NeedsTargets", ""), names)) == [("/usr/bin/depmod %v", "")]


def test_rows_need_what_there_is(tmp_path: Path) -> None:
    lab = Lab(tmp_path)
    there = contenders(lab)
    needed = {name for row in rows(lab) for name in row.needs}
    assert needed == there.keys()


def test_pacman_by_hand_takes_the_packages_of_the_machine() -> None:
    places = [Path()] * 6
    text = conf(Pacstrap(Architecture.x86_64, *places))
    assert "\nArchitecture = x86_64\n" in text


@pytest.mark.parametrize(("word", "status"), [("--help", 0), ("nonsense", 2)])
def test_the_command_line(word: str, status: int) -> None:
    argv = [sys.executable, "-m", "bench", word]
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == status
    assert "hostname" in done.stdout + done.stderr


@pytest.mark.skipif(not shutil.which("gpg"), reason="gpg is missing")
def test_the_real_keyring_has_all_keys_of_arch(tmp_path: Path) -> None:
    with open_key(tmp_path / "key") as key:
        trusted = real_keyring.make_repository(tmp_path / "real", key)
    (package,) = (tmp_path / "real").glob("*.pkg.tar.zst")
    keys = read_members(package, lambda path: path.endswith(".gpg"))
    (ring,) = (list_keys(data) for data in keys.values())
    assert set(ring) - {trusted[0]} == set(list_keys(KEYRINGS["archlinux"].read()[0]))
    assert trusted[1:] == list(KEYRINGS["archlinux"].pinned)
    (locked,) = read_database("real", tmp_path / "real/real.db").values()
    assert locked.locked.size == package.stat().st_size
    assert package.with_name(f"{package.name}.sig").is_file()
    words = real_keyring.words("http://127.0.0.1:1", trusted)
    assert words[0] == "add-repos=real=http://127.0.0.1:1"
