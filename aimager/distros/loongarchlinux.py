"""Arch Linux for LoongArch, the port of Peking University's Linux Club."""

from aimager.definitions import Architecture, Distro, Keyring, Mirrors
from aimager.distros.archlinux import KEYRING

DISTRO = Distro(
    id="loongarchlinux",
    name="Loong Arch Linux",
    aliases=("loongarch",),
    architectures=(Architecture.loong64,),
    mirrors=Mirrors(
        path="loongarch/archlinux/$repo/os/$arch",
        url="https://loongarchlinux.lcpu.dev/loongarch/archlinux/$repo/os/$arch",
    ),
    keyrings=(
        Keyring(
            name="archlinux-lcpu",
            package="archlinux-lcpu-keyring",
            # master-keyids of github.com/lcpu-club/loongarch-packages, as of commit 37491c38;
            # nearly all of core is signed with the first. RealRoller's and Li Bohai's have expired;
            # the last is there since archlinux-lcpu-keyring 20241126-1.
            master_keys=(
                "A6C02FBE730CD45859B946E15C74AE170BDA1433",  # Linux Club of Peking University
                "65D4986C7904C6DBF2C4DD9A4E4E02B70BA5C468",  # Wu Xiaotian
                "8C7F6B7B9B90AE02C2ACB633F0647F18A79089C9",  # Zhou Qiankang
                "7A9B819083ED51654DED13C9717A69D3E5AF9CBB",  # Pluto
                "49E74F2DF61CFF4217AB8EB737EFC8DBFB4CC627",  # Sun Yuanhang
                "99B2D2B96495AEC3447EF1899C36B961066CC8EF",  # Xue Haonan
                "AFE972FC04BA8F4C17CBCE10476FA793513A4071",  # Nakano Miku
                "60922C5D40F6297BC1616C270A8F993ECADF8CE7",  # RealRoller
                "5CDE9ADCBD04454BAF547A1C40D0304E1192746B",  # Li Bohai
                "B955F2012D6A161F6D9076AF34BE2B6F4A99C0E9",
            ),
        ),
        KEYRING,
    ),
    mirrorlist="etc/pacman.d/mirrorlist-loong64",
    lends=True,
)
