"""Maps of ids, as text."""

from aimager.sandbox.id_map import Extent, identity_map, subordinate_map, subordinate_ranges

SUBUID = """\
# a comment
other:100000:65536
me:200000:1000
1000:300000:65536
me:200000:1000
me:broken
"""


def test_all_ranges_of_a_user_are_found_by_name_and_number() -> None:
    assert subordinate_ranges(SUBUID, ("me", "1000")) == ((200000, 1000), (300000, 65536))
    assert subordinate_ranges(SUBUID, ("nobody",)) == ()


def test_the_user_is_0_and_ranges_follow() -> None:
    assert subordinate_map(1000, [(200000, 1000), (300000, 65536)]) == (
        Extent(0, 1000, 1),
        Extent(1, 200000, 1000),
        Extent(1001, 300000, 65536),
    )
    assert str(Extent(1, 200000, 1000)) == "1 200000 1000"


def test_root_keeps_its_ids_extent_for_extent() -> None:
    text = "         0       1000          1\n         1     100000      65536\n"
    assert identity_map(text) == (Extent(0, 0, 1), Extent(1, 1, 65536))
