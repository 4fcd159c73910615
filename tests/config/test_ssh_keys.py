"""Keys for ssh are read from files and words, and what is not one is refused by what it is."""

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from aimager.config.ssh_keys import read_ssh_keys
from aimager.errors import ConfigError
from aimager.model.settings import AuthorizedKeys
from tests.support.ssh_keys import PRIVATE_SSH_KEY, SSH_KEY

ON_A_DEVICE = (
    "sk-ssh-ed25519@openssh.com AAAAGnNrLXNzaC1lZDI1NTE5QG9wZW5zc2guY29tAAAAIAABAgMEBQYHCAkKCwwNDg8"
    "QERITFBUWFxgZGhscHR4fAAAABHNzaDo="
)


def keys(folder: Path, text: str) -> tuple[AuthorizedKeys, ...]:
    return read_ssh_keys(text, folder)


def test_files_and_keys_of_several_users(tmp_path: Path) -> None:
    own = f'from="10.0.0.0/8,fe80::1",no-pty {SSH_KEY} alice@pc'
    (tmp_path / "both").write_bytes(f"\ufeff# of alice\r\n{own}\r\n\r\n{ON_A_DEVICE}\n".encode())
    (tmp_path / "one.pub").write_text(f"{SSH_KEY} bob\n")
    assert keys(tmp_path, f"alice:@both,jane.doe:@one.pub, alice:{SSH_KEY}") == (
        AuthorizedKeys("alice", (own, ON_A_DEVICE, SSH_KEY)),
        AuthorizedKeys("jane.doe", (f"{SSH_KEY} bob",)),
    )
    assert keys(tmp_path, f"root:@{tmp_path}/one.pub\nroot:@one.pub") == (
        AuthorizedKeys("root", (f"{SSH_KEY} bob",)),
    )
    assert keys(tmp_path, "") == ()


def rsa_key(bits: int) -> str:
    key = rsa.generate_private_key(65537, bits).public_key()
    return key.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (PRIVATE_SSH_KEY, "is a private key, which belongs in no image"),
        ("", "holds no key"),
        ("# nothing\n", "holds no key"),
        ("hello\n", "is not a public key of ssh"),
        ("ssh-ed25519 AAAA", "is not a public key of ssh"),
        (SSH_KEY[:-8], "is a public key that is damaged"),
        (SSH_KEY.replace("ssh-ed25519", "ssh-rsa"), "is a public key that is damaged"),
        (SSH_KEY.replace("AAAAC3", "AAAAD3"), "is a public key that is damaged"),
        (f"{SSH_KEY} a\x1b[2J", "is not a public key of ssh"),
        ("ssh-dss AAAAB3NzaC1kc3MAAAAA", "is a DSA key, which OpenSSH no longer takes"),
        (
            "---- BEGIN SSH2 PUBLIC KEY ----\nAAAA\n---- END SSH2 PUBLIC KEY ----\n",
            "is a key in the form of RFC 4716",
        ),
        (
            "ssh-ed25519-cert-v01@openssh.com AAAAIHNzaC1lZDI1NTE5LWNlcnQtdjAxQG9wZW5zc2guY29tAAAA",
            "is a certificate, not a key",
        ),
    ],
)
def test_what_is_not_a_key_is_told(tmp_path: Path, content: str, fault: str) -> None:
    (tmp_path / "key").write_text(content)
    with pytest.raises(ConfigError) as caught:
        keys(tmp_path, "alice:@key")
    assert caught.value.message == f"ssh-keys=alice: {tmp_path}/key {fault}"
    assert caught.value.hint


def test_rsa_keys_that_sshd_would_refuse() -> None:
    assert keys(Path(), f"root:{rsa_key(1024)}")
    with pytest.raises(ConfigError) as caught:
        keys(Path(), f"root:{_RSA_512}")
    assert caught.value.message == (
        "ssh-keys=root: what stands there is an RSA key of 512 bits, which sshd refuses"
    )


_RSA_512 = (
    "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAQQDBmWOU3PHVGbwU0FM5pyiWe8a1Fqe8oLbfG3o0mO8Wb+0Xg0mJ1RjJ"
    "M0h5UQ1Z3d8mVqCq4m1m1s4m1m1m1m1n"
)


@pytest.mark.parametrize("text", ["alice", "alice:", ":@key", "a b:@key", f"{SSH_KEY}"])
def test_the_form_is_told(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        keys(tmp_path, text)
    assert caught.value.message == f"ssh-keys={text} is not of the form USER:@FILE"


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        keys(tmp_path, "alice:@no.pub")
    assert caught.value.message == (
        f"ssh-keys= cannot read {tmp_path}/no.pub: No such file or directory"
    )
