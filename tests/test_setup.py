"""Settings of an image, as values."""

from aimager.codec import fingerprint
from aimager.setup import DEFAULT_LOCALE, Password, Setup, User


def test_a_user_is_called_by_the_last_argument() -> None:
    assert User(("-m", "-G", "wheel", "alice")).name == "alice"


def test_an_image_has_one_locale_and_no_users_unless_told() -> None:
    setup = Setup("pi")
    assert setup.locales == (DEFAULT_LOCALE,) == ("en_US.UTF-8",)
    assert not (setup.users or setup.passwords or setup.sudo_groups or setup.command_line)


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
    ]
    assert len({fingerprint(setup) for setup in setups}) == len(setups)
