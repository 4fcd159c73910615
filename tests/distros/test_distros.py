"""Every distribution and third-party repository is whole; a new one is tested by being there."""

import re
from pathlib import Path

import pytest

from aimager import distros
from aimager.config.build import read_build
from aimager.distros import DISTROS, THIRD_PARTY_REPOSITORIES, platform_for_host
from aimager.errors import HostError
from aimager.model.architecture import Architecture
from aimager.model.build import MirrorChoice
from aimager.model.distro import Distro, Keyring, Mirrors, Platform, ThirdPartyRepository
from aimager.packages.mirrors import expand, repository_urls
from aimager.stand_in.ports import PORTS

FILES = {
    path.stem: path
    for path in Path(distros.__file__).parent.glob("*.py")
    if path.stem != "__init__"
}
DEFINITIONS: tuple[Distro | ThirdPartyRepository, ...] = DISTROS + THIRD_PARTY_REPOSITORIES
KEYRINGS: tuple[Keyring, ...] = (
    *(keyring for distro in DISTROS for keyring in distro.keyrings),
    *(repository.keyring for repository in THIRD_PARTY_REPOSITORIES),
)
every_definition = pytest.mark.parametrize("definition", DEFINITIONS, ids=lambda d: d.id)
every_distro = pytest.mark.parametrize("distro", DISTROS, ids=lambda d: d.id)


def test_each_file_defines_the_one_of_its_name() -> None:
    # A module's name cannot begin with a digit.
    assert {d.id.lower() for d in DEFINITIONS} == {f.removeprefix("repository_") for f in FILES}


@pytest.mark.parametrize("path", FILES.values(), ids=FILES)
def test_a_definition_is_short_data(path: Path) -> None:
    text = path.read_text()
    assert len(text.splitlines()) < 40
    assert not re.search(r"^\s*(def|class|if|for|while|try) ", text, re.MULTILINE)


def test_no_two_share_a_name() -> None:
    names = [n for d in DISTROS for n in {d.id, d.name.lower(), *d.aliases}]
    assert len(names) == len(set(names))
    assert all(name == name.lower() for name in names)


@every_definition
def test_ids_can_stand_in_paths_and_task_names(definition: Distro | ThirdPartyRepository) -> None:
    assert re.fullmatch("[A-Za-z0-9]+", definition.id)
    assert definition.architectures
    assert set(definition.architectures) <= set(Architecture)


@every_definition
def test_addresses(definition: Distro | ThirdPartyRepository) -> None:
    mirrors: Mirrors = definition.mirrors
    assert re.match(r"https?://[^/$]+/", mirrors.url)
    assert not mirrors.path.startswith("/")
    variables = set(re.findall(r"\$\w+", mirrors.url))
    assert variables == set(re.findall(r"\$\w+", mirrors.path))
    assert variables <= {"$repo", "$arch"}
    assert not mirrors.url.endswith("/")
    assert not mirrors.path.endswith("/")
    assert "$" not in expand(mirrors.url, "core", definition.architectures[0])


@pytest.mark.parametrize("keyring", KEYRINGS, ids=lambda k: k.name)
def test_keyrings_are_pinned_by_whole_fingerprints(keyring: Keyring) -> None:
    pinned = {k.name for distro in DISTROS for k in distro.keyrings}
    assert keyring.master_keys or keyring.name not in pinned
    assert len(keyring.master_keys) == len(set(keyring.master_keys))
    for key in keyring.master_keys:
        assert re.fullmatch("[0-9A-F]{40}", key)
    assert keyring.package == f"{keyring.name}-keyring".lower()


LILAC_ALARM = "4BC60A2229D26D9C6443F2444AA2154BF1B0FD96"


@pytest.mark.parametrize(
    ("name", "place", "count", "key"),
    [
        # Who signs archlinuxcn's packages for aarch64: number 54 of its keyring's 58.
        ("archlinuxcn", 3, 4, LILAC_ALARM),
        # In the list since archlinux-lcpu-keyring 20241126-1.
        ("archlinux-lcpu", 9, 10, "B955F2012D6A161F6D9076AF34BE2B6F4A99C0E9"),
        # The only one of arch4edu-trusted.
        ("arch4edu", 0, 1, "CCED9BE21E1173C61DC1C9407931B6D628C8D3BA"),
    ],
)
def test_a_pinned_key_is_the_one_that_its_source_has(
    name: str, place: int, count: int, key: str
) -> None:
    (pinned,) = {keyring.master_keys for keyring in KEYRINGS if keyring.name == name}
    assert len(pinned) == count
    assert pinned[place] == key


@pytest.mark.parametrize("named", ["", LILAC_ALARM])
@pytest.mark.parametrize("arch", ["x86_64", "aarch64"])
def test_archlinuxcn_is_added_with_the_key_of_either_architecture(arch: str, named: str) -> None:
    distro = {"x86_64": "archlinux", "aarch64": "archlinuxarm"}[arch]
    words = {"distro": distro, "arch": arch, "add-repos": "archlinuxcn"}
    build = read_build(words | ({"trust-key-archlinuxcn": named} if named else {}), Path())
    assert build
    (repository,) = build.repositories
    assert LILAC_ALARM in repository.keyring.named
    assert repository.keyring.user_keys == ((named,) if named else ())
    assert repository.keyring.believes_list


def test_a_list_is_believed_of_one_repository_alone() -> None:
    """Whose packagers certify none of each other: docs/trust.md says what that costs."""
    assert [keyring.name for keyring in KEYRINGS if keyring.believes_list] == ["archlinuxcn"]


@every_distro
def test_every_root_holds_its_keyring(distro: Distro) -> None:
    assert distro.keyrings
    assert distro.base_packages
    for keyring in distro.keyrings:
        assert keyring.package in distro.rootfs_packages
    assert not distro.mirrorlist.startswith("/")


@every_distro
def test_every_platform_has_an_address_of_its_own(distro: Distro) -> None:
    for choice in (MirrorChoice(), MirrorChoice(("http://m",))):
        urls = {
            repository_urls(Platform(distro, architecture), repository, choice)
            for architecture in distro.architectures
            for repository in (distro.core_repository, "other")
        }
        assert len(urls) == 2 * len(distro.architectures)


def test_repositories_are_those_of_the_pacman_conf_of_each() -> None:
    """As the ports' own packages have it, which the stand-in's are like."""
    for port in PORTS.values():
        (distro,) = (distro for distro in DISTROS if distro.id == port.distro)
        assert distro.base_repositories == port.repositories
        assert distro.core_repository in distro.base_repositories


@pytest.mark.parametrize("architecture", Architecture)
def test_every_host_has_a_platform(architecture: Architecture) -> None:
    platform = platform_for_host(architecture)
    assert platform.architecture is architecture
    assert architecture in platform.distro.architectures


def test_an_added_distribution_lends_nothing_where_there_is_another(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stranger = Distro("a", "A", (), (Architecture.x86_64,), Mirrors("a", "http://a"), ())
    before = platform_for_host(Architecture.x86_64)
    monkeypatch.setattr(distros, "DISTROS", (stranger, *DISTROS))
    assert platform_for_host(Architecture.x86_64) == before
    monkeypatch.setattr(distros, "DISTROS", (stranger,))
    assert platform_for_host(Architecture.x86_64).distro is stranger


def test_a_host_without_a_platform_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(distros, "DISTROS", ())
    with pytest.raises(HostError) as caught:
        platform_for_host(Architecture.aarch64)
    assert caught.value.message == (
        "no distribution here runs on aarch64, this machine's architecture"
    )


@pytest.mark.parametrize("repository", THIRD_PARTY_REPOSITORIES, ids=lambda r: r.id)
def test_a_third_party_repository_says_what_it_is_for(repository: ThirdPartyRepository) -> None:
    assert repository.purpose
    assert repository.word == repository.id
    platform = Platform(DISTROS[0], Architecture.x86_64, (repository,))
    assert platform.id == f"{platform.plain.id}+{repository.id}"
    assert platform.added(repository.id) is repository
    assert platform.plain.added(repository.id) is None
