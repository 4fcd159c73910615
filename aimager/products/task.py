"""A task that is not run where the cache holds its product, and says why when it runs."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from aimager import progress, units
from aimager.errors import ConfigError, HostError
from aimager.model.remote import Remote
from aimager.products.cache import Kept, describe_files, is_made_by_run
from aimager.products.derivation import Derivation, derive
from aimager.products.errand import Note, read_note
from aimager.products.reasons import differences, locked_packages, origins_of, versions_of
from aimager.products.record import (
    Record,
    identity_of,
    provenance,
    record_of,
    removed_sums,
    sha256_of,
    sums_of,
)
from aimager.products.remote.products import SharedProduct, give
from aimager.products.stage import Stage, inputs, outputs

Known = Mapping[str, str] | None
"""What is known of the SHA-256 of what a stage made."""


def _run(stage: Stage) -> Known:
    return stage.run()


@dataclass(frozen=True)
class CachedTask:
    """One task of the graph: ``stage`` makes the product ``subject`` of ``task``.

    ``title`` is what lines about it begin with. A stage that has ``restore()`` knows by itself
    whether its product is there: that returns why not, or, having laid it out, nothing. By
    ``remark()`` one may say how it makes its product, where that is not the usual way.
    ``remote`` is asked for what the cache does not hold, and given what is made. With ``anew`` the
    product is made even where the cache holds it. ``run_stage`` is how the stage is run.
    ``variables`` are those that set its settings, as `aimager.products.changed_settings` takes
    them. In ``notes`` the run notes which products were made elsewhere
    (`aimager.products.errand`).
    """

    task: str
    subject: str
    title: str
    stage: Stage
    kept: Kept
    remote: Remote | None = field(default=None, kw_only=True)
    anew: bool = field(default=False, kw_only=True)
    run_stage: Callable[[Stage], Known] = field(default=_run, kw_only=True, compare=False)
    variables: Mapping[str, str] = field(default_factory=dict, kw_only=True, compare=False)
    notes: Path | None = field(default=None, kw_only=True, compare=False)

    @property
    def name(self) -> str:
        """Its whole name."""
        return f"{self.task}:{self.subject}"

    def forget(self, *, results: bool = False) -> None:
        """Remove all that is kept of it, and with ``results`` what the user's folder has of it."""
        self.kept.forget()

    def is_done(self) -> bool:
        """Whether the product is there; then the run sees it."""
        return not self.explain()

    def product_id(self) -> str:
        """The id of its product; empty if that is not what tells whether it is there."""
        return "" if hasattr(self.stage, "restore") else self._derive().id

    def derivation(self) -> Derivation:
        """What its product is derived from; its inputs are there."""
        return self._derive()

    def explain(self) -> str:
        """Why the task must run; empty if it need not, and the run sees its product."""
        with self.kept.guarded():
            restore = getattr(self.stage, "restore", None)
            if restore:
                return str(restore())
            derivation = self._derive()
            reason = self._use(derivation, self.kept.find(derivation.id))
            twin = self._find_twin(derivation) if reason and not self.anew else None
            return _told_twin(twin[1]) if twin else reason

    def run(self) -> None:
        """Make the product and keep it, unless another build has done so by now."""
        if hasattr(self.stage, "restore"):
            self._say(self.explain() or self.lack())
            self.stage.run()
            return
        derivation = self._derive()
        with ExitStack() as turns:  # which end once the remote store has what was made
            with self.kept.making(derivation.id) as waited:
                with self.kept.guarded():
                    before = self.kept.find(derivation.id)
                    reason = self._lacking(derivation, before, waited=waited)
                if not reason or turns.enter_context(self._turn(derivation)):
                    return
                self._say(self.remarked(reason))
                made = self._make(derivation, before)
            if self.remote and made:
                give(self.remote, self.stage, made, self.kept.view)

    def _lacking(self, derivation: Derivation, before: Record | None, *, waited: bool) -> str:
        """Why it must be made or taken from elsewhere; empty, and then told, if it need not."""
        reason = self._use(derivation, before)
        twin = self._take_twin(derivation) if reason and not self.anew else None
        if self.anew:
            return "it is made again as asked"
        if not reason:
            kept = self.lack() or CachedTask.lack(self)
            self._say("another build has made it meanwhile" if waited else kept)
        elif twin:
            self._say(_told_twin(twin))
            return ""
        return reason

    def predict(self) -> None:
        """Let the run see what is known of the product before it is made."""
        known = getattr(self.stage, "predict", None)
        if known:
            known()
            return
        record = self.kept.find(self._derive().id)
        if record:
            self.kept.see(record)

    def remarked(self, reason: str) -> str:
        """``reason``, and what the stage has to say of how its product is made."""
        remark = getattr(self.stage, "remark", str)()
        return f"{reason} ({remark})" if reason and remark else reason

    def lack(self) -> str:
        """What but the product itself is missing."""
        return "it is there by now"

    @contextmanager
    def _turn(self, derivation: Derivation) -> Iterator[bool]:
        """Be the only one who makes it; yields whether the remote store had it, and it is kept."""
        if self.remote is None:
            yield False
            return
        product = SharedProduct(self.remote, self.stage, self._record(derivation))
        take = partial(self._take, product)
        if take():
            yield True
            return
        with product.turn(take, self._say, waits=not self.anew) as taken:
            yield taken

    def _take(self, product: SharedProduct) -> bool:
        """Whether the remote store had the product; then it is kept, as if it were made here."""
        note = read_note(self.notes, self.name)
        taken = None if self.anew else self._fetch(product, note)
        if taken:
            size = units.size(sum(file.size for file in taken.files))
            maker = f"made on {note.worker}, and " if note and note.worker else ""
            self._say(f"{maker}taken from the remote store, {size}")
            self.kept.keep(taken)
        elif note and note.worker:
            raise _lost_on_its_way(self.name, note, product.remote)
        return taken is not None

    def _fetch(self, product: SharedProduct, note: Note | None) -> Record | None:
        """The record of what the store has; ``note`` tells where it was made in this run."""
        return product.take()

    def _make(self, derivation: Derivation, before: Record | None) -> Record | None:
        """Make and keep it; None if that failed for now, and is to be tried again next time."""
        known = self.run_stage(self.stage)
        made = [path for path in outputs(self.stage) if path.exists()]
        progress.step("keeping the product")
        if not made:
            return None
        folder = self.kept.folder / derivation.id
        earlier = sums_of(before) if before else removed_sums(folder)
        files = describe_files(made, known)
        record = replace(self._record(derivation), files=files, earlier=earlier)
        self.kept.keep(record)
        return record

    def _take_twin(self, derivation: Derivation) -> Record | None:
        """Keep the equal product of another subject, whose record is returned, if there is one."""
        twin = self._find_twin(derivation)
        if twin is None:
            return None
        other, record = twin
        other.use(record)
        self.kept.keep(replace(self._record(derivation), files=record.files))
        return record

    def _find_twin(self, derivation: Derivation) -> tuple[Kept, Record] | None:
        """The equal product of another subject, if there is one, and where it is kept."""
        for other in self.kept.others(derivation.id):
            record = other.find(derivation.id)
            if record and self._is_whole(derivation, record, other):
                return other, record
        return None

    def _is_whole(self, derivation: Derivation, record: Record, other: Kept) -> bool:
        try:
            return not self._fault(derivation, record, other)
        except ConfigError:  # the other's own task says so
            return False

    def _record(self, derivation: Derivation) -> Record:
        """The record of a product of which there are no files yet."""
        sources = inputs(self.stage)
        packages = locked_packages(sources)
        return Record(
            task=self.task,
            subject=self.subject,
            id=derivation.id,
            by_content=getattr(self.stage, "by_content", False),
            derivation=derivation,
            made_from={name: sha256_of(path) for name, path in sources.items()},
            ancestors=provenance(list(sources.values())),
            packages=versions_of(packages),
            files=(),
            origins=origins_of(packages),
        )

    def _derive(self) -> Derivation:
        identities = {name: identity_of(path) for name, path in inputs(self.stage).items()}
        return derive(self.task, self.stage, identities)

    def _use(self, derivation: Derivation, record: Record | None) -> str:
        """Why the kept product cannot be used; empty if it can, and the run sees it."""
        reason = self._fault(derivation, record, self.kept)
        if record and not reason:
            self.kept.use(record)
        return reason

    def _fault(self, derivation: Derivation, record: Record | None, kept: Kept) -> str:
        if record is None:
            return differences(self.kept.records(), derivation, inputs(self.stage), self.variables)
        for name, path in inputs(self.stage).items():
            if record.made_from.get(name) != sha256_of(path):
                maker = record_of(path)
                known = maker is None or record.made_from.get(name) in maker.earlier
                if known or is_made_by_run(path):
                    return f"{path.name} came out different"
                raise _changed(path, self.name)
        damage = kept.damage(record)
        if damage and damage.is_change and not self.shares_files:
            raise ConfigError(
                f"{self.name}: {damage.text}, though nothing of a build writes to it",
                hint=f"see who can write to the cache, remove {kept.folder / record.id}, and build"
                " again",
            )
        return damage.text if damage else ""

    @property
    def shares_files(self) -> bool:
        """Whether its files are the user's as well, who may change them."""
        return False

    def _say(self, reason: str) -> None:
        progress.reason(self.title, reason)


def _lost_on_its_way(task: str, note: Note, remote: Remote) -> HostError:
    return HostError(
        f"{note.worker} has put what {task} makes into its store, and the remote store"
        f" {remote.place} does not have it, or not from anybody who is trusted",
        hint="let remote= be the same store on all machines of the cluster, and"
        " remote-allowed-signers= name the workers' keys",
    )


def _told_twin(twin: Record) -> str:
    return f"it is the same as that of {twin.subject}"


def _changed(path: Path, task: str) -> ConfigError:
    """The error for a kept product that is another than the one that ``task`` was made from."""
    maker = ":".join(path.parts[-3:-1])
    return ConfigError(
        f"{path.name} of {maker} in the cache is not the file that {task} was made from, and no"
        " build has made it since",
        hint=f"see who can write to the cache; doit forget {maker} {task} has both made again",
    )
