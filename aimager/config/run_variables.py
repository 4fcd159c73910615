"""The variables that say where results go and how a build runs."""

from aimager.config.cluster import read_tls, read_workers
from aimager.config.parse import (
    YES_OR_NO,
    read_age,
    read_memory,
    read_size,
    read_yes,
)
from aimager.config.paths import read_archive, read_file_name, read_new_file
from aimager.config.remote import read_remote
from aimager.config.settings import FailedHooks, read_terminal
from aimager.config.variable import (
    Group,
    Told,
    Variable,
    of_choice,
    of_folder,
    of_name,
    of_path,
    of_text,
)
from aimager.files import Readers
from aimager.model.build import Tools

SHELLS = ("bash", "zsh", "fish")
"""The shells that completion can be written for."""

MATRIX_FORMS = ("github", "gitlab")
"""The services that a matrix can be written for."""

GRAPH_LANGUAGES = ("mermaid", "dot")
"""The languages that a graph can be written in."""

RESULTS = (
    Variable(
        "out",
        Group.results,
        "the folder of the results",
        "out",
        "out=/srv/images",
        paths=True,
    ),
    Variable(
        "readable-by",
        Group.results,
        "who of this machine's users may read the results and the cache, besides you: images hold"
        " hashes of passwords, and keys",
        Readers.nobody,
        "readable-by=group",
        choices=tuple(Readers),
        parser=of_choice(Readers),
    ),
    Variable(
        "report",
        Group.results,
        "a file for a page (HTML) that tells what was done, when and why, and how large everything"
        " is, with the command and the logs' paths; of a build that fails, how far it came,"
        " and what failed",
        "",
        "report=build.html",
        parser=of_path(read_new_file),
        paths=True,
    ),
    Variable(
        "sign",
        Group.results,
        "the key that signs the results: SHA256SUMS.sig is OpenSSH's signature of SHA256SUMS; a"
        " private key, or a public one whose private half the ssh agent has",
        "",
        "sign=/home/me/.ssh/id_ed25519",
        parser=of_path(read_file_name),
        paths=True,
    ),
)

RUN = (
    Variable(
        "tools",
        Group.run,
        "whose programs do the work: those of Arch's own packages, or the host's",
        Tools.borrowed,
        "tools=host",
        choices=tuple(Tools),
        parser=of_choice(Tools),
        settings=("borrowed",),
        manifest=Told.text,
        hides=lambda text: text == Tools.host,  # others do not choose whose programs run here
    ),
    Variable(
        "use-pacman-static",
        Group.run,
        "whether pacman-static, and not the host's pacman, does what no borrowed one can do yet",
        "where the host has no pacman that can",
        "use-pacman-static=yes",
        choices=YES_OR_NO,
        parser=of_name(read_yes),
    ),
    Variable(
        "keyring-helper",
        Group.run,
        "an archive of programs to run in place of the borrowed ones, as create=keyring-helper.tar"
        " makes it; it is trusted as it is",
        "",
        "keyring-helper=keyring-helper.tar",
        parser=of_path(read_archive),
        settings=("borrowed",),
        paths=True,
        manifest=Told.name,
    ),
    Variable(
        "borrow",
        Group.run,
        "no: emulate every program of a foreign image, even where a native one does the same",
        "yes",
        "borrow=no",
        choices=YES_OR_NO,
        parser=of_name(read_yes),
    ),
    Variable(
        "tmpfs-root",
        Group.run,
        "whether trees are held in memory: yes, no, or the size of the tmpfs",
        "where they fit",
        "tmpfs-root=20G",
        choices=YES_OR_NO,
        parser=of_name(read_memory),
    ),
    Variable(
        "remote",
        Group.run,
        "a store that machines share: packages, base systems and installed systems are taken from"
        " it and put into it; s3://BUCKET/FOLDER, gs://, https://, ssh://, or a folder",
        "",
        "remote=s3://bucket/aimager",
        parser=of_folder(read_remote),
        paths=True,
        secret=True,
    ),
    Variable(
        "remote-allowed-signers",
        Group.run,
        "whose products are taken from the store of remote=: a file as ssh-keygen has it under"
        " ALLOWED SIGNERS",
        "",
        "remote-allowed-signers=allowed_signers",
        parser=of_path(read_file_name),
        paths=True,
    ),
    Variable(
        "remote-revoked-keys",
        Group.run,
        "keys whose products are no longer taken, as ssh-keygen -r has them: public keys, or a KRL",
        "",
        "remote-revoked-keys=revoked_keys",
        parser=of_path(read_file_name),
        paths=True,
    ),
    Variable(
        "remote-key",
        Group.run,
        "the key that signs what is put into the store of remote=: a private key, or a public one"
        " whose private half the ssh agent has",
        "",
        "remote-key=/home/me/.ssh/id_ed25519",
        parser=of_path(read_file_name),
        paths=True,
    ),
    Variable(
        "remote-unsigned",
        Group.run,
        "yes: take products from the store of remote= whoever put them there, and put some there"
        " unsigned; whoever can write there decides what is in the images",
        "no",
        "remote-unsigned=yes",
        choices=YES_OR_NO,
        parser=of_name(read_yes),
    ),
    Variable(
        "workers",
        Group.run,
        "the scheduler of a dask cluster, to which the tasks that install packages and pack images"
        " are sent; needs remote=. For the tasks cluster and worker, the scheduler's own address",
        "",
        "workers=tls://builders.example.org:8786",
        parser=of_text(read_workers),
        describes_build=False,
    ),
    Variable(
        "cluster-tls",
        Group.run,
        "the folder with ca.pem, cert.pem and key.pem, by which a cluster's machines know each"
        " other; no: they do not, and whoever can reach one runs programs on all of them",
        "cluster/tls in the cache",
        "cluster-tls=/home/me/builders",
        parser=of_folder(read_tls),
        paths=True,
        describes_build=False,
    ),
    Variable(
        "failed-hooks",
        Group.run,
        "where a hook or scriptlet fails that makes what the image boots from (initramfs, module"
        " lists): stop, or tell of it and go on, as pacman does; other failures are told",
        FailedHooks.stop,
        "failed-hooks=tell",
        choices=tuple(FailedHooks),
        parser=of_choice(FailedHooks),
    ),
    Variable(
        "pacman-verifies",
        Group.run,
        "yes: pacman verifies each package that it installs, by gpg, as on a device; else aimager"
        " does so before, and pacman only what aimager is in doubt about",
        "no",
        "pacman-verifies=yes",
        choices=YES_OR_NO,
        parser=of_name(read_yes),
    ),
    Variable(
        "check-twice",
        Group.run,
        "yes: install all packages twice, and refuse what does not come out the same, naming every"
        " path that differs",
        "no",
        "check-twice=yes",
        choices=YES_OR_NO,
        parser=of_name(read_yes),
    ),
    Variable(
        "shell",
        Group.run,
        "yes: open a shell on the terminal in a root that could not be made",
        "no",
        "shell=yes",
        choices=YES_OR_NO,
        parser=of_text(read_terminal),
    ),
)

OTHERS = (
    Variable(
        "size",
        Group.others,
        "for cache-prune: how much the cache may hold, or the store of remote=",
        "",
        "size=10GiB",
        parser=of_name(read_size),
        describes_build=False,
    ),
    Variable(
        "older",
        Group.others,
        "for cache-prune: what was not used for so long is removed",
        "",
        "older=30d",
        parser=of_name(read_age),
        describes_build=False,
    ),
    Variable(
        "for",
        Group.others,
        "for matrix: the service; for completion: the shell; for graph: the language",
        "",
        "for=gitlab",
        choices=(*MATRIX_FORMS, *SHELLS, *GRAPH_LANGUAGES),
    ),
)
