"""Delivering results to the user's folder, and knowing whether they are still there unchanged.

Their signature is made there, too, after them: it is of no product, and nothing is made from it. So
another key has no task run, and a kind of key whose signatures differ each time, as of ECDSA,
changes no result. No stage knows of the key.
"""

import hashlib
import json
import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from aimager import files, progress
from aimager.codec import decode, encode
from aimager.errors import HostError
from aimager.files import data_size, sha256
from aimager.locks import locked
from aimager.model.product import CHECKSUMS, SIGNATURE
from aimager.openssh import SigningKey
from aimager.products.cache import find_damage
from aimager.products.errand import Note
from aimager.products.record import KeptFile, Record, read_record
from aimager.products.remote.products import SharedProduct
from aimager.products.remote.returned import take_back
from aimager.products.stage import outputs
from aimager.products.task import CachedTask

_NAMES_IN_CACHE = 2
"""Of a product's file: where it is kept, and in the view of the run that delivers it."""


NAMESPACE = "file"
"""What the signature of results is for: the one that ssh-keygen(1) has for files."""


@dataclass(frozen=True)
class Signed:
    """A signature that was made: by the ``key`` of this name, of checksums with this SHA-256.

    ``sha256`` is that of the file that it became.
    """

    key: str
    checksums: str
    sha256: str


@dataclass(frozen=True)
class Brought:
    """What was delivered last: the product's id, and its files as they were then."""

    id: str
    files: tuple[KeptFile, ...]
    signed: Signed | None = None


@dataclass(frozen=True)
class Delivery:
    """``folder`` is the user's; ``memory`` keeps what was delivered there, for ``readers``.

    ``key`` is the file of a key that signs the checksums there.
    """

    folder: Path
    memory: Path
    key: Path | None = None
    readers: files.Readers = files.Readers.nobody

    def fault(self, record: Record) -> str:
        """What happened to the product of ``record`` after its delivery; empty if nothing did.

        A folder that is gone as a whole, or was never there, only has to be filled.
        """
        brought = self._recall()
        if brought is None or brought.id != record.id or not self.folder.is_dir():
            return ""
        damage = find_damage(self.folder, brought.files)
        return damage.text if damage else ""

    def bring(self, source: Path, record: Record) -> None:
        """Copy the files of ``record`` from ``source``, unless they are there already, and sign.

        :raises ConfigError: when the key cannot sign
        :raises HostError: when there is no ssh-keygen, or the checksums are not those of the record
        """
        with locked(self.memory.with_suffix(".lock")):
            brought = self._recall()
            is_there = brought and brought.id == record.id
            if not brought or not is_there or find_damage(self.folder, brought.files):
                brought = self._copy(source, record, brought)
            else:
                self._guard()
            self._sign(source, record, brought)

    def _copy(self, source: Path, record: Record, before: Brought | None) -> Brought:
        self._guard()
        self._remove_stale_signature(record)
        for file in record.files:
            kept, target = source / file.name, self.folder / file.name
            with (
                progress.growing(f"bringing {file.name}", target, partial(data_size, kept)),
                files.publish(target, mode=self.readers.file) as temporary,
            ):
                _bring(kept, temporary)
        self._remove_stale(before, {file.name for file in record.files})
        there = tuple(
            replace(file, mtime_ns=(self.folder / file.name).stat().st_mtime_ns)
            for file in record.files
        )
        return self._remember(Brought(record.id, there, before.signed if before else None))

    def _sign(self, source: Path, record: Record, brought: Brought) -> None:
        """Let the checksums have the signature that is asked for, or none of ours."""
        signature = self.folder / SIGNATURE
        checksums = record.file(CHECKSUMS)
        key = SigningKey(self.key) if self.key and checksums else None
        name = key.name() if key else ""
        there = sha256(signature) if signature.is_file() else ""
        made = brought.signed
        if key is None or checksums is None:
            if made and made.sha256 == there:
                signature.unlink()
            if made:
                self._remember(replace(brought, signed=None))
            return
        if made == Signed(name, checksums.sha256, there):
            return
        signature.unlink(missing_ok=True)  # of other checksums, should what follows fail
        content = (source / CHECKSUMS).read_bytes()
        if hashlib.sha256(content).hexdigest() != checksums.sha256:
            raise HostError(
                f"{source / CHECKSUMS} was changed since it was made, and is not signed",
                hint=f"doit forget {record.task}:{record.subject} has it made again",
            )
        with files.publish(signature) as temporary:
            temporary.write_bytes(key.sign(content, NAMESPACE))
        digest = sha256(signature)
        self._remember(replace(brought, signed=Signed(name, checksums.sha256, digest)))

    def _remember(self, brought: Brought) -> Brought:
        files.publish_text(self.memory, json.dumps(encode(brought)))
        return brought

    def forget(self, names: Sequence[str] = ()) -> None:
        """Forget what was brought, and remove the files ``names`` of it."""
        brought = self._recall()
        signature = self.folder / SIGNATURE
        made = brought.signed if names and brought else None
        if made and signature.is_file() and sha256(signature) == made.sha256:
            signature.unlink()
        for name in names:
            (self.folder / name).unlink(missing_ok=True)
        with suppress(OSError):  # it is not there, or holds something else
            self.folder.rmdir()
        self.memory.unlink(missing_ok=True)

    def _guard(self) -> None:
        """Let who may read the results read them, and nobody else, also what lies there already."""
        files.guard_folder(self.folder, self.readers)
        brought = self._recall()
        for file in brought.files if brought else ():
            with suppress(FileNotFoundError, PermissionError):
                (self.folder / file.name).chmod(self.readers.file)

    def _remove_stale(self, brought: Brought | None, names: set[str]) -> None:
        """Remove what was made from a file that is now another, such as its compressed form."""
        for file in brought.files if brought else ():
            is_derived = any(file.name.startswith(f"{name}.") for name in names)
            if is_derived and file.name not in names:
                (self.folder / file.name).unlink(missing_ok=True)

    def _remove_stale_signature(self, record: Record) -> None:
        """Remove the signature, whoever made it, of checksums that will now be others."""
        now, there = record.file(CHECKSUMS), self.folder / CHECKSUMS
        if now and not (there.is_file() and sha256(there) == now.sha256):
            (self.folder / SIGNATURE).unlink(missing_ok=True)

    def _recall(self) -> Brought | None:
        try:
            brought: Brought = decode(Brought, json.loads(self.memory.read_bytes()))
        except (FileNotFoundError, ValueError):
            return None
        return brought


def _bring(source: Path, target: Path) -> None:
    """Make ``target`` the same file, at the least cost that keeps results apart.

    Its blocks are shared where the file system can (ioctl_ficlone(2)). Else it becomes one more
    name of the file if it is the only one outside of the cache: who writes to it damages what the
    cache holds, which is seen by its time and made again, and no other result.
    """
    if files.share_blocks(source, target):
        _set_times(source, target)
        return
    if source.stat().st_nlink <= _NAMES_IN_CACHE:
        target.unlink()
        with suppress(OSError):  # EXDEV: it lies on another file system
            target.hardlink_to(source)
            return
    files.copy_sparse(source, target)
    _set_times(source, target)


def _set_times(source: Path, target: Path) -> None:
    times = source.stat()
    os.utime(target, ns=(times.st_atime_ns, times.st_mtime_ns))


@dataclass(frozen=True)
class DeliveredTask(CachedTask):
    """A task whose product is for the user's folder."""

    delivery: Delivery

    @property
    def shares_files(self) -> bool:
        """The user's folder may have other names of them."""
        return True

    def forget(self, *, results: bool = False) -> None:
        """Remove all that is kept of it, and with ``results`` what the user's folder has of it."""
        super().forget()
        self.delivery.forget([path.name for path in outputs(self.stage)] if results else ())

    def is_done(self) -> bool:
        """Whether the product is there; then it is in the user's folder, too."""
        return super().is_done() and self._bring()

    def explain(self) -> str:
        """Why the task must run: a delivered result that is missing is a reason, too."""
        return super().explain() or self.lack()

    def lack(self) -> str:
        """What of the product is no longer in the user's folder."""
        record = read_record(self.kept.view)
        fault = self.delivery.fault(record) if record else ""
        return f"{self.delivery.folder}: {fault}" if fault else ""

    def run(self) -> None:
        """Make the product, unless the cache holds it, and deliver it to the user's folder."""
        super().run()
        self._bring()

    def _fetch(self, product: SharedProduct, note: Note | None) -> Record | None:
        """Only what was made for this run goes by the store."""
        return take_back(product.remote, product.stage, product.record, note.id) if note else None

    def _bring(self) -> bool:
        record = read_record(self.kept.view)
        assert record, "the product is in the view"
        self.delivery.bring(self.kept.view, record)
        return True
