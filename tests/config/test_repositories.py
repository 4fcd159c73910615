"""Repositories are added by name or address, and never without a key to trust."""

import base64
import hashlib
from pathlib import Path

import pytest

from aimager.config import mirrors
from aimager.config.build import read_build
from aimager.distros import THIRD_PARTY_REPOSITORIES
from aimager.errors import ConfigError
from aimager.graph.plan import Plan
from aimager.model.architecture import Architecture
from aimager.model.build import Build
from aimager.model.distro import Keyring, Platform, ThirdPartyRepository
from aimager.packages.lock_file import LockedBuild, format_lock_file, join_locks
from tests.support.openpgp_maker import Secret, plain

HERE = Path("/somewhere")
KEY, OTHER = "A" * 40, "B" * 40


def build_in(folder: Path, **words: str) -> Build:
    """The build of an archive with these words, whose dashes are underscores."""
    named = {name.replace("_", "-"): value for name, value in words.items()}
    made = read_build({"distro": "archlinux", **named}, folder)
    assert made
    return made


def build(**words: str) -> Build:
    """The same, where no file is named."""
    return build_in(HERE, **words)


def refusal(**words: str) -> str:
    """What is said of these words."""
    with pytest.raises(ConfigError) as caught:
        build(**words)
    return str(caught.value)


def test_none_is_added_unless_told() -> None:
    made = build()
    assert made.repositories == ()
    assert made.sources == made.platform


@pytest.mark.parametrize("known", THIRD_PARTY_REPOSITORIES, ids=lambda r: r.id)
def test_known_ones_are_whole_or_ask_for_a_key(known: ThirdPartyRepository) -> None:
    words = {"add_repos": known.id.upper()}
    if not known.keyring.master_keys:
        assert refusal(**words).startswith(
            f"trust-key-{known.id}= is missing, because no key is pinned for the repository"
            f" {known.id}"
        )
        words[f"trust_key_{known.id}"] = KEY
    made = build(**words)
    assert [r.id for r in made.repositories] == [known.id]
    assert made.id == build().id, "the folder of the results stays the same"
    assert made.sources.id == f"archlinux-x86_64+{known.id}"
    assert known.keyring.package in made.installs
    assert set(known.packages) <= set(made.welcome)
    assert made.settings_fingerprint != build().settings_fingerprint


def test_a_users_own_needs_a_key() -> None:
    made = build(add_repos="mine=https://m/$arch/", trust_key_mine=KEY)
    (own,) = made.repositories
    assert own.mirrors.url == "https://m/$arch"
    assert own.keyring == Keyring("mine", "mine-keyring", (), user_keys=(KEY,))
    assert own.word == "mine=https://m/$arch"
    assert refusal(add_repos="mine=https://m").startswith("trust-key-mine= is missing")
    assert refusal(add_repos="mine=https://m", trust_key=KEY).startswith("trust-key-mine= is")


def test_its_keys_may_come_from_a_file(tmp_path: Path) -> None:
    key = Secret("mine", 1)
    name = key.fingerprint.hex().upper()
    content = plain(key, b"mine", 1).packets()
    (tmp_path / "mine.asc").write_bytes(content)
    words = {"add_repos": "mine=https://m", "trust_key_mine": name, "key_file_mine": "mine.asc"}
    made = build_in(tmp_path, **words)
    keys = base64.b64encode(content).decode()
    sha256 = hashlib.sha256(content).hexdigest()
    assert made.repositories[0].keyring == Keyring("mine", "", (), keys, sha256, (name,))
    assert "mine-keyring" not in made.installs
    assert refusal(**words).startswith(f"key-file-mine= cannot read {HERE}/mine.asc")


def test_what_cannot_be_added() -> None:
    assert refusal(add_repos="7ji=http://x").startswith(
        "add-repos=7ji=http://x: 7ji is a known repository"
    )
    assert refusal(add_repos="nobody").startswith("there is no repository nobody")
    for name in ("options", "local", "a+b", "a/b", ""):
        assert f"{name} is not a valid name of a repository" in refusal(
            add_repos=f"{name}=http://x"
        )
    assert refusal(add_repos="mine=x", trust_key_mine=KEY).startswith(
        "add-repos=mine=x is not a valid address"
    )
    assert refusal(add_repos="7Ji,7ji").startswith("add-repos= names 7Ji twice\n")
    assert refusal(trust_key_mine=KEY).startswith(
        "trust-key-mine= is for a repository that is not added"
    )
    assert refusal(add_repos="7Ji", trust_key_7Ji="AB").startswith("trust-key-7Ji=AB is not a")
    with pytest.raises(ConfigError, match="the repository archlinuxcn is not for armv7h"):
        build(distro="alarm", arch="armv7h", add_repos="archlinuxcn")


def test_names_of_a_distributions_own() -> None:
    made = build(repo_core="base", repos_base="base, more")
    assert made.platform.distro.core_repository == "base"
    assert made.platform.distro.base_repositories == ("base", "more")
    assert build(repos_base="").platform == build().platform
    for name in ("local", "options", "parent", "a/b", "a+b"):
        for variable in ("repo_core", "repos_base"):
            said = f"{variable.replace('_', '-')}={name} is not a valid name of a repository"
            assert refusal(**{variable: name}).startswith(said)
    assert refusal(repo_core="a,b").startswith("repo-core=a,b is not a valid name")


def test_a_lock_file_knows_what_was_added(tmp_path: Path) -> None:
    locked = LockedBuild("archlinux", "x86_64", "none", (), "h", "", add_repos=("7Ji",))
    (tmp_path / "x.lock").write_text(format_lock_file(join_locks({}, locked)))
    made = read_build({"lock": "x.lock"}, tmp_path)
    assert made
    assert [repository.id for repository in made.repositories] == ["7Ji"]


def plan(**words: str) -> Plan:
    """A plan of such a build, on a host that is like its platform."""
    made = build(**words)
    return Plan(made, made.platform, made.platform, needs_pacman_static=False)


def test_only_what_the_board_installs_comes_from_added_repositories() -> None:
    made = plan(add_repos="7Ji")
    plain, extended = made.platforms
    assert (plain.id, extended.id) == ("archlinux-x86_64", "archlinux-x86_64+7Ji")
    platforms = {request.subject: request.platform for request in made.requests}
    assert platforms == {
        "archlinux-x86_64.keyring": plain,
        "archlinux-x86_64+7Ji.keyring": extended,
        "archlinux-x86_64.borrowed": plain,
        "archlinux-x86_64.rootfs": plain,
        "archlinux-x86_64-none": extended,
    }
    packages = {request.subject: request.packages for request in made.requests}
    assert packages["archlinux-x86_64+7Ji.keyring"] == ("archlinux-keyring", "7ji-keyring")


def test_keys_are_trusted_only_where_they_are_meant() -> None:
    def masters(made: Plan, platform: Platform) -> list[tuple[str, ...]]:
        return [keyring.named for keyring in made.platform_keyrings(platform)]

    pinned = THIRD_PARTY_REPOSITORIES[[r.id for r in THIRD_PARTY_REPOSITORIES].index("7Ji")]
    made = plan(add_repos="7Ji,mine=http://m", trust_key_mine=OTHER, trust_key=KEY)
    plain, extended = made.platforms
    assert masters(made, plain) == [(KEY,)]
    assert masters(made, extended) == [
        (KEY,),
        (KEY, *pinned.keyring.master_keys),
        (OTHER,),
    ]


def test_mirrors_of_added_repositories_are_asked_for_them_alone() -> None:
    made = plan(add_repos="7Ji", repo_url_7Ji="http://seven", repo_url_core="http://core")
    plain, extended = made.platforms
    assert made.mirrors(plain).repositories == (("core", ("http://core",)),)
    assert made.mirrors(extended).repositories == (
        ("7Ji", ("http://seven",)),
        ("core", ("http://core",)),
    )
    assert made.mirrors(Platform(plain.distro, Architecture.aarch64)).repositories == ()


@pytest.mark.parametrize("name", ["archlinux", "Arch", "ARCH"])
def test_a_distributions_mirrors_may_be_named_by_its_name(name: str) -> None:
    made = plan(
        **{f"repo_url_{name}": "http://a/$repo/os/$arch,http://b/$repo", "add_repos": "7Ji"}
    )
    for platform in made.platforms:
        choice = made.mirrors(platform)
        assert choice.distros == (("archlinux", ("http://a/$repo/os/$arch", "http://b/$repo")),)
        assert choice.repositories == ()


@pytest.mark.parametrize(
    ("distro", "given", "said"),
    [
        ("archlinux", {"repo_url_corr": "http://x"}, "Arch Linux has no repository corr\n"),
        ("archlinux", {"repo_url_multilib": "http://x"}, "Arch Linux has no repository multilib\n"),
        ("archlinuxarm", {"repo_url_multilib": "http://x"}, "Arch Linux ARM has no repository mul"),
        (
            "archlinux",
            {"repo_url_archlinuxarm": "http://x/$repo"},
            "repo-url-archlinuxarm= is for a distribution that takes no part in the build\n",
        ),
        (
            "archlinux32",
            {"repo_url_archlinux": "http://x/$repo", "tools": "host"},
            "repo-url-archlinux= is for a distribution that takes no part in the build\n",
        ),
        (
            "archlinux",
            {"repo_url_7ji": "http://x"},
            "repo-url-7ji= is for a repository that is not added\n",
        ),
        (
            "archlinux",
            {"repo_url_archlinux": "http://me:word@x//os/x86_64"},
            "repo-url-archlinux=http://x//os/x86_64 is for all repositories of Arch Linux, and",
        ),
    ],
)
def test_mirrors_of_what_takes_no_part_are_refused(
    distro: str, given: dict[str, str], said: str
) -> None:
    assert refusal(distro=distro, **given).startswith(said)


@pytest.mark.parametrize(
    ("names", "told"),
    [
        (("repo-url-core", "repo-url-Core"), "core"),
        (("repo-url-CORE", "repo-url-Core"), "core"),
        (("repo-url-arch", "repo-url-archlinux"), "archlinux"),
        (("trust-key-mine", "trust-key-MINE"), "mine"),
        (("repo-url-mine", "repo-url-Mine"), "mine"),
    ],
)
def test_two_spellings_of_a_name_are_refused(names: tuple[str, str], told: str) -> None:
    words = {"distro": "archlinux", "add-repos": "mine=http://m/$arch"}
    words |= {} if "trust-key-mine" in names else {"trust-key-mine": KEY}
    values = dict.fromkeys(names, "A" * 40 if "key" in names[0] else "http://x/$repo")
    with pytest.raises(ConfigError, match=f"given twice, the other time by .* of {told}"):
        read_build({**words, **values}, HERE)


def test_the_distribution_that_lends_its_programs_may_be_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(mirrors, "host_architecture", lambda: Architecture.x86_64)
    made = build(distro="archlinuxarm", repo_url_archlinux="http://x/$repo")
    assert made.mirrors.distros == (("archlinux", ("http://x/$repo",)),)


def test_hints_of_what_to_do_about_an_unknown_repository() -> None:
    said = refusal(repo_url_corr="http://x", add_repos="7Ji")
    assert "repo-url-NAME= is for core, extra, 7Ji, or for all of archlinux; repos-base= " in said
    assert "add-repos=7Ji adds it" in refusal(repo_url_7JI="http://x")


@pytest.mark.parametrize("word", ["repos_first=", "repos_for_build=", "trust_key_", "key_file_"])
@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("7ji", "add-repos=7Ji adds it"),
        ("mine", "add-repos=mine=URL adds it"),
        ("core", "core is Arch Linux's own, and this is for those of add-repos= alone"),
    ],
)
def test_hints_of_what_is_not_added(tmp_path: Path, word: str, name: str, hint: str) -> None:
    key = Secret("mine", 1)
    (tmp_path / "mine.asc").write_bytes(plain(key, b"mine", 1).packets())
    variable, equals, _ = word.partition("=")
    value = "mine.asc" if variable.startswith("key") else KEY
    words = {variable: name} if equals else {f"{variable}{name}": value}
    with pytest.raises(ConfigError) as caught:
        build_in(tmp_path, **words)
    assert caught.value.message.endswith(" is for a repository that is not added")
    assert caught.value.hint == hint


def test_names_of_added_repositories_are_known_in_any_case() -> None:
    given = {"add_repos": "7ji,mine=http://m,Mine=http://n", "trust_key_mine": KEY}
    made = build(
        **given,
        trust_key_Mine=OTHER,
        trust_key_7ji=KEY,
        repo_url_7jI="http://7",
        repo_url_Mine="http://o",
    )
    assert [r.keyring.user_keys for r in made.repositories] == [(KEY,), (KEY,), (OTHER,)]
    assert made.mirrors.repositories == (("7Ji", ("http://7",)), ("Mine", ("http://o",)))
    assert made.mirrors.own_keys == ("7Ji", "mine", "Mine")


@pytest.mark.parametrize("name", ["core", "extra", "more"])
def test_an_added_repository_has_a_name_of_its_own(name: str) -> None:
    said = refusal(add_repos=f"{name}=http://x", repos_base="core,extra,more")
    assert said.startswith(f"Arch Linux has a repository {name} itself\n")
