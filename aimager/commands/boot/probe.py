"""Boots an image in QEMU with nobody watching, and talks to it over its serial port.

::

    with BootProbe(Architecture.x86_64, image, log=Path("boot.log")) as guest:
        guest.wait_for_login()
        guest.log_in("root", "secret")
        assert guest.run("systemctl is-system-running --wait") == "running"
"""

import codecs
import os
import re
import select
import shlex
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, nullcontext
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from aimager import files, process
from aimager.commands.boot import firmware as qemu_firmware
from aimager.commands.boot import qemu
from aimager.commands.boot.console import (
    DEAD_ENDS,
    HALTED,
    KERNEL_MESSAGE,
    LOGIN_OR_MENU,
    LOGIN_PROMPT,
    SHELL_PROMPT,
    plain,
)
from aimager.commands.boot.raspberry_pi import Kernel, raspberry_pi_command
from aimager.errors import CommandError, ImageError
from aimager.model.architecture import Architecture
from aimager.model.board import Firmware
from aimager.sandbox import syscalls

BOOT_TIMEOUT = 600.0
"""Seconds to a login prompt; software emulation on a busy machine needs minutes."""

_TAIL_LINES = 20

_SHELL = (
    # Only root may stop what else comes on the console: kernel messages, and the status of units.
    "stty -echo; dmesg -n 1; kill -s RTMIN+21 1; PROMPT_COMMAND= PS0= PS1= PS2= TERM=dumb "
    "exec bash --noediting --norc --noprofile"
)


class BootProbe:
    """A machine of ``architecture`` that boots ``image``; it runs as long as the ``with`` block.

    It has ``firmware`` of that kind, or starts ``kernel`` in its place; ``boot_files`` are those
    of a Raspberry Pi's board. Everything on its serial port is kept in ``log``. ``disk_size``
    bytes, if they are more than the image's, make the disk larger than the image, as a card that
    it is written to would be. The image is not written to, unless ``snapshot`` is false. QEMU gets
    ``options``, too, if it is not to be a Raspberry Pi.
    """

    def __init__(
        self,
        architecture: Architecture,
        image: Path,
        *,
        log: Path,
        firmware: Firmware = Firmware.uefi,
        kernel: Kernel | None = None,
        boot_files: Sequence[str] = (),
        disk_size: int | None = None,
        snapshot: bool = True,
        kvm: bool | None = None,
        memory_mib: int = 2048,
        network: bool = True,
        options: Sequence[str] = (),
    ) -> None:
        self.architecture = architecture
        self.image = image
        self.log = log
        self.firmware = firmware
        self.kernel = kernel
        self.boot_files = boot_files
        self.disk_size = disk_size
        self.snapshot = snapshot
        self.kvm = qemu.kvm_works(architecture) if kvm is None else kvm
        self.memory_mib = memory_mib
        self.network = network
        self.options = options
        self._unread = ""  # what the serial port said since what was last waited for
        self._marks = 0
        self._password = ""  # of the user who is logged in
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self._open = ExitStack()

    def __enter__(self) -> Self:
        folder = self.log.parent
        folder.mkdir(parents=True, exist_ok=True)
        with ExitStack() as stack:
            image = self.image
            if self.disk_size is not None:
                # Not in /tmp, which may be memory.
                copies = tempfile.TemporaryDirectory(prefix=".boot-probe-", dir=folder)
                image = Path(stack.enter_context(copies), "disk.img")
                files.grow_copy(self.image, image, self.disk_size)
            command = stack.enter_context(self._command(image))
            self._log: IO[bytes] = stack.enter_context(self.log.open("wb", buffering=0))
            self._log.write(f"$ {shlex.join(command)}\n".encode())
            self._qemu = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                bufsize=0,
                env=process.ENVIRONMENT,
                # Out of the terminal's reach, and gone when we are killed.
                start_new_session=True,
                preexec_fn=_die_with_parent,
            )
            stack.callback(self._end)
            self._open = stack.pop_all()
        return self

    @contextmanager
    def _command(self, image: Path) -> Iterator[list[str]]:
        program = qemu.find_qemu_system(self.architecture)
        if self._is_raspberry_pi:
            one = raspberry_pi_command(
                program, image, self.boot_files, one_cpu=True, is_card=not self.snapshot
            )
            with one as command:
                yield command
            return
        private = qemu_firmware.private_firmware(self.architecture, self.firmware)
        with nullcontext(self.kernel.options) if self.kernel else private as options:
            command = qemu.boot_command(
                self.architecture,
                image,
                program=program,
                firmware=options,
                kvm=self.kvm,
                snapshot=self.snapshot,
                memory_mib=self.memory_mib,
                cpus=2 if self.kvm else 1,  # emulated ones wait much for each other
                network=self.network,
            )
            yield [*command, *self.options]

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._open.close()

    def _end(self) -> None:
        with self._qemu:  # at its end, closes what it reads from and writes to
            self._qemu.kill()

    @property
    def output(self) -> str:
        """What the serial port has said so far, without control sequences."""
        return plain(self.log.read_text(errors="replace").split("\n", 1)[1])

    def wait_for_login(self, timeout: float = BOOT_TIMEOUT) -> None:
        """Wait for the login prompt; a boot menu on the way there is told to go on.

        :raises ImageError: when none comes within ``timeout`` seconds of the start or of the menu,
            or none can come any more
        """
        told = "no login prompt came"
        _, found = self._wait_for(LOGIN_OR_MENU, timeout, told, dead_ends=True)
        if found.lastgroup:
            self._send("1" if found["list"] else "")
            self._wait_for(LOGIN_PROMPT, timeout, told, dead_ends=True)

    def log_in(self, user: str, password: str, timeout: float = 120) -> None:
        """Answer the login prompt, and start a shell that ``run`` can talk to.

        :raises ImageError: when the image does not let us in
        """
        self._password = password
        self._send(user)
        # login(1) throws away what was typed before it asked.
        self._wait_for(re.compile(r"Password: ?"), timeout, "login asks for no password")
        self._send(password)
        _, answer = self._wait_for(SHELL_PROMPT, timeout, f"no shell came for {user}")
        if answer[0] == "Login incorrect":
            raise self._failure(f"{user} cannot log in with that password")
        self._send(_SHELL)
        self.run("true", timeout)

    def run(self, command: str, timeout: float = 120, *, check: bool = True) -> str:
        """Run ``command`` in the shell that is logged in, and return all that it prints.

        Lines in the form of kernel messages are left out: nobody can tell whose they are.

        :raises CommandError: when it fails, with ``check``
        :raises ImageError: when it does not end within ``timeout`` seconds
        """
        self._marks += 1
        mark = f"aimager-{self._marks}"
        # The shell may echo the line: its marks are whole only in what printf makes of it.
        self._send(
            f"printf '\\n<%s>\\n' '{mark}'; {{ {command}\n}} </dev/null 2>&1; "
            f"printf '\\n<%s:%d>\\n' '{mark}' $?"
        )
        told = f"{command!r} did not end"
        self._wait_for(re.compile(f"<{mark}>\n"), timeout, told)
        output, end = self._wait_for(re.compile(rf"\n<{mark}:(\d+)>\n"), timeout, told)
        output = output.strip("\n")
        status = int(end[1])
        if check and status:
            tail = output.splitlines()[-_TAIL_LINES:]
            raise CommandError(["sh", "-c", command], status, "\n".join(tail))
        return output

    def power_off(self, timeout: float = 120) -> None:
        """Shut the image down, by sudo if root is not who logged in, and wait until it is off.

        QEMU's Raspberry Pi has none of the firmware that would switch it off: it halts.

        :raises ImageError: when it does not go off
        """
        off = "systemctl poweroff"
        sudo = f"echo {shlex.quote(self._password)} | sudo -S {off}"
        self._send(f'[ "$(id -u)" = 0 ] && {off} || {sudo}')
        deadline = time.monotonic() + timeout
        while self._hear(deadline):
            if self._is_raspberry_pi and HALTED in self._unread:
                return
        if self._qemu.poll() is None:
            raise self._failure(f"it did not switch itself off within {timeout:.0f} seconds")

    @property
    def _is_raspberry_pi(self) -> bool:
        return self.firmware is Firmware.raspberry_pi and not self.kernel

    def _send(self, line: str) -> None:
        assert self._qemu.stdin is not None
        try:
            self._qemu.stdin.write(f"{line}\n".encode())
        except BrokenPipeError:
            raise self._failure("QEMU ended") from None

    def _wait_for(
        self, pattern: re.Pattern[str], timeout: float, told: str, *, dead_ends: bool = False
    ) -> tuple[str, re.Match[str]]:
        """Listen until ``pattern`` appears; return what came before it, and the match."""
        deadline = time.monotonic() + timeout
        while True:
            # A dead end first: sulogin's and a question's text may look like what is awaited.
            for what, sign in DEAD_ENDS.items() if dead_ends else ():
                if sign.search(self._unread):
                    raise self._failure(what)
            text = KERNEL_MESSAGE.sub("", self._unread)
            if match := pattern.search(text):
                self._unread = text[match.end() :]
                return text[: match.start()], match
            if not self._hear(deadline):
                if self._qemu.poll() is None:
                    raise self._failure(f"{told} within {timeout:.0f} seconds")
                raise self._failure(f"QEMU ended with status {self._qemu.returncode}")

    def _hear(self, deadline: float) -> bool:
        """Read what comes next from the serial port; False: nothing came before ``deadline``."""
        assert self._qemu.stdout is not None
        left = deadline - time.monotonic()
        if left <= 0 or not select.select([self._qemu.stdout], [], [], left)[0]:
            return False
        data = os.read(self._qemu.stdout.fileno(), 1 << 16)
        if not data:
            self._qemu.wait()
            return False
        self._log.write(data)
        # With what came before, for reading may cut a control sequence in two.
        self._unread = plain(self._unread + self._decoder.decode(data))
        return True

    def _failure(self, what: str) -> ImageError:
        lines = [line for line in self.output.splitlines() if line.strip()]
        tail = "".join(f"\n    {line}" for line in lines[-_TAIL_LINES:])
        return ImageError(
            f"{self.image.name} does not boot as it should: {what}; its console ends with:{tail}",
            hint=f"{self.log} has all of it",
        )


def _die_with_parent() -> None:
    syscalls.prctl(syscalls.PR_SET_PDEATHSIG, signal.SIGKILL)
