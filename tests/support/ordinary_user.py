"""A call by an ordinary user with subordinate ids, on a machine where root runs the tests.

``python -m tests.support.ordinary_user FOLDER REQUEST``, as root: in a mount namespace of its own
/etc knows the user, and what of Python lies in root's home can be read. Nothing of the machine
is changed.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from aimager import codec
from aimager.errors import AimagerError
from aimager.sandbox import syscalls
from aimager.sandbox.namespace import call
from aimager.sandbox.worker_root import code
from tests.support import jailed
from tests.support.jailed import Jailed

ID = 54321
_FILES = {
    "passwd": f"root:x:0:0::/root:/bin/sh\nordinary:x:{ID}:{ID}::/nowhere:/bin/sh\n",
    "group": f"root:x:0:\nordinary:x:{ID}:\n",
    "subuid": "ordinary:600000:65536\n",
    "subgid": "ordinary:600000:65536\n",
}


def call_as_user(request: Jailed) -> str:
    """Run ``request`` as the user, and return what came of it, or the error."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        Path(folder).chmod(0o755)
        return _run([folder, json.dumps(codec.encode(request))])


def _run(words: list[str]) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "tests.support.ordinary_user", *words],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def _become(folder: Path) -> Path:
    """Be the user, and return a folder of the user's."""
    homes = [seen.target for seen in code() if seen.target.is_relative_to("/root")]
    syscalls.unshare(syscalls.CLONE_NEWNS)
    syscalls.mount(None, "/", None, syscalls.MS_REC | syscalls.MS_PRIVATE)
    own = Path("/run/ordinary")
    syscalls.mount("tmpfs", "/run", "tmpfs", 0, "mode=755")
    own.mkdir()
    for name, text in _FILES.items():
        (own / name).write_text(text)
        if not Path("/etc", name).exists():
            raise FileNotFoundError(f"/etc/{name} cannot be covered")
        syscalls.mount(own / name, Path("/etc", name), None, syscalls.MS_BIND)
    for number, home in enumerate(homes):
        (own / str(number)).mkdir() if home.is_dir() else (own / str(number)).touch()
        syscalls.mount(home, own / str(number), None, syscalls.MS_BIND | syscalls.MS_REC)
    if homes:
        syscalls.mount("tmpfs", "/root", "tmpfs", 0, "mode=755")
    for number, home in enumerate(homes):
        home.parent.mkdir(parents=True, exist_ok=True)
        home.mkdir() if (own / str(number)).is_dir() else home.touch()
        syscalls.mount(own / str(number), home, None, syscalls.MS_BIND | syscalls.MS_REC)
    syscalls.mount("tmpfs", folder, "tmpfs", 0, f"mode=755,uid={ID},gid={ID}")
    os.setgroups([])
    os.setgid(ID)
    os.setuid(ID)
    return folder


def main() -> None:
    """Print the answer, or the error as the user gets it."""
    folder = _become(Path(sys.argv[1]))
    os.environ["HOME"] = "/nowhere"
    os.chdir(folder)
    request: Jailed = codec.decode(Jailed, json.loads(sys.argv[2]))
    work = folder / request.work
    request = codec.decode(Jailed, {**codec.encode(request), "work": str(work)})
    try:
        ended = call(jailed.run_jailed, request, work=work)
        print(json.dumps(codec.encode(ended)))
    except AimagerError as error:
        print(f"{type(error).__name__}: {error}")


if __name__ == "__main__":
    main()
