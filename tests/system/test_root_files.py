"""Files of a root have their modes under any umask."""

import os
from pathlib import Path

from aimager.products.derivation import code_of
from aimager.system.root_files import write_file


def test_modes_do_not_come_from_the_umask(tmp_path: Path) -> None:
    old = os.umask(0o077)
    try:
        write_file(tmp_path / "a/b/c", "text", 0o640)
    finally:
        os.umask(old)
    modes = [path.stat().st_mode & 0o7777 for path in sorted(tmp_path.glob("**/*"))]
    assert modes == [0o755, 0o755, 0o640]
    assert (tmp_path / "a/b/c").read_text() == "text"


def test_the_first_boot_is_no_matter_of_the_packages() -> None:
    """So a change of what an image does then installs nothing again."""
    code = dict(code_of("aimager.stages.install_packages"))
    assert not [name for name in code if "first_boot" in name or "system/content" in name]
