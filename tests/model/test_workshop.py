"""A stage's folders: fields that its product does not depend on, and the log of its programs."""

import dataclasses
from pathlib import Path

from aimager.model.workshop import Workshop, environment, unread


@dataclasses.dataclass(frozen=True)
class Made:
    """Something like a stage."""

    shop: Workshop = environment()
    folder: Path | None = unread()


def test_a_product_does_not_depend_on_them() -> None:
    for field in dataclasses.fields(Made):
        assert field.metadata == {"identity": False}
        assert field.kw_only
    shop, folder = dataclasses.fields(Made)
    assert shop.default is dataclasses.MISSING
    assert folder.default is None


def test_defaults() -> None:
    shop = Workshop(Path("cache"), Path("work"), Path("store"), Path("log"))
    assert (shop.memory, shop.jobs, shop.borrow) == (None, 1, True)
    assert not (shop.forgives or shop.pacman_verifies)


def test_each_run_has_a_log_of_its_own(tmp_path: Path) -> None:
    log = tmp_path / "some/folder/x.log"
    shop = Workshop(tmp_path, tmp_path, tmp_path, log)
    for text in (b"first run\n", b"second\n"):
        with shop.logging() as stream:
            stream.write(text)
        assert log.read_bytes() == text
