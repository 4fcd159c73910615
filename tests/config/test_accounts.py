"""What users write of accounts and passwords is read, or refused without repeating secrets."""

import pytest

from aimager.config import accounts
from aimager.errors import ConfigError
from aimager.model.settings import Password, User

USERADD_HINT = "write what useradd takes, the login name last: -m -G wheel alice"


@pytest.mark.parametrize(
    ("text", "users"),
    [
        ("", []),
        ("alice", [("alice",)]),
        ("-m alice", [("-m", "alice")]),
        ("-m -G wheel,video alice", [("-m", "-G", "wheel,video", "alice")]),
        ("-mG wheel alice", [("-mG", "wheel", "alice")]),
        ("-Gwheel alice", [("-Gwheel", "alice")]),
        ("-Gm alice", [("-Gm", "alice")]),  # the group m, as getopt(3) takes it
        ("--groups wheel alice", [("--groups", "wheel", "alice")]),
        ("--groups=wheel alice", [("--groups=wheel", "alice")]),
        ("-c 'Alice, of course' alice", [("-c", "Alice, of course", "alice")]),
        ("-m alice,bob", [("-m", "alice"), ("bob",)]),
        ("-m alice, -m bob", [("-m", "alice"), ("-m", "bob")]),
        ("-m alice,-m bob", [("-m", "alice"), ("-m", "bob")]),
        ("alice,-G wheel bob", [("alice",), ("-G", "wheel", "bob")]),
        ("-u 1000 -s /bin/sh alice ,bob", [("-u", "1000", "-s", "/bin/sh", "alice"), ("bob",)]),
    ],
)
def test_users(text: str, users: list[tuple[str, ...]]) -> None:
    assert accounts.read_users(text) == tuple(User(arguments) for arguments in users)


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("-c 'Alice", "useradd=-c 'Alice: No closing quotation", "close the quotation"),
        ("-m Alice", "useradd=-m Alice: Alice is not a valid login name", USERADD_HINT),
        ("-m", "useradd=-m: the login name is missing after -m", USERADD_HINT),
        (
            "alice -G 'a b'",
            "useradd=alice -G 'a b': the login name is missing after -G 'a b'",
            USERADD_HINT,
        ),
    ],
)
def test_wrong_users(text: str, message: str, hint: str) -> None:
    with pytest.raises(ConfigError) as caught:
        accounts.read_users(text)
    assert (caught.value.message, caught.value.hint) == (message, hint)


@pytest.mark.parametrize(
    ("text", "passwords"),
    [
        ("root:secret", [("root", "secret")]),
        ("root:a,b", [("root", "a,b")]),
        ("root:a:b", [("root", "a:b")]),
        ("root:a,alice:b", [("root", "a"), ("alice", "b")]),
        ("root:a\nalice:b\n", [("root", "a"), ("alice", "b")]),
        ("root:a,B:c", [("root", "a,B:c")]),
    ],
)
def test_passwords(text: str, passwords: list[tuple[str, str]]) -> None:
    assert accounts.read_passwords(text) == tuple(Password(*pair) for pair in passwords)


@pytest.mark.parametrize("text", ["hunter2", "root:", ":hunter2", "Root:hunter2", ""])
def test_a_wrong_password_is_not_repeated(text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        accounts.read_passwords(text)
    assert caught.value.message == "chpasswd= is not of the form USER:PASSWORD"
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("arguments", "kept", "hashes"),
    [
        ("-m alice", "-m alice", []),
        ("-p HASH alice", "alice", ["HASH"]),
        ("-pHASH alice", "alice", ["HASH"]),
        ("-mp HASH -G wheel alice", "-m -G wheel alice", ["HASH"]),
        ("-mpHASH alice", "-m alice", ["HASH"]),
        ("--password HASH alice", "alice", ["HASH"]),
        ("--password=HASH -m alice", "-m alice", ["HASH"]),
        ("--pass=HASH alice", "alice", ["HASH"]),
        ("--pa=HASH alice", "alice", ["HASH"]),
        ("--p=HASH alice", "--p=HASH alice", []),  # that could be --prefix, too
        ("-c -p alice", "-c -p alice", []),  # a comment
        ("-cp -m alice", "-cp -m alice", []),  # another
        ("-G p alice", "-G p alice", []),
        ("--comment -p -p HASH alice", "--comment -p alice", ["HASH"]),
        ("--comment=x -p -p -m alice", "--comment=x -m alice", ["-p"]),
        ("-p one -p two alice", "alice", ["two"]),
    ],
)
def test_hashes_are_taken_out_of_a_users_arguments(
    arguments: str, kept: str, hashes: list[str]
) -> None:
    users, passwords = accounts.separate_passwords((User(tuple(arguments.split())),))
    assert users == (User(tuple(kept.split())),)
    assert passwords == tuple(Password("alice", text, is_hashed=True) for text in hashes)


@pytest.mark.parametrize(
    ("password", "is_hashed"),
    [
        ("$6$salt$" + "a" * 86, True),
        ("$6$rounds=5000$salt$" + "./" * 43, True),
        ("$y$j9T$salt$" + "b" * 43, True),
        ("$2b$12$" + "c" * 53, True),
        ("$6$short", False),
        ("$9$salt$" + "a" * 86, False),
        ("$6$salt$" + "a" * 85 + "!", False),
        ("secret", False),
    ],
)
def test_a_hash_is_told_from_a_password(password: str, is_hashed: bool) -> None:
    assert accounts.read_passwords(f"root:{password}") == (Password("root", password, is_hashed),)
