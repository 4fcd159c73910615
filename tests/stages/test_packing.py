"""Where an overlay does not do, the system is laid again and changed itself."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from aimager.model.form import Form
from aimager.sandbox.overlay import OverlayError
from aimager.stages import packing
from aimager.stages.packing import Packing
from tests.stages.test_pack_image import STAGE
from tests.support.locked import make_workshop


@pytest.mark.parametrize("refused", [False, True])
def test_it_is_tried_by_an_overlay_first(
    refused: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[bool] = []

    def make(_: Packing, digests: object, log: object, *, aside: bool) -> None:
        asked.append(aside)
        if aside and refused:
            raise OverlayError("/a has other names")

    given: Any = STAGE
    workshop = make_workshop(tmp_path)
    monkeypatch.setattr(packing, "_pack_form", make)
    monkeypatch.setattr(packing, "asked_sums", lambda: None)
    packing.pack(Packing(replace(given, workshop=workshop), Form.machine, {}))
    assert asked == ([True, False] if refused else [True])
    said = workshop.log.read_text()
    assert ("the system is laid again, to be changed itself: /a has other names" in said) is refused
