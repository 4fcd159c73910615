"""What users write of accounts and passwords is read, or refused without repeating secrets."""

import pytest

from aimager.config import accounts
from aimager.errors import ConfigError
from aimager.model.settings import Password, User

HASH = "$6$salt$" + "a" * 86

USERADD_HINT = "write what useradd takes, the login name last: -m -G wheel alice"
NAME_HINT = (
    "a name has letters, digits and . _ - but not digits alone, and stands last: -m -G wheel alice"
)

SHA512 = "$6$salt$" + "a" * 86
YESCRYPT = "$y$j9T$salt$" + "b" * 43


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
        *(
            (f"-m {name}", [("-m", name)])
            for name in ("jane.doe", "4y", "Alice", "_x", ".x", "a-b$")
        ),
        ("--badname a@b", [("--badname", "a@b")]),
        ("--badn a@b,-m c", [("--badn", "a@b"), ("-m", "c")]),
    ],
)
def test_users(text: str, users: list[tuple[str, ...]]) -> None:
    assert accounts.read_users(text) == tuple(User(arguments) for arguments in users)


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("-c 'Alice", "useradd=-c 'Alice: No closing quotation", "close the quotation"),
        *(
            (f"-m {name}", f"useradd=-m {name}: {name} is not a valid login name", NAME_HINT)
            for name in (".", "..", "4", "2024", "a@b", "a$b", "ä", "a/b", "a:b")
        ),
        ("--badname a/b", "useradd=--badname a/b: a/b is not a valid login name", NAME_HINT),
        ("-m", "useradd=-m: the login name is missing after -m", USERADD_HINT),
        *(
            (
                f"{option} {end}",
                f"useradd={told}: what stands for the login name is not valid, and may belong to"
                " the password before it",
                "put what -p takes in quotes, and write the login name last",
            )
            for end in ("a/b", "4")
            for option, told in (
                (f"-p '{HASH}'", "-p ..."),
                (f"-mp{HASH}", "-mp..."),
                (f"-m -p {HASH} -g x", "-m -p ..."),
                (f"--password={HASH}", "--password=..."),
                ("--passw 'my word'", "--passw ..."),
                ("bob,-p secret", "bob,-p ..."),
            )
        ),
        (f"-m {HASH}", "useradd=-m ...: ... is not a valid login name", NAME_HINT),
        (
            f"-m -p '{HASH}'",
            "useradd=-m -p ...: the login name is missing after -m -p ...",
            USERADD_HINT,
        ),
        ("-p 'a b", "useradd=-p ...: No closing quotation", "close the quotation"),
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
        ("root:a,B:c", [("root", "a"), ("B", "c")]),
        ("jane.doe:a,4y:b", [("jane.doe", "a"), ("4y", "b")]),
        ("root:a,4:b", [("root", "a,4:b")]),
        ("a@b:c", [("a@b", "c")]),
    ],
)
def test_passwords(text: str, passwords: list[tuple[str, str]]) -> None:
    assert accounts.read_passwords(text) == tuple(Password(*pair) for pair in passwords)


@pytest.mark.parametrize(
    "text", ["hunter2", "root:", ":hunter2", "..:hunter2", "4:hunter2", "a/b:hunter2", ""]
)
def test_a_wrong_password_is_not_repeated(text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        accounts.read_passwords(text)
    assert caught.value.message == "chpasswd= is not of the form USER:PASSWORD"
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("wrong", ["", " -m", " a/b", " -c 'x", " bob,-m", ",-u 1", " 4", "'"])
@pytest.mark.parametrize(
    "written",
    [
        "-m -pMyPasswordXpY",
        "-pMyPasswordXpY",
        "-mpMyPasswordXpY",
        "-rmpXpYMyPassword",
        "-m -p MyPasswordXpY",
        "-mp MyPasswordXpY",
        "-p 'My Password XpY'",
        '-p "My Password \\" XpY"',
        "-p My\\ Password\\ XpY",
        "-p My/Password XpY/My",
        "-p MyPasswordX,pY",
        "-pMy,Password,-pXpY",
        "'-pMyPasswordXpY'",
        "'-p'MyPasswordXpY",
        "-'p'MyPasswordXpY",
        "-p=MyPasswordXpY",
        "-p -MyPasswordXpY",
        "--password=MyPasswordXpY",
        "--password MyPasswordXpY",
        "--password='My Password XpY'",
        "--pass=MyPasswordXpY",
        "--pa MyPasswordXpY",
        "--p=MyPasswordXpY",
        "bob,-pMyPasswordXpY",
        "bob,-pMy,Password/XpY",
        "bob,-mp My,Password/XpY",
        "-G x,p -pMyPasswordXpY",
        "-p one -pMyPasswordXpY",
    ],
)
def test_no_part_of_a_password_is_repeated(written: str, wrong: str) -> None:
    with pytest.raises(ConfigError) as caught:
        users, passwords = accounts.separate_passwords(accounts.read_users(written + wrong))
        assert "XpY" not in str(users)
        accounts.check_hashes(passwords)
    assert not [part for part in ("XpY", "pY", "Password") if part in str(caught.value)]


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
        ("--p=HASH alice", "alice", ["HASH"]),  # that could be --prefix, too
        ("--p HASH alice", "alice", ["HASH"]),
        ("--password= alice", "alice", [""]),
        ("-mpXpY alice", "-m alice", ["XpY"]),
        ("-p=X alice", "alice", ["=X"]),  # getopt(3) takes the sign with it
        ("--sh /bin/sh alice", "--sh /bin/sh alice", []),
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


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("!", "!"),
        ("!!", "!"),
        ("*", "*"),
        ("!*", "!"),
        ("*LK*", "*"),
        (f"!{SHA512}", f"!{SHA512}"),
        (f"!!{SHA512}", f"!{SHA512}"),
        (f"*{SHA512}", f"!{SHA512}"),
        (f"!{YESCRYPT}", f"!{YESCRYPT}"),
    ],
)
def test_what_locks_a_password_in_shadow_locks_it_here(text: str, kept: str) -> None:
    """It is never hashed: "!" would be the password then."""
    locked = (Password("root", kept, is_hashed=True),)
    assert accounts.read_passwords(f"root:{text}") == locked
    assert accounts.read_password_lines([f"root:{text}"]) == locked
    _, given = accounts.separate_passwords((User(("-p", text, "root")),))
    assert accounts.check_hashes(given) == locked


@pytest.mark.parametrize("text", ["!hunter2", "*hunter2", "!$9$salt$hunter2", "!!$6$hunter2"])
def test_what_may_be_a_lock_or_a_password_is_refused(text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        accounts.read_passwords(f"root:{text}")
    assert caught.value.message == (
        f"chpasswd= has for root what begins with {text[0]}, as a locked password does in"
        " /etc/shadow, but is not one"
    )
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("text", ["hunter2", "!hunter2", "$9$salt$hunter2"])
def test_useradd_takes_no_password_in_clear(text: str) -> None:
    """useradd(8) would write it to /etc/shadow as it is, where no password fits it."""
    with pytest.raises(ConfigError) as caught:
        accounts.check_hashes((Password("root", text, is_hashed=True),))
    assert caught.value.message == (
        "useradd= has for root a -p that is not a hash of crypt(5), so that no password would"
        " fit it"
    )
    assert "hunter2" not in str(caught.value)
    none = (Password("root", "", is_hashed=True),)
    assert accounts.check_hashes(none) == none
