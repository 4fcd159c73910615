"""Accounts are read from files that packages, scripts and overlays have written."""

from pathlib import Path

import pytest

from aimager.sandbox.accounts import Account, read_accounts, read_groups, read_passwords
from aimager.sandbox.tree import Tree
from tests.support.line_ends import LINE_ENDS


@pytest.mark.parametrize("number", ["", "x", "-1", "9" * 5000, "\N{ARABIC-INDIC DIGIT FIVE}"])
def test_a_line_whose_number_is_none_is_passed_over(tmp_path: Path, number: str) -> None:
    tree = Tree(tmp_path)
    tree.write("etc/passwd", f"odd:x:{number}:0::/:\nodd:x:0:{number}::/:\nb:x:7:8::/b:/bin/sh\n")
    tree.write("etc/group", f"odd:x:{number}:\nb:x:8:\n")
    tree.write("etc/shadow", f"b:!:1::::: {number}:\nc:!:1:::::{number}:\n")
    assert read_accounts(tree) == (Account("b", 7, 8, "/b", "/bin/sh"),)
    assert read_groups(tree) == {"b": 8}
    assert read_passwords(tree)["c"] == ("!", None)


@pytest.mark.parametrize("end", LINE_ENDS)
def test_a_line_ends_where_the_c_library_ends_it(tmp_path: Path, end: str) -> None:
    tree = Tree(tmp_path)
    tree.write("etc/passwd", f"b:x:7:8:B{end}evil:x:0:0::/b:/bin/sh\n")
    tree.write("etc/shadow", f"b:!{end}evil::1:::::\n")
    tree.write("etc/group", f"b:x:8:{end}evil:x:0:\n")
    assert [account.name for account in read_accounts(tree)] == ["b"]
    assert read_groups(tree) == {"b": 8}
    assert list(read_passwords(tree)) == ["b"]
