"""What is set up in the image is read from the command line and from the files that it names."""

import io
import os
import pty
import sys
from pathlib import Path

import pytest

from aimager.config.build import read_build
from aimager.config.settings import read_terminal
from aimager.errors import ConfigError
from aimager.model.settings import AddedFile, Password, Script, Settings
from boards import BOARDS

HASH = "$6$salt$" + "a" * 86


def setup(folder: Path, **words: str) -> Settings:
    """The setup of a build with these words, whose dashes are underscores."""
    named = {name.replace("_", "-"): value for name, value in words.items()}
    build = read_build({"board": "x64-uefi", **named}, folder)
    assert build
    return build.setup


def refusal(folder: Path, **words: str) -> str:
    """What is said of these words."""
    with pytest.raises(ConfigError) as caught:
        setup(folder, **words)
    return caught.value.message


def test_passwords_come_from_a_file_too(tmp_path: Path) -> None:
    (tmp_path / "pw").write_text(f"root:{HASH}\n\nalice:a,b:c\n")
    expected = (Password("root", HASH, is_hashed=True), Password("alice", "a,b:c"))
    assert setup(tmp_path, chpasswd="@pw").passwords == expected
    assert setup(tmp_path, chpasswd=f"@{tmp_path}/pw").passwords == expected
    (tmp_path / "pw").write_bytes(f"\ufeffroot:{HASH}\r\nalice:a,b:c\r\n".encode())
    assert setup(tmp_path, chpasswd="@pw").passwords == expected, "as Windows writes it"
    inline = setup(tmp_path, chpasswd="alice:a\r\nbob:b\r\n").passwords
    assert inline == (Password("alice", "a"), Password("bob", "b"))
    (tmp_path / "pw").write_text(f"root:!\nalice:!{HASH}\n")
    assert setup(tmp_path, chpasswd="@pw").passwords == (
        Password("root", "!", is_hashed=True),
        Password("alice", f"!{HASH}", is_hashed=True),
    )
    (tmp_path / "pw").write_text("root\nhunter2\n")
    assert refusal(tmp_path, chpasswd="@pw") == "chpasswd= is not of the form USER:PASSWORD"
    assert refusal(tmp_path, chpasswd="@no") == (
        f"chpasswd= cannot read {tmp_path}/no: No such file or directory"
    )
    (tmp_path / "pw").write_bytes(b"root:\xff\n")
    assert refusal(tmp_path, chpasswd="@pw") == (
        f"chpasswd= takes text, which {tmp_path}/pw is not"
    )


def test_a_hash_given_to_useradd_is_a_password_that_chpasswd_may_replace(tmp_path: Path) -> None:
    made = setup(tmp_path, useradd=f"-m -p {HASH} alice", chpasswd="alice:new")
    assert [user.arguments for user in made.users] == [("-m", "alice")]
    assert made.passwords == (Password("alice", HASH, is_hashed=True), Password("alice", "new"))
    made = setup(tmp_path, useradd="-m -p !! alice")
    assert made.passwords == (Password("alice", "!", is_hashed=True),)
    assert "a -p that is not a hash" in refusal(tmp_path, useradd="-p secret alice")


def test_command_lines(tmp_path: Path) -> None:
    usual = BOARDS["x64-uefi"].command_line

    def lines(**words: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
        named = {f"append-{name.replace('_', '-')}": text for name, text in words.items()}
        made = setup(tmp_path, install_pkgs="linux-zen", **named)
        return made.command_line_of("linux"), made.command_line_of("linux-lts")

    assert lines() == (usual, usual)
    assert lines(linux="quiet  x") == (("quiet", "x"), usual)
    assert lines(default="x", linux_lts="") == (("x",), ())
    assert lines(all="x", default="y", linux="z") == (("x",), ("x",))
    assert lines(linux_zen="x") == (usual, usual)
    assert refusal(tmp_path, append_linux_xyz="x") == (
        "append-linux-xyz= is for a kernel that the image does not have"
    )


def test_files(tmp_path: Path) -> None:
    (tmp_path / "dos").write_bytes(b"a\r\nb\r")
    assert setup(tmp_path, files="dos:/dos").files == (AddedFile("/dos", "a\r\nb\r"),)
    (tmp_path / "motd").write_text("Hello\n")
    made = setup(tmp_path, files="motd:/etc/motd, motd:/root/secret:600")
    assert made.files == (
        AddedFile("/etc/motd", "Hello\n"),
        AddedFile("/root/secret", "Hello\n", 0o600),
    )
    form = "is not of the form FILE:PATH:MODE:OWNER"
    for word in ("motd", "motd:etc/motd", "motd:/etc/motd:9", ":/etc/motd"):
        assert refusal(tmp_path, files=word) == f"files={word} {form}"
    for owner in ("alice", "Jane.D", "1000", "root:http", "0:33"):
        made = setup(tmp_path, files=f"motd:/etc/motd:640:{owner}")
        assert made.files == (AddedFile("/etc/motd", "Hello\n", 0o640, owner),)
    assert setup(tmp_path, files="motd:/m::alice").files[0].mode == 0o644
    for owner in (
        "",
        "a b",
        ":http",
        "alice:",
        "a:b:c",
        "-x",
        "..",
        "9" * 500,
        f"0:{(1 << 32) - 1}",
    ):
        assert refusal(tmp_path, files=f"motd:/etc/motd:640:{owner}") == (
            f"files=motd:/etc/motd:640:{owner}: {owner or 'nothing'} is not a valid owner"
        )
    for path in ("/etc/../motd", "/etc/"):
        assert refusal(tmp_path, files=f"motd:{path}") == (
            f"files=motd:{path}: {path} is not the path of a file in the image"
        )


def test_services_and_scripts(tmp_path: Path) -> None:
    (tmp_path / "a.sh").write_text("#!/bin/sh\n")
    (tmp_path / "b.sh").write_text("echo\n")
    made = setup(tmp_path, services="sshd,fstrim.timer,wg@wg0", scripts="a.sh")
    assert made.services == ("sshd.service", "fstrim.timer", "wg@wg0.service")
    assert made.scripts == (Script("a.sh", "#!/bin/sh\n"),)
    assert refusal(tmp_path, scripts="b.sh") == "scripts=b.sh does not say which program runs it"
    for word in ("-x", "../x.service", "a b", "x.service.d/y.conf"):
        assert refusal(tmp_path, services=word).startswith("services=")


def test_overlays(tmp_path: Path) -> None:
    (tmp_path / "a.tar.zst").touch()
    build = read_build({"board": "x64-uefi", "overlay": "a.tar.zst"}, tmp_path)
    assert build
    assert build.overlays == (tmp_path / "a.tar.zst",)
    assert refusal(tmp_path, overlay="a.zip") == "overlay=a.zip is not an archive of a known form"
    assert refusal(tmp_path, overlay="b.tar") == f"overlay={tmp_path}/b.tar: there is no such file"


def test_a_shell_is_opened_on_standard_inputs_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    master, slave = pty.openpty()
    with os.fdopen(slave) as stream:
        monkeypatch.setattr(sys, "stdin", stream)
        assert read_terminal("yes") == Path(os.ttyname(slave))
        assert read_terminal("no") is None
    os.close(master)


def test_a_shell_needs_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    with Path("/dev/null").open() as stream:
        monkeypatch.setattr(sys, "stdin", stream)
        with pytest.raises(ConfigError, match="shell=yes needs a terminal"):
            read_terminal("yes")
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    with pytest.raises(ConfigError, match="shell=yes needs a terminal"):
        read_terminal("yes")
    with pytest.raises(ConfigError, match="shell=maybe is not known"):
        read_terminal("maybe")
