"""Settings of an image, as values."""

from aimager.codec import encode, fingerprint
from aimager.model.settings import DEFAULT_LOCALE, AddedFile, Password, Script, Settings, User


def test_a_user_is_called_by_the_last_argument() -> None:
    assert User(("-m", "-G", "wheel", "alice")).name == "alice"


def test_an_image_has_one_locale_and_no_users_unless_told() -> None:
    setup = Settings("pi")
    assert setup.locales == (DEFAULT_LOCALE,) == ("en_US.UTF-8",)
    assert not (setup.users or setup.passwords or setup.sudo_groups or setup.command_line)


def test_every_setting_makes_another_image() -> None:
    setups = [
        Settings("pi"),
        Settings("po"),
        Settings("pi", locales=("C.UTF-8",)),
        Settings("pi", users=(User(("pi",)),)),
        Settings("pi", passwords=(Password("pi", "a"),)),
        Settings("pi", passwords=(Password("pi", "b"),)),
        Settings("pi", sudo_groups=("pi",)),
        Settings("pi", command_line=("pi",)),
        Settings("pi", own_command_lines=(("linux", ("pi",)),)),
        Settings("pi", services=("pi.service",)),
        Settings("pi", files=(AddedFile("/a", "pi"),)),
        Settings("pi", files=(AddedFile("/a", "po"),)),
        Settings("pi", files=(AddedFile("/a", "pi", 0o600),)),
        Settings("pi", scripts=(Script("a", "#!pi"),)),
    ]
    assert len({fingerprint(setup) for setup in setups}) == len(setups)


def test_a_kernels_own_command_line_goes_before_that_of_all() -> None:
    setup = Settings("pi", command_line=("a",), own_command_lines=(("linux-lts", ("b",)),))
    assert setup.command_line_of("linux-lts") == ("b",)
    assert setup.command_line_of("linux") == ("a",)


def test_what_is_added_beside_settings() -> None:
    more = (
        {"services": ("x.service",)},
        {"files": (AddedFile("/a", ""),)},
        {"scripts": (Script("a", ""),)},
    )
    assert all(Settings("pi", **one).finishes for one in more)
    assert not Settings("pi", users=(User(("alice",)),)).finishes
    assert AddedFile("/a", "").mode == 0o644
    assert not Password("a", "b").is_hashed


def test_texts_of_files_are_secrets_that_can_be_told_apart() -> None:
    prints = set()
    for text in ("psk=hunter2", "psk=hunter3"):
        setup = Settings("pi", files=(AddedFile("/a", text),), scripts=(Script("s", text),))
        assert "hunter" not in repr(setup)
        told = setup.without_secrets()
        assert "hunter" not in str(encode(told))
        prints.add(fingerprint(told))
    assert len(prints) == 2
    assert Settings("pi", passwords=(Password("a", "b"),)).without_secrets() == Settings("pi")
