"""What follows from the data of a distribution, a repository and a platform."""

from aimager.model.architecture import Architecture
from aimager.model.distro import Distro, Keyring, Mirrors, Platform, ThirdPartyRepository

DISTRO = Distro(
    id="arch",
    name="Arch",
    aliases=(),
    architectures=(Architecture.aarch64,),
    mirrors=Mirrors("path", "url"),
    keyrings=(Keyring("a", "a-keyring", ()), Keyring("b", "b-keyring", ())),
)
KNOWN = ThirdPartyRepository("known", (), Mirrors("path", "url"), DISTRO.keyrings[0])
OWN = ThirdPartyRepository("own", (), Mirrors("", "https://own"), DISTRO.keyrings[0])
PLAIN = Platform(DISTRO, Architecture.aarch64)


def test_every_root_holds_the_base_and_the_keyrings() -> None:
    assert DISTRO.rootfs_packages == ("base", "a-keyring", "b-keyring")


def test_a_distribution_lends_its_programs_only_if_it_says_so() -> None:
    assert not DISTRO.lends


def test_a_repository_is_named_as_it_is_added() -> None:
    assert (KNOWN.word, OWN.word) == ("known", "own=https://own")


def test_a_platform_is_called_by_all_that_it_consists_of() -> None:
    whole = Platform(DISTRO, Architecture.aarch64, (KNOWN, OWN), unsigned=True)
    assert PLAIN.id == "arch-aarch64"
    assert whole.id == "arch-aarch64+known+own+@packages"
    assert whole.signed.id == "arch-aarch64+known+own"
    assert whole.plain == PLAIN == PLAIN.signed
    assert (whole.added("own"), whole.added("other")) == (OWN, None)
