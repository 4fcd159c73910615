"""The room as a whole: its values cannot be changed, and know which of their parts are secret."""

import dataclasses
import importlib
import pkgutil
from typing import Any

import aimager.model

CLASSES: dict[str, Any] = {
    f"{module.name}.{name}": value
    for module in pkgutil.iter_modules(aimager.model.__path__)
    for name, value in vars(importlib.import_module(f"aimager.model.{module.name}")).items()
    if dataclasses.is_dataclass(value) and value.__module__ == f"aimager.model.{module.name}"
}


def test_values_cannot_be_changed() -> None:
    changing = [name for name, kind in CLASSES.items() if not kind.__dataclass_params__.frozen]
    assert CLASSES
    assert not changing


def test_what_is_secret_is_not_printed() -> None:
    """A field that is secret is only recognised in ids, and left out of what is printed."""
    fields = [(name, field) for name, kind in CLASSES.items() for field in dataclasses.fields(kind)]
    secret = {f"{name}.{field.name}" for name, field in fields if field.metadata.get("secret")}
    hidden = {f"{name}.{field.name}" for name, field in fields if not field.repr}
    assert hidden == secret | {"distro.Keyring.keys"}  # which has a SHA-256 beside it
    assert secret == {
        *("settings.Password.password", "settings.AddedFile.text", "settings.Script.text"),
        "networks.WifiNetwork.passphrase",
    }
