"""Settings of an image, as values."""

import dataclasses

from aimager.codec import encode, fingerprint
from aimager.model.settings import DEFAULT_LOCALE, AddedFile, Password, Script, Setup, User


def test_a_user_is_called_by_the_last_argument() -> None:
    assert User(("-m", "-G", "wheel", "alice")).name == "alice"


def test_an_image_has_one_locale_and_no_users_unless_told() -> None:
    setup = Setup("pi")
    assert setup.locales == (DEFAULT_LOCALE,) == ("en_US.UTF-8",)
    assert not (setup.users or setup.passwords or setup.sudo_groups or setup.command_line)


def test_a_password_is_not_shown() -> None:
    assert "hunter2" not in repr(Setup("pi", passwords=(Password("pi", "hunter2"),)))
    secret = [f.name for f in dataclasses.fields(Password) if f.metadata.get("secret")]
    assert secret == ["password"]


def test_every_setting_makes_another_image() -> None:
    setups = [
        Setup("pi"),
        Setup("po"),
        Setup("pi", locales=("C.UTF-8",)),
        Setup("pi", users=(User(("pi",)),)),
        Setup("pi", passwords=(Password("pi", "a"),)),
        Setup("pi", passwords=(Password("pi", "b"),)),
        Setup("pi", sudo_groups=("pi",)),
        Setup("pi", command_line=("pi",)),
        Setup("pi", own_command_lines=(("linux", ("pi",)),)),
        Setup("pi", services=("pi.service",)),
        Setup("pi", files=(AddedFile("/a", "pi"),)),
        Setup("pi", files=(AddedFile("/a", "po"),)),
        Setup("pi", files=(AddedFile("/a", "pi", 0o600),)),
        Setup("pi", scripts=(Script("a", "#!pi"),)),
    ]
    assert len({fingerprint(setup) for setup in setups}) == len(setups)


def test_a_kernels_own_command_line_goes_before_that_of_all() -> None:
    setup = Setup("pi", command_line=("a",), own_command_lines=(("linux-lts", ("b",)),))
    assert setup.command_line_of("linux-lts") == ("b",)
    assert setup.command_line_of("linux") == ("a",)


def test_texts_of_files_are_secrets_that_can_be_told_apart() -> None:
    prints = set()
    for text in ("psk=hunter2", "psk=hunter3"):
        setup = Setup("pi", files=(AddedFile("/a", text),), scripts=(Script("s", text),))
        assert "hunter" not in repr(setup)
        told = setup.without_secrets()
        assert "hunter" not in str(encode(told))
        prints.add(fingerprint(told))
    assert len(prints) == 2
    assert Setup("pi", passwords=(Password("a", "b"),)).without_secrets() == Setup("pi")
