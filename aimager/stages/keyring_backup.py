"""keyring-backup: the part of a keyring that verifies, without the keys that could sign."""

import tarfile
from dataclasses import dataclass
from pathlib import Path, PurePath

from aimager.files import publish
from aimager.model.workshop import Workshop, environment
from aimager.sandbox.namespace import call

_SECRET = {"private-keys-v1.d", "openpgp-revocs.d", "pubring.gpg~", "pubring.kbx~", "random_seed"}


@dataclass(frozen=True)
class KeyringBackup:
    """Archive the public part of ``keyring``, as it was packed."""

    keyring: Path
    target: Path
    workshop: Workshop = environment()

    def run(self) -> None:
        """Publish the archive."""
        call(_back_up, self, work=self.workshop.work, reads=[self.keyring], products=[self.target])


def _back_up(stage: KeyringBackup) -> None:
    with (
        publish(stage.target) as temporary,
        tarfile.open(stage.keyring) as whole,
        tarfile.open(temporary, "w", format=tarfile.PAX_FORMAT) as public,
    ):
        for member in whole:
            if _SECRET.isdisjoint(PurePath(member.name).parts):
                public.addfile(member, whole.extractfile(member))
