"""arch4edu: scientific and educational software."""

from aimager.definitions import Architecture, Keyring, Mirrors, ThirdPartyRepository

REPOSITORY = ThirdPartyRepository(
    id="arch4edu",
    purpose="software for science and education",
    architectures=(Architecture.x86_64, Architecture.aarch64),
    mirrors=Mirrors(path="arch4edu/$arch", url="https://repository.arch4edu.org/$arch"),
    # Its keys are not pinned: trust-key-arch4edu= names them.
    keyring=Keyring(name="arch4edu", package="arch4edu-keyring", master_keys=()),
    packages=("mirrorlist.arch4edu",),
)
