"""Whose turn it is to make a product of a shared store: one machine makes it, others wait for it.

Who is to make it claims it (`aimager.products.remote.claims`), and keeps the claim until it has put
the product into the store, or has failed. No store can hold a run up for longer than `ALL_WAITING`:
then the run makes what it needs by itself, as it does when the store fails.
"""

import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace

from aimager import progress, units
from aimager.model.remote import Remote
from aimager.products.remote import claims
from aimager.products.remote.claims import Seconds, Standing, Watch, claim_path, clock, new_claim
from aimager.products.remote.exclusive import create, remove
from aimager.products.remote.exclusive import replace as rewrite
from aimager.products.remote.store import (
    UNCLAIMED,
    UNHEEDED,
    UNREAD,
    UNWRITTEN,
    is_given_to,
    is_noted,
    note,
)
from aimager.products.remote.transport import StoreError, ask
from aimager.shown import shown

ALL_WAITING = 30 * 60
"""Seconds that the processes of a run wait for others, all together."""

RENEWING = 10.0
"""Seconds after which a claim is renewed."""

_POLL = 2.0
"""Seconds between two looks at another's claim."""

_NAP = 0.1
"""Seconds that an interruption may take."""

_CROWDED = 1.0
"""Seconds for others to write over a claim, in a store that cannot keep them from it."""

_LEAVING = 2.0
"""Seconds that the end of a claim takes at most, when the build is interrupted."""

_TOLD = 5
"""Of how many makers of one product it is told that they are waited for."""

_WAITED = "waited"
"""Among the notes of a run: it has a byte for each second."""


@contextmanager
def turn(
    remote: Remote,
    folder: str,
    is_taken: Callable[[], bool],
    tell: Callable[[str], None],
    *,
    waits: bool = True,
) -> Iterator[bool]:
    """Be the one who makes the product in ``folder``; yields True where that need not be made.

    ``is_taken`` takes it if it is there by now, and ``tell`` is told for whom the machine waits. Of
    who does not ``wait``, others know by a claim; who puts nothing there makes none.
    """
    it = _Turn(remote, folder, is_taken, tell, waits)
    try:
        taken = it.wait()
        with it.renewed():
            yield taken
    except BaseException as error:
        it.leave(None if isinstance(error, Exception) else _LEAVING)
        raise
    it.leave()


@dataclass
class _Turn:
    """One making of a product; ``number`` is that of our claim, 0 where there is none.

    It is ``held`` once no other is found. ``began`` and ``renewed_at`` are when it was written
    first and last.
    """

    remote: Remote
    folder: str
    is_taken: Callable[[], bool]
    tell: Callable[[str], None]
    waits: bool
    number: int = 0
    held: bool = False
    renewed_at: Seconds = 0.0
    began: Seconds = 0.0
    told: set[str] = field(default_factory=set)
    due: Seconds = 0.0

    def __post_init__(self) -> None:
        self.claim = new_claim(self.folder)
        self.watch = Watch(self.remote, self.folder)

    def wait(self) -> bool:
        """Wait until it is our turn; returns whether the product has been taken instead."""
        try:
            return self._wait()
        except StoreError as error:
            note(self.remote, UNREAD, f"failed: {error}")
            return False

    def _wait(self) -> bool:
        seen = False
        while self._is_heeded() and (self.waits or self._claims()):
            standing = self.watch.look()
            if standing and not standing.is_stale:
                if not self.waits:
                    return False
                self._pause(standing)
                seen = True
                continue
            if seen and self.is_taken():
                return True
            if not self._claims() or (standing and standing.number >= claims.MOST):
                return False
            if self._take(standing):
                return self.is_taken()
            seen = True
            self._sleep(_POLL)
        return seen and self.is_taken()

    def _claims(self) -> bool:
        return self.remote.trust.gives and is_given_to(self.remote)

    def _is_heeded(self) -> bool:
        return not is_noted(self.remote, UNREAD) and not is_noted(self.remote, UNHEEDED)

    def _pause(self, standing: Standing) -> None:
        claim = standing.claim
        host = shown(claim.host) if claim else "somebody"
        if claim and claim.owner not in self.told and len(self.told) < _TOLD:
            self.told.add(claim.owner)
            since = f"has been making it for {units.duration(claim.age)}"
            self.tell(f"{host} {since if claim.age else 'has just begun to make it'}: waiting")
        progress.step(f"waiting for {host}")
        self._sleep(_POLL)

    def _sleep(self, seconds: Seconds) -> None:
        before = time.monotonic()  # what the machine sleeps itself, nobody waits
        end = before + seconds * random.uniform(0.5, 1.5)
        while time.monotonic() < end:  # a signal just before a sleep is only heeded after it
            time.sleep(min(_NAP, seconds))
        self.due += time.monotonic() - before
        whole = int(self.due)
        self.due -= whole
        self.remote.notes.mkdir(parents=True, exist_ok=True)
        with (self.remote.notes / _WAITED).open("ab") as stream:
            stream.write(b"." * min(whole, ALL_WAITING))
            waited = stream.tell()
        if waited >= ALL_WAITING:
            told = f"has kept the build waiting for {ALL_WAITING // 60} min"
            note(self.remote, UNHEEDED, told)

    def _take(self, standing: Standing | None) -> bool:
        """Claim the product after ``standing``, which is stale, unless another has done so."""
        number = standing.number + 1 if standing else 1
        self.number = number
        self.began = self.renewed_at = clock()
        if self._create(number) and self._is_first(number, standing):
            self.held = True
            return True
        self.leave()
        return False

    def _create(self, number: int) -> bool:
        content = claims.write_claim(self.claim)
        path = claim_path(self.folder, number)
        try:
            if create(self.remote, path, content):
                return True
        except StoreError as error:
            if self.watch.read(number) is None:
                return self._create_anyhow(path, content, error)
        return self._is_ours(number)  # if an answer was lost, and the question put again

    def _create_anyhow(self, path: str, content: bytes, error: StoreError) -> bool:
        try:
            rewrite(self.remote, path, content)
        except StoreError as worse:
            note(self.remote, UNWRITTEN, f"cannot be written: {worse}")
            return False
        note(self.remote, UNCLAIMED, f"cannot let one machine go first: {error}")
        self._sleep(_CROWDED)
        return True

    def _is_first(self, number: int, standing: Standing | None) -> bool:
        """Whether nobody has claimed it meanwhile, of whom ``standing`` did not tell."""
        if not self._is_ours(number) or self.watch.read(number + 1) is not None:
            return False
        if standing is None:
            return True
        before = self.watch.read(standing.number)
        if standing.claim is None:
            return before is not None and claims.parse_claim(before, self.folder) is None
        return before == standing.content

    def _is_ours(self, number: int) -> bool:
        content = self.watch.read(number)
        claim = claims.parse_claim(content, self.folder) if content else None
        return claim is not None and claim.owner == self.claim.owner

    @contextmanager
    def renewed(self) -> Iterator[None]:
        """Renew the claim while the block runs, in a thread, which ends with the process."""
        if not self.number:
            yield
            return
        ended = threading.Event()
        thread = threading.Thread(target=self._renew, args=(ended,), daemon=True)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join(_LEAVING)

    def _renew(self, ended: threading.Event) -> None:
        number = self.number
        while not ended.wait(RENEWING):
            age = int(clock() - self.began)
            self.claim = replace(self.claim, age=age, beat=self.claim.beat + 1)
            with suppress(StoreError):  # then it is told when the product is put there
                if ended.is_set() or not self._is_ours(number):
                    return
                path = claim_path(self.folder, number)
                rewrite(self.remote, path, claims.write_claim(self.claim))
                self.renewed_at = clock()

    def leave(self, patience: Seconds | None = None) -> None:
        """End the claim, if there is one; a store is given up after ``patience``."""
        with suppress(StoreError):
            if self.number:
                ask(self.remote, self._leave, patience)

    def _leave(self) -> None:
        number, self.number = self.number, 0
        if self._is_ours(number) and not (self.held and self._is_lost(number)):
            lowest = 1 if self.held else number  # those before it were stale, as was seen
            paths = [claim_path(self.folder, it) for it in range(number, lowest - 1, -1)]
            try:
                remove(self.remote, paths)
            except StoreError:  # as who may write and not remove
                rewrite(self.remote, paths[0], claims.write_claim(replace(self.claim, lasts=0)))

    def _is_lost(self, number: int) -> bool:
        """Whether another has taken it for stale, or may be doing so."""
        is_late = clock() - self.renewed_at > self.claim.lasts / 2
        return is_late or self.watch.read(number + 1) is not None
