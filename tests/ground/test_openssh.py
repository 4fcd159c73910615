"""Signatures that ssh-keygen takes, and what is said where one cannot be made or is refused."""

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from aimager import process
from aimager.errors import AimagerError, ConfigError, HostError
from aimager.openssh import AllowedSigners, SigningKey, find_program
from tests.support.places import ROOT
from tests.support.signers import agent, allow, make_key, public, ssh_keygen

CONTENT = b"what is signed\n\0\xff"
KINDS = {
    "ed25519": ("-t", "ed25519"),
    "ecdsa": ("-t", "ecdsa", "-b", "521"),
    "rsa": ("-t", "rsa", "-b", "3072"),
    "pem": ("-t", "rsa", "-b", "3072", "-m", "PEM"),
}


@pytest.fixture(autouse=True)
def _without_an_agent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_signed_is_verified(tmp_path: Path, kind: str) -> None:
    key = make_key(tmp_path / "key", *KINDS[kind])
    signature = SigningKey(key).sign(CONTENT, "file")
    signers = AllowedSigners(allow(tmp_path / "allowed", key))
    assert signers.fault(CONTENT, signature, "file") == ""
    told = ssh_keygen("-l", "-f", key).decode().split()
    assert SigningKey(key).name() == SigningKey(key).try_out()
    assert SigningKey(key).name() == f"{told[-1].strip('()')} {told[1]}"
    (tmp_path / "sig").write_bytes(signature)
    words = ("-Y", "verify", "-f", tmp_path / "allowed", "-I", "alice@example.org", "-n", "file")
    assert b"Good" in ssh_keygen(*words, "-s", tmp_path / "sig", input=CONTENT)


@pytest.mark.parametrize("principals", ["a", "a,b", "*@example.org", "!eve@x,*", "*"])
def test_whoever_the_list_names_may_sign(tmp_path: Path, principals: str) -> None:
    key = make_key(tmp_path / "key")
    signature = SigningKey(key).sign(CONTENT, "file")
    signers = AllowedSigners(allow(tmp_path / "allowed", key, principals=principals))
    assert signers.fault(CONTENT, signature, "file") == ""


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ('valid-before="20200101"', "key has expired"),
        ('valid-after="20990101"', "key is not yet valid"),
        ('namespaces="git"', 'key is not permitted for use in signature namespace "file"'),
        ("cert-authority", "nobody who is named in "),
        ("no-such-option", ""),
    ],
)
def test_options_of_a_list_are_heeded(tmp_path: Path, options: str, said: str) -> None:
    key = make_key(tmp_path / "key")
    signature = SigningKey(key).sign(CONTENT, "file")
    signers = AllowedSigners(allow(tmp_path / "allowed", key, options=options))
    fault = signers.fault(CONTENT, signature, "file")
    assert fault
    assert said in fault
    fitting = 'valid-after="20200101",valid-before="20990101",namespaces="git,file"'
    allow(tmp_path / "allowed", key, options=fitting)
    assert signers.fault(CONTENT, signature, "file") == ""


def test_what_is_refused_says_why(tmp_path: Path) -> None:
    key, other = make_key(tmp_path / "key"), make_key(tmp_path / "other")
    signers = AllowedSigners(allow(tmp_path / "allowed", key))
    signature = SigningKey(key).sign(CONTENT, "file")
    for content, sig, said in [
        (b"other", signature, "incorrect signature"),
        (CONTENT, SigningKey(key).sign(CONTENT, "git"), "namespace does not match"),
        (CONTENT, SigningKey(other).sign(CONTENT, "file"), f"nobody who is named in {tmp_path}"),
        (CONTENT, b"", "missing header"),
        (CONTENT, b"\x1b[2J" * 1000, "missing header"),
        (CONTENT, signature[:100], ""),
        (CONTENT, signature.replace(b"U1NIU0lH", b"AAAAAAAA"), ""),
    ]:
        fault = signers.fault(content, sig, "file")
        assert said in fault
        assert fault
        assert fault.isprintable()
        assert len(fault) <= 300
    (tmp_path / "allowed").unlink()
    assert "No such file" in signers.fault(CONTENT, signature, "file")
    (tmp_path / "allowed").write_bytes(b"\x1b[2J \xff\n")
    assert signers.fault(CONTENT, signature, "file").isprintable()


def test_a_revoked_key_is_refused(tmp_path: Path) -> None:
    key, other = make_key(tmp_path / "key"), make_key(tmp_path / "other")
    allowed = allow(tmp_path / "allowed", key)
    signature = SigningKey(key).sign(CONTENT, "file")
    ssh_keygen("-k", "-f", tmp_path / "krl", public(key))
    for revoked in (public(key), tmp_path / "krl"):
        fault = AllowedSigners(allowed, revoked).fault(CONTENT, signature, "file")
        assert fault == f"its key is one of those in {revoked}"
    assert AllowedSigners(allowed, public(other)).fault(CONTENT, signature, "file") == ""
    gone = AllowedSigners(allowed, tmp_path / "gone")
    assert gone.fault(CONTENT, signature, "file"), "without the list, nothing is taken"


def test_a_certificate_is_taken_where_its_authority_is(tmp_path: Path) -> None:
    authority, key = make_key(tmp_path / "authority"), make_key(tmp_path / "key")
    ssh_keygen("-q", "-s", authority, "-I", "k", "-n", "bob@example.org", "-V", "+1d", public(key))
    certificate = SigningKey(tmp_path / "key-cert.pub")
    signature = certificate.sign(CONTENT, "file")
    allowed = tmp_path / "allowed"
    signers = AllowedSigners(
        allow(allowed, authority, options="cert-authority", principals="*@example.org")
    )
    assert signers.fault(CONTENT, signature, "file") == ""
    assert certificate.name() != SigningKey(key).name()
    allow(allowed, authority, options="cert-authority", principals="*@example.com")
    assert signers.fault(CONTENT, signature, "file")


def refusal(key: Path) -> tuple[str, str]:
    """What is said of a key that cannot sign: message and hint."""
    with pytest.raises(ConfigError) as caught:
        SigningKey(key).try_out()
    assert caught.value.message.isprintable()
    return caught.value.message, caught.value.hint


def test_a_key_that_cannot_sign(tmp_path: Path) -> None:
    locked = make_key(tmp_path / "locked", passphrase="hunter2")
    assert refusal(locked) == (
        f"the key {locked} has a passphrase, and the ssh agent does not have the key",
        f"ssh-add {locked} gives it to the agent; SSH_AUTH_SOCK names that",
    )
    open_to_all = make_key(tmp_path / "open")
    open_to_all.chmod(0o644)
    assert refusal(open_to_all) == (
        f"others can read the key {open_to_all}",
        f"chmod 600 {open_to_all}",
    )
    alone = public(make_key(tmp_path / "alone"))
    (tmp_path / "alone").unlink()
    assert refusal(alone)[0] == (
        f"the private key of {alone} is neither beside it nor in the ssh agent"
    )
    text = tmp_path / "text"
    for content in (b"", b"\x1b[2Jhello", b"\0" * 5000):
        text.write_bytes(content)
        assert refusal(text)[0].startswith(f"{text} cannot be used as a key: ")


def test_an_agent_signs_for_a_public_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keys = make_key(tmp_path / "key"), make_key(tmp_path / "locked")
    with agent(tmp_path / "run", *keys) as socket:
        monkeypatch.setenv("SSH_AUTH_SOCK", socket)
        keys[0].unlink()
        ssh_keygen("-q", "-p", "-N", "hunter2", "-f", keys[1])
        for key, named in ((keys[0], public(keys[0])), (keys[1], keys[1])):
            signers = AllowedSigners(allow(tmp_path / "allowed", key))
            assert signers.fault(CONTENT, SigningKey(named).sign(CONTENT, "file"), "file") == ""


def test_nothing_is_asked_on_the_terminal(tmp_path: Path) -> None:
    """One would wait for ever for what nobody types, in the jobs of a CI that have a terminal."""
    key = make_key(tmp_path / "key", passphrase="hunter2")
    code = (
        "from pathlib import Path; from aimager.openssh import SigningKey\n"
        f"try: SigningKey(Path({str(key)!r})).sign(b'x', 'file')\n"
        "except Exception as error: print('REFUSED', error)\n"
    )
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(ROOT)
        os.execve(sys.executable, [sys.executable, "-c", code], {"PATH": os.environ["PATH"]})
    said = b""
    try:
        while chunk := os.read(terminal, 4096):
            said += chunk
    except OSError:  # EIO: it has ended
        pass
    os.close(terminal)
    os.waitpid(pid, 0)
    assert b"REFUSED the key " in said
    assert b"passphrase:" not in said


def test_a_host_without_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    key = make_key(tmp_path / "key")
    assert Path(find_program()).name == "ssh-keygen"
    monkeypatch.setitem(process.ENVIRONMENT, "PATH", str(tmp_path))
    signers = AllowedSigners(allow(tmp_path / "allowed", key))
    for action in (
        SigningKey(key).name,
        lambda: SigningKey(key).sign(b"", "file"),
        lambda: signers.fault(b"", b"", "file"),
        find_program,
    ):
        with pytest.raises(HostError) as caught:
            action()
        assert caught.value.message == (
            "this machine lacks ssh-keygen, which makes and verifies signatures"
        )
        assert "openssh-client" in caught.value.hint


def test_a_device_that_nobody_touches_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "ssh-keygen"
    program.write_text("#!/bin/sh\nexec sleep 60\n")
    program.chmod(0o755)
    path = process.ENVIRONMENT["PATH"]
    monkeypatch.setitem(process.ENVIRONMENT, "PATH", f"{tmp_path}:{path}")
    monkeypatch.setattr("aimager.openssh._PATIENCE", 0.2)
    with pytest.raises(AimagerError, match="has waited 0 seconds for the key"):
        SigningKey(tmp_path / "key").sign(b"", "file")


def test_it_is_found_by_the_fixed_path_and_sees_nothing_of_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = tmp_path / "ssh-keygen"
    fake.write_text(f"#!/bin/sh\ntouch {tmp_path}/mark\n")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("LD_PRELOAD", str(tmp_path / "none.so"))
    monkeypatch.chdir(tmp_path)
    path = process.ENVIRONMENT["PATH"]
    subprocess.run(
        ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", "key"], env={"PATH": path}, check=True
    )
    SigningKey(tmp_path / "key").sign(b"x", "file")
    assert not (tmp_path / "mark").exists()
