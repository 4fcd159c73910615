#!/bin/sh
# Makes this machine ready to build and test: the host packages that are missing, a range of
# subordinate ids for the user, and the Python environment .venv. Safe to run again at any time.
# `setup.sh build` installs what a build needs, `setup.sh demo` what `doit demo` needs besides, and
# `setup.sh` alone all that the tests use. `setup.sh python` makes .venv alone, which is enough for
# tasks that only print.
set -eu

export LC_ALL=C
unset CDPATH PYTHONHOME PYTHONPATH
cd "$(dirname "$0")"
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin # where Debian's users do not look, mke2fs is

say() {
    printf 'setup.sh: %s\n' "$*" >&2
}

die() {
    say "$@"
    exit 1
}

# who needs it | how to see that it is there | apt | pacman | dnf | zypper | apk
# Who needs it: "build" is needed by every build, "demo" also by `doit demo`, and "tests" by `doit
# test`, by `doit boot` for other architectures, and by builds with tools=host or signatures.
needs() {
    recent=$(python_package)
    boots_x86_64=tests
    boots_aarch64=tests
    case $(uname -m) in
        x86_64) boots_x86_64=demo ;;
        aarch64) boots_aarch64=demo ;;
    esac
    cat <<TABLE
build|python|$recent|python|$recent|$recent|python3
build|cryptography|python3-cryptography|python-cryptography|python3-cryptography|python3-cryptography|py3-cryptography
build|programs newuidmap newgidmap usermod|uidmap|shadow|shadow-utils|shadow|shadow shadow-subids
demo|programs gpg gpgconf gpg-agent|gnupg|gnupg|gnupg2|gpg2|gnupg
tests|gnu_tar|tar|tar|tar|tar|tar
tests|programs mke2fs debugfs|e2fsprogs|e2fsprogs|e2fsprogs|e2fsprogs|e2fsprogs e2fsprogs-extra
tests|programs mkfs.fat|dosfstools|dosfstools|dosfstools|dosfstools|dosfstools
tests|programs mcopy|mtools|mtools|mtools|mtools|mtools
tests|programs zstd|zstd|zstd|zstd|zstd|zstd
tests|programs xz|xz-utils|xz|xz|xz|xz
tests|programs cpio|cpio|cpio|cpio|cpio|cpio
tests|programs gzip bzip2 lz4|gzip bzip2 lz4|gzip bzip2 lz4|gzip bzip2 lz4|gzip bzip2 lz4|gzip bzip2 lz4
tests|programs qemu-img|qemu-utils|qemu-img|qemu-img|qemu-img|qemu-img
tests|programs sfdisk|fdisk|util-linux|util-linux|util-linux|sfdisk
tests|user_emulator|qemu-user-static|qemu-user-static|qemu-user-static-${foreign%_64}|qemu-linux-user|qemu-$foreign
$boots_x86_64|programs qemu-system-x86_64|qemu-system-x86|qemu-system-x86|qemu-system-x86-core|qemu-x86|qemu-system-x86_64
$boots_aarch64|programs qemu-system-aarch64|qemu-system-arm|qemu-system-aarch64|qemu-system-aarch64-core|qemu-arm|qemu-system-aarch64
tests|programs qemu-system-i386|qemu-system-x86|qemu-system-x86|qemu-system-x86-core|qemu-x86|qemu-system-i386
tests|programs qemu-system-arm|qemu-system-arm|qemu-system-arm|qemu-system-arm-core|qemu-arm|qemu-system-arm
tests|programs qemu-system-riscv64 qemu-system-loongarch64|qemu-system-misc||||
$boots_x86_64|firmware x86_64|ovmf|edk2-ovmf|edk2-ovmf|qemu-ovmf-x86_64|ovmf
$boots_aarch64|firmware aarch64|qemu-efi-aarch64|edk2-aarch64|edk2-aarch64|qemu-uefi-aarch64|aavmf
tests|firmware riscv64|$(known_to_apt qemu-efi-riscv64)||||
tests|firmware loongarch64|$(known_to_apt qemu-efi-loongarch64)||||
tests|u_boot|u-boot-qemu||||
tests|block_maps|bmap-tools||||
tests|browser|$(known_to_apt chromium)||||
tests|programs ssh-keygen ssh-agent|openssh-client|openssh|openssh-clients|openssh-clients|openssh-client-default openssh-keygen
tests|programs gcc|gcc|gcc|gcc|gcc|gcc
tests|cross_gcc|gcc-$(with_dash "$foreign")-linux-gnu||||
demo|debian_keyring|debian-archive-keyring||||
tests|shells|bash-completion zsh fish|bash-completion zsh fish|bash-completion zsh fish|bash-completion zsh fish|bash-completion zsh fish
TABLE
}

# Debian's names of packages have no underscore.
with_dash() {
    echo "$1" | tr _ -
}

programs() {
    for program; do
        command -v "$program" >/dev/null || return 1
    done
}

gnu_tar() {
    tar --version 2>/dev/null | grep -q 'GNU tar'
}

# pip finds the package cryptography ready for these machines; elsewhere it is the distribution's.
has_wheels() {
    case $(uname -m) in
        x86_64 | aarch64) return 0 ;;
        *) return 1 ;;
    esac
}

cryptography() {
    has_wheels || { python && "$python" -c 'import cryptography' 2>/dev/null; }
}

# Only a static emulator runs inside a foreign root: a dynamic one names its loader at the start.
user_emulator() {
    for program in "qemu-$foreign-static" "qemu-$foreign"; do
        file=$(command -v "$program") || continue
        head -c 4096 "$file" | tr -d '\000' | grep -q '/ld-' || return 0
    done
    return 1
}

# QEMU's firmware descriptors (its docs/interop/firmware.json) say what is installed, and where.
firmware() {
    grep -qs "\"architecture\": *\"$1\"" /usr/share/qemu/firmware/*.json /etc/qemu/firmware/*.json
}

# Prints a package that not every release has, where apt's lists are there to tell.
known_to_apt() {
    [ "$manager" != apt ] || apt-cache show "$1" 2>/dev/null | sed -n 's/^Package: //p' | head -n 1
}

# U-Boot for QEMU's machines "virt", as aimager/commands/boot/firmware.py looks for it.
u_boot() {
    [ "$manager" != apt ] || [ -e /usr/lib/u-boot/qemu_arm64/u-boot.bin ]
}

# The stand-in mirror is made of Debian's packages by apt, which other hosts do not have.
debian_keyring() {
    [ "$manager" != apt ] || [ -e /usr/share/keyrings/debian-archive-keyring.gpg ]
}

# The tests make the dispatcher again, whose bytes are those of Debian's compilers.
cross_gcc() {
    [ "$manager" != apt ] || programs "$foreign-linux-gnu-gcc"
}

# The tests read block maps with Debian's bmaptool.
block_maps() {
    [ "$manager" != apt ] || programs bmaptool
}

# The tests look at the page of report= with it.
browser() {
    [ "$manager" != apt ] || programs chromium
}

# The tests complete command lines in them.
shells() {
    programs zsh fish && [ -e /usr/share/bash-completion/bash_completion ]
}

python() {
    find_python
    [ -n "$python" ]
}

# Whether the one who is to build can run a program: root may have it where nobody else can read.
runs_for_builder() {
    [ "$me" != root ] || [ "$builder" = root ] ||
        su -s /bin/sh "$builder" -c "exec '$1' -c ''" </dev/null >/dev/null 2>&1
}

# Sets $python to a Python >= 3.11 that can make a virtual environment, or to nothing.
# Debian's lacks ensurepip without python3-venv, pyenv's lacks modules whose headers were missing,
# pyenv's shims exist for versions that are not selected: so each is asked, not believed.
find_python() {
    for candidate in python3 python3.14 python3.13 python3.12 python3.11 /usr/bin/python3 ''; do
        [ -n "$candidate" ] || break
        python=$("$candidate" -c '
import ctypes, ensurepip, ssl, sys, venv, zlib
print(sys.executable if sys.version_info >= (3, 11) else "")' 2>/dev/null) || continue
        [ -z "$python" ] || ! runs_for_builder "$python" || return 0
    done
    python=
}

# Prints the package that gives a good Python, also where the distribution's default one is too old.
python_package() {
    recent=python3
    [ ! -x /usr/bin/python3 ] || recent=python3.11
    for candidate in python3.11 python3.12 python3.13 python3.14 python3; do
        ! "/usr/bin/$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null ||
            recent=$candidate
    done
    case $manager in
        apt) echo "$recent-venv" ;;
        zypper) echo "$recent" | tr -d . ;;
        *) echo "$recent" ;;
    esac
}

# By the distribution first: Arch packages apt and dnf, Debian packages pacman.
find_manager() {
    ids=$(sed -n 's/^ID\(_LIKE\)\{0,1\}=//p' /etc/os-release 2>/dev/null | tr -d '"' | tr '\n' ' ')
    for id in $ids; do
        case $id in
            debian | ubuntu) echo apt ;;
            arch | archarm) echo pacman ;;
            fedora | rhel | centos) echo dnf ;;
            suse | opensuse) echo zypper ;;
            alpine) echo apk ;;
            *) continue ;;
        esac
        return
    done
    for program in apt-get dnf zypper apk pacman; do
        command -v "$program" >/dev/null && echo "${program%-get}" && return
    done
    echo none
}

# Prints what is missing of what these need, as packages of this host's manager.
missing() {
    needs | while IFS='|' read -r needed_by test apt pacman dnf zypper apk; do
        case " $* " in *" $needed_by "*) ;; *) continue ;; esac
        # shellcheck disable=SC2086 # the test is a function and its arguments
        ! $test || continue
        case $manager in
            apt) packages=$apt ;;
            pacman) packages=$pacman ;;
            dnf) packages=$dnf ;;
            zypper) packages=$zypper ;;
            apk) packages=$apk ;;
            *) packages=$test ;; # so that it can at least be told
        esac
        [ -z "$packages" ] || echo "$packages"
    done | tr '\n' ' ' | sed 's/ *$//'
}

# Prints the command that installs packages, as an administrator would type it.
install_command() {
    case $manager in
        apt) echo "apt-get install -y --no-install-recommends $*" ;;
        pacman) echo "pacman -S --needed --noconfirm $*" ;;
        dnf) echo "dnf install -y --setopt=install_weak_deps=False $*" ;;
        zypper) echo "zypper --non-interactive install --no-recommends $*" ;;
        apk) echo "apk add $*" ;;
    esac
}

# Fresh containers have no package lists; each manager that does not fetch them by itself is told.
refresh_command() {
    case $manager in
        apt) echo "apt-get update" ;;
        apk) echo "apk update" ;;
        pacman) [ -e /var/lib/pacman/sync/core.db ] || echo "pacman -Sy" ;;
    esac
}

as_root() {
    set -- DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1 "$@"
    for name in http_proxy https_proxy no_proxy HTTP_PROXY HTTPS_PROXY NO_PROXY; do
        eval "value=\${$name:-}"
        [ -z "$value" ] || set -- "$name=$value" "$@"
    done
    # shellcheck disable=SC2086 # "sudo -n" are two words
    $sudo env "$@" </dev/null >&2
}

refresh() {
    [ -z "$refreshed" ] || return 0
    refreshed=yes
    command=$(refresh_command)
    [ -n "$command" ] || return 0
    [ "$manager" != apt ] || command="$command -qq -o DPkg::Lock::Timeout=300"
    # One unreachable repository need not be the one that is wanted.
    # shellcheck disable=SC2086 # a command of several words
    as_root $command || say "the package lists could not all be fetched; trying with what is there"
}

install() {
    say "installing: $*"
    refresh
    command=$(install_command "$@")
    # A fresh cloud machine's own upgrades hold the lock for its first minutes.
    [ "$manager" != apt ] || command="$command -qq -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0"
    # shellcheck disable=SC2086 # a command of several words
    as_root $command
}

# Sets $sudo to what runs a command as root; fails if nothing does.
may_be_root() {
    sudo=
    [ "$me" != root ] || return 0
    command -v sudo >/dev/null || return 1
    sudo='sudo -n'
    ! sudo -n true 2>/dev/null || return 0
    sudo=sudo
    [ -t 0 ] && [ -t 2 ] && say "sudo is needed to install host packages" && sudo -v
}

# Prints the options of usermod that give $user what it lacks of 65536 subordinate ids, from the
# first that nobody has (subuid(5), subgid(5)).
missing_id_ranges() {
    [ "$user" != root ] || return 0
    first=$(cat /etc/subuid /etc/subgid 2>/dev/null | awk -F: '
        BEGIN { next_free = 100000 }
        NF == 3 && $2 + $3 > next_free { next_free = $2 + $3 }
        END { print next_free }')
    for kind in uid gid; do
        [ -r "/etc/sub$kind" ] && awk -F: -v name="$user" -v number="$(id -u "$user")" '
            ($1 == name || $1 == number) && $3 >= 65536 { found = 1 }
            END { exit !found }' "/etc/sub$kind" || printf '%s ' "--add-sub${kind}s $first-$((first + 65535))"
    done
}

venv_works() {
    .venv/bin/python3 -c 'import pip, sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null &&
        # A checkout that was moved: the scripts still name the old place.
        grep -qs "$PWD/.venv/bin/python" .venv/bin/pip &&
        runs_for_builder "$(readlink -f .venv/bin/python3)"
}

make_venv() {
    extras='[dev,remote,cluster]'
    [ "$purpose" = all ] || extras=
    stamp="$PWD $(cksum <pyproject.toml)"
    if venv_works; then
        # What has more than is wanted will do.
        case $(cat .venv/aimager-setup 2>/dev/null) in
            "$stamp $extras" | "$stamp [dev,remote,cluster]") return 0 ;;
        esac
    else
        # Another user's, another Python's, or half made.
        rm -rf .venv 2>/dev/null || die "remove $PWD/.venv as its owner, then run this again"
        say "making .venv with $python"
        shares=
        has_wheels || shares=--system-site-packages
        # shellcheck disable=SC2086 # one option or none
        "$python" -m venv $shares .venv
    fi
    say "installing the Python packages into .venv"
    rm -f .venv/aimager-setup
    .venv/bin/python3 -m pip install --quiet --disable-pip-version-check --no-user \
        --editable ".$extras" >&2 || die "pip could not install the Python packages, see above"
    echo "$stamp $extras" >.venv/aimager-setup
    [ "$me" != root ] || [ "$owner" = 0 ] || chown -R "$owner" .venv
}

# A build starts many Pythons, some of which may write nothing beside the modules they read.
compile_modules() {
    .venv/bin/python3 -m compileall -q dodo.py aimager boards >&2 ||
        say "without compiled modules beside their sources, each start takes longer"
    [ "$me" != root ] || [ "$owner" = 0 ] ||
        find __pycache__ aimager boards -name __pycache__ -exec chown -R "$owner" {} +
}

purpose=${1:-all}
case $purpose in
    all | demo | build | python) ;;
    *) die "unknown word $purpose; usage: setup.sh [build | demo | python]" ;;
esac

me=$(id -un)
user=$me
[ "$me" != root ] || user=${SUDO_USER:-root}
# shellcheck disable=SC2012 # the numeric owner; stat(1) is not the same everywhere
owner=$(ls -dn . | awk '{ print $3 }')
# Who is to run what is made here: the one for whom root asks, else the checkout's owner.
builder=$user
[ "$me" != root ] || [ "$user" != root ] || builder=$(getent passwd "$owner" | cut -d: -f1)
builder=${builder:-root}
manager=$(find_manager)
refreshed=
id_files="/etc/subuid /etc/subgid" # usermod refuses to make them
case $(uname -m) in
    aarch64) foreign=x86_64 ;;
    *) foreign=aarch64 ;;
esac

required=''
optional=''
ranges=''
if [ "$purpose" != python ]; then
    required=$(missing build)
    ranges=$(missing_id_ranges)
fi
case $purpose in
    demo) optional=$(missing demo) ;;
    all) optional=$(missing demo tests) ;;
esac

if [ "$manager" = none ] && [ -n "$required" ]; then
    die "no package manager that is known here; install what brings: $required"
fi
if [ -n "$required$optional$ranges" ]; then
    if may_be_root; then
        # shellcheck disable=SC2086 # lists of packages
        [ -z "$required" ] || install $required || die "host packages could not be installed, see above"
        # shellcheck disable=SC2086
        [ -z "$optional" ] || install $optional ||
            say "without these, tools=host, \`doit boot\`, \`doit demo\` and parts of \`doit test\` do not work: $optional"
        if [ -n "$ranges" ]; then
            say "giving $user subordinate ids: $ranges"
            # shellcheck disable=SC2086
            as_root touch $id_files || die "$id_files cannot be made"
            # shellcheck disable=SC2086
            as_root usermod $ranges "$user" || die "usermod could not give $user subordinate ids"
        fi
    else
        command=
        [ -z "$required$optional" ] || command=$(install_command "$required" "$optional" | tr -s ' ')
        update=$(refresh_command)
        [ -z "$command" ] || [ -z "$update" ] || command="$update && $command"
        [ -z "$ranges" ] || command="${command:+$command && }touch $id_files && usermod $ranges$user"
        if [ -n "$required$ranges" ]; then
            say "this machine lacks what a build needs. As root, once:"
        else
            say "to boot and test images, and for tools=host (a build does not need it), as root, once:"
        fi
        printf '\n    %s\n\n' "$command" >&2
        [ -z "$required$ranges" ] || exit 1
    fi
fi

find_python
[ -n "$python" ] || venv_works ||
    die "no Python >= 3.11 that can make a virtual environment; install one, with it first in PATH"
make_venv
compile_modules
say "ready: $(.venv/bin/python3 --version) in .venv"
