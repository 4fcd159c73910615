"""The Arch Linux CN repository; aimager takes pacman-static from it."""

from aimager.definitions import Architecture, Keyring, Mirrors, ThirdPartyRepository

REPOSITORY = ThirdPartyRepository(
    id="archlinuxcn",
    purpose="the Chinese community's packages",
    architectures=(Architecture.x86_64, Architecture.aarch64),
    mirrors=Mirrors(path="archlinuxcn/$arch", url="https://repo.archlinuxcn.org/$arch"),
    keyring=Keyring(
        name="archlinuxcn",
        package="archlinuxcn-keyring",
        master_keys=(  # master-keyids of github.com/archlinuxcn/archlinuxcn-keyring
            "83F817213361BF5F02E7E124F9F9FA97A403F63E",  # lilac, which builds the packages
            "4B1DE545A801D4549BFD3FEF90CB3D62C13D4796",  # farseerfc
            "356690A1E7404E30D0E902B2E64D049594A54F54",  # lilydjwg
            "4BC60A2229D26D9C6443F2444AA2154BF1B0FD96",  # lilac-alarm, the same for aarch64
        ),
        # Each packager's key is in its list of 58 that it trusts; none certifies another's.
        believes_list=True,
    ),
    packages=("archlinuxcn-mirrorlist-git",),
)
