"""Licence expressions are told from other texts, by a list that is read only when it is needed."""

import subprocess
import sys
from collections.abc import Sequence

import pytest

from aimager.image.spdx_license import join_licenses


@pytest.mark.parametrize(
    "text",
    [
        "MIT",
        "mit",
        "GPL-2.0+",
        "Apache-2.0+",
        "GPL-2.0-or-later",
        "GPL-2.0-with-GCC-exception",
        "GPL-3.0-only WITH GCC-exception-3.1",
        "MIT OR (Apache-2.0 AND BSD-3-Clause)",
        "(MIT)",
        "((MIT OR ISC) AND Zlib) OR GPL-2.0-only WITH Linux-syscall-note",
        "(GPL-2.0-only WITH Linux-syscall-note)OR MIT",
    ],
)
def test_expressions(text: str) -> None:
    assert join_licenses([text]) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "custom",
        "GPL",
        "GPL2",
        "BSD",
        "BSD-2",
        "custom:BSD",
        "LicenseRef-firmware",
        "LicenseRef-scancode-public-domain",
        "MIT AND LicenseRef-firmware",
        "MIT and ISC",
        "MIT With GCC-exception-3.1",
        "MIT ISC",
        "MIT OR",
        "OR MIT",
        "(MIT",
        "MIT)",
        "()",
        "( OR MIT)",
        "MIT OR ISC OR",
        "(MIT OR ISC OR) AND Zlib",
        "MIT WITH",
        "MIT WITH MIT",
        "(MIT OR ISC) WITH GCC-exception-3.1",
        "GCC-exception-3.1",
        "MIT/ISC",
        "MIT, ISC",
    ],
)
def test_other_texts(text: str) -> None:
    assert join_licenses([text]) == ""
    assert join_licenses(["MIT", text]) == ""


@pytest.mark.parametrize(
    ("licenses", "joined"),
    [
        ([], ""),
        (["MIT", "ISC"], "MIT AND ISC"),
        (["MIT OR ISC", "Zlib"], "(MIT OR ISC) AND Zlib"),
        (["MIT AND ISC", " Zlib "], "MIT AND ISC AND Zlib"),
    ],
)
def test_all_of_several(licenses: Sequence[str], joined: str) -> None:
    assert join_licenses(licenses) == joined


def test_a_build_does_not_wait_for_the_list() -> None:
    code = "import sys, aimager.stages.pack_image; sys.exit('license_expression' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
