"""arch4edu: scientific and educational software."""

from aimager.definitions import Architecture, Keyring, Mirrors, ThirdPartyRepository

REPOSITORY = ThirdPartyRepository(
    id="arch4edu",
    purpose="software for science and education",
    architectures=(Architecture.x86_64, Architecture.aarch64),
    mirrors=Mirrors(path="arch4edu/$arch", url="https://repository.arch4edu.org/$arch"),
    keyring=Keyring(
        name="arch4edu",
        package="arch4edu-keyring",
        # arch4edu-trusted of github.com/arch4edu/arch4edu-keyring, as of commit ca856089.
        master_keys=("CCED9BE21E1173C61DC1C9407931B6D628C8D3BA",),
    ),
    packages=("mirrorlist.arch4edu",),
)
