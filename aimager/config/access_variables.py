"""The variables that say who can log in to an image."""

from aimager.config.accounts import holds_password, read_groups, read_users
from aimager.config.parse import YES_OR_NO, read_yes
from aimager.config.settings import read_password_words
from aimager.config.ssh_keys import read_ssh_keys
from aimager.config.variable import Group, Told, Variable, of_folder, of_name, of_text

ACCESS = (
    Variable(
        "useradd",
        Group.access,
        "users to add, each as the arguments of useradd(8), separated by commas",
        "",
        "useradd='-m -G wheel alice'",
        parser=of_text(read_users),
        settings=("setup.users",),
        several=True,
        secret=True,
        manifest=Told.text,
        hides=holds_password,
    ),
    Variable(
        "chpasswd",
        Group.access,
        "passwords, each as USER:PASSWORD, in clear or hashed as in /etc/shadow; @FILE holds one in"
        " each line, and keeps them out of the list of processes",
        "",
        "chpasswd=@passwords",
        parser=of_folder(read_password_words),
        settings=("setup.passwords",),
        secret=True,
    ),
    Variable(
        "sudo-group",
        Group.access,
        "groups whose members may use sudo, with their own password",
        "",
        "sudo-group=wheel",
        parser=of_text(read_groups),
        settings=("setup.sudo_groups",),
        several=True,
    ),
    Variable(
        "ssh-keys",
        Group.access,
        "public keys by which users log in over ssh, each as USER:@FILE or USER:KEY, separated by"
        " commas",
        "",
        "ssh-keys=alice:@id_ed25519.pub",
        parser=of_folder(read_ssh_keys),
        settings=("setup.ssh_keys",),
        several=True,
        paths=True,
    ),
    Variable(
        "credentials",
        Group.access,
        "yes: the first boot takes root's password and key, host name, time zone and more from"
        " systemd's credentials, of a virtual machine or on the boot partition, where the build"
        " says nothing of it",
        "no",
        "credentials=yes",
        choices=YES_OR_NO,
        parser=of_name(read_yes),
        settings=("setup.credentials",),
    ),
    Variable(
        "ssh-server",
        Group.access,
        "whether OpenSSH's server is installed and enabled",
        "yes with ssh-keys=",
        "ssh-server=yes",
        choices=YES_OR_NO,
        parser=of_name(read_yes),
        settings=("packages", "setup.services"),
    ),
)
