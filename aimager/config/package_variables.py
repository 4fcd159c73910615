"""The variables that say where packages come from, and who is trusted."""

from aimager.config.key_files import read_key_file
from aimager.config.own_packages import read_targets
from aimager.config.package_lists import NAME as PACKAGE_LISTS
from aimager.config.package_lists import read_package_lists
from aimager.config.parse import (
    YES_OR_NO,
    read_addresses,
    read_fingerprints,
    read_yes,
    split_list,
)
from aimager.config.paths import read_archive, read_folder
from aimager.config.repositories import read_repository_name, read_repository_names
from aimager.config.variable import (
    Group,
    Told,
    Variable,
    of_folder,
    of_name,
    of_path,
    of_text,
)
from aimager.distros import THIRD_PARTY_REPOSITORIES

PACKAGES = (
    Variable(
        "install-pkgs",
        Group.packages,
        "more packages, separated by commas, as pacman takes them: names, REPOSITORY/NAME,"
        " NAME>=VERSION, or files of your own, which nobody signed; but no initramfs makers",
        "",
        "install-pkgs=vim,openssh",
        parser=of_path(read_targets),
        settings=("packages",),
        paths=True,
        several=True,
        manifest=Told.nothing,
    ),
    Variable(
        PACKAGE_LISTS,
        Group.packages,
        "files that name more packages for install-pkgs, as pacman -Qqe writes them; what follows a"
        " # is a comment",
        "",
        "packages-from=packages.x86_64",
        parser=of_folder(read_package_lists),
        paths=True,
        manifest=Told.nothing,
    ),
    Variable(
        "packages",
        Group.packages,
        "a folder with packages of your own, which nobody signed; install-pkgs names those to"
        " install",
        "",
        "packages=./built",
        parser=of_path(read_folder),
        settings=("platform.unsigned",),
        paths=True,
    ),
    Variable(
        "lock",
        Group.packages,
        "the file that holds all packages with their versions, to be kept in git; distro, board,"
        " arch, install-pkgs, add-repos and initrd-maker that are left out are those of the file",
        "",
        "lock=image.lock",
        settings=("lock_file",),
        paths=True,
        manifest=Told.nothing,
    ),
    Variable(
        "add-repos",
        Group.packages,
        "third-party repositories, by name or as NAME=URL; a password in it is for this machine"
        " alone, and not in the image",
        "the board's",
        "add-repos=7Ji,mine=https://mirror.example/$arch",
        choices=tuple(repository.id for repository in THIRD_PARTY_REPOSITORIES),
        listed_by="repos",
        parser=of_text(split_list),
        settings=("repositories", "platform.repositories", "welcome", "packages", "keyrings"),
        several=True,
        secret=True,
        manifest=Told.nothing,
    ),
    Variable(
        "repos-first",
        Group.packages,
        "those of add-repos= that come before the distribution's repositories, so that their"
        " packages are taken in place of its own; the others come after them, in the order of"
        " add-repos=",
        "",
        "repos-first=mine",
        parser=of_text(split_list),
        settings=("repositories.*.comes_first", "platform.repositories.*.comes_first"),
        several=True,
        manifest=Told.nothing,
    ),
    Variable(
        "repos-for-build",
        Group.packages,
        "those of add-repos= that packages may come from, and that are not in the image",
        "",
        "repos-for-build=mine",
        parser=of_text(split_list),
        settings=("platform.repositories.*.is_for_build",),
        several=True,
        manifest=Told.nothing,
    ),
    Variable(
        "repo-url-parent",
        Group.packages,
        "URLs of mirrors that carry all distributions, each below its usual path, separated by"
        " commas",
        "the distributions' own",
        "repo-url-parent=https://mirror.example",
        parser=of_name(read_addresses),
        several=True,
        secret=True,
        manifest=Told.nothing,
    ),
    Variable(
        "repo-url-*",
        Group.packages,
        "URLs of mirrors of one repository, or of all of a distribution by its name, with $repo and"
        " $arch in them, separated by commas",
        "",
        "repo-url-core=https://mirror.example/$repo/os/$arch",
        parser=of_name(read_addresses),
        several=True,
        secret=True,
        manifest=Told.nothing,
    ),
    Variable(
        "repo-core",
        Group.packages,
        "the repository that takes the place of core, where a distribution's own is called"
        " otherwise",
        "the distribution's",
        "repo-core=core",
        parser=of_name(read_repository_name),
        settings=(
            *("platform.distro.core_repository", "platform.distro.base_repositories"),
            "own_repositories",
        ),
    ),
    Variable(
        "repos-base",
        Group.packages,
        "the distribution's repositories, in order, separated by commas",
        "those that its pacman.conf names",
        "repos-base=core,extra,multilib",
        parser=of_name(read_repository_names),
        settings=("platform.distro.base_repositories", "own_repositories"),
        several=True,
    ),
    Variable(
        "reuse-root-tar",
        Group.packages,
        "a root archive to start from (.tar, or that in gz, xz, zst), in place of the base system;"
        " it is trusted as it is",
        "",
        "reuse-root-tar=root.tar.zst",
        parser=of_path(read_archive),
        settings=("archive", "reused"),
        paths=True,
    ),
    Variable(
        "offline",
        Group.packages,
        "yes: ask no mirror anything, and use what is in the cache",
        "no",
        "offline=yes",
        choices=YES_OR_NO,
        parser=of_name(read_yes),
        manifest=Told.nothing,
    ),
)

TRUST = (
    Variable(
        "trust-key",
        Group.trust,
        "fingerprints of keys to trust: of master keys, in place of the pinned ones, and of"
        " packagers in the keyring, beside them",
        "",
        "trust-key=FINGERPRINT",
        parser=of_name(read_fingerprints),
        settings=(
            "keyrings.*.user_keys",
            "keyrings.*.master_keys",
            "repository.keyring.master_keys",
            "user_keys",
        ),
        several=True,
    ),
    Variable(
        "trust-key-*",
        Group.trust,
        "the same for one added repository",
        "",
        "trust-key-mine=FINGERPRINT",
        parser=of_name(read_fingerprints),
        settings=(
            "keyrings.*.user_keys",
            "repositories.*.keyring.user_keys",
            "platform.repositories.*.keyring.user_keys",
        ),
        several=True,
    ),
    Variable(
        "key-file-*",
        Group.trust,
        "a file with the public keys of one added repository, and no private one; a key counts"
        " only if trust-key-* names it",
        "those in the package NAME-keyring",
        "key-file-mine=mine.asc",
        parser=of_path(read_key_file),
        settings=(
            *("keyrings.*.key_sha256", "keyrings.*.package"),
            *("repositories.*.keyring.key_sha256", "repositories.*.keyring.package"),
            "platform.repositories.*.keyring.key_sha256",
            "platform.repositories.*.keyring.package",
        ),
        paths=True,
    ),
    Variable(
        "older-keyring",
        Group.trust,
        "yes: a keyring package may be older than one that was used before, as for lock= of an"
        " earlier date",
        "no",
        "older-keyring=yes",
        choices=YES_OR_NO,
        parser=of_name(read_yes),
        manifest=Told.nothing,
    ),
)
