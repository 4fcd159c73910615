"""7Ji's repository: kernels, firmware and boot loaders for Arm boards."""

from aimager.definitions import Architecture, Keyring, Mirrors, ThirdPartyRepository

REPOSITORY = ThirdPartyRepository(
    id="7Ji",
    purpose="kernels, firmware and boot loaders for Arm boards",
    architectures=(Architecture.x86_64, Architecture.aarch64),
    mirrors=Mirrors(
        path="7Ji/$arch", url="https://github.com/7Ji/archrepo/releases/download/$arch"
    ),
    keyring=Keyring(
        name="7Ji",
        package="7ji-keyring",
        master_keys=("8815547B7B80370675B3CD20BA27F219383BB875",),
    ),
)
