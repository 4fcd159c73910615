"""Places of a graph's nodes, and the picture that is made of them."""

import xml.etree.ElementTree as ET
from itertools import pairwise

from aimager.commands.graph_layout import lay_out, reduce
from aimager.commands.graph_svg import Node, draw

SVG = "{http://www.w3.org/2000/svg}"
DIAMOND = {"d": ("b", "c", "a"), "b": ("a",), "c": ("a",), "a": ()}
LONG = {"a": (), "b": ("a",), "c": ("b",), "d": ("c", "x"), "x": ()}


def test_an_edge_that_others_imply_is_left_out() -> None:
    assert reduce(DIAMOND) == {"a": (), "b": ("a",), "c": ("a",), "d": ("b", "c")}


def test_each_node_stands_below_what_it_needs() -> None:
    rows = lay_out(DIAMOND).rows
    assert rows == {"a": 0, "b": 1, "c": 1, "d": 2}


def test_no_two_nodes_of_a_layer_touch() -> None:
    layout = lay_out({"top": (), **{f"n{i}": ("top",) for i in range(5)}})
    columns = sorted(layout.columns[f"n{i}"] for i in range(5))
    assert all(right - left >= 1 for left, right in pairwise(columns))
    assert columns[0] <= layout.columns["top"] <= columns[-1]


def test_a_long_edge_passes_beside_the_nodes_between() -> None:
    layout = lay_out(LONG)
    way = layout.ways["x", "d"]
    assert [row for _, row in way] == [0, 1, 2, 3]
    between = {(layout.columns[node], layout.rows[node]) for node in ("b", "c")}
    assert between.isdisjoint(way)


def test_lines_do_not_cross_where_they_need_not() -> None:
    layout = lay_out({"a": (), "b": (), "c": ("b",), "d": ("a",)})
    left_first = layout.columns["a"] < layout.columns["b"]
    assert (layout.columns["d"] < layout.columns["c"]) == left_first


def test_nothing_makes_an_empty_picture() -> None:
    assert ET.fromstring(draw({}, "nothing")).tag.endswith("svg")


def test_a_picture_holds_boxes_lines_and_texts() -> None:
    nodes = {n: Node(n, f"<{n}>", "host", tuple(needs)) for n, needs in DIAMOND.items()}
    picture = ET.fromstring(draw(nodes, "a & b"))
    texts = {text.text for text in picture.iter(f"{SVG}text")}
    assert texts == {*DIAMOND, *(f"<{name}>" for name in DIAMOND)}
    assert len([path for path in picture.iter(f"{SVG}path") if path.get("marker-end")]) == 4
    title = picture.find(f"{SVG}title")
    assert title is not None
    assert title.text == "a & b"
    right = int(picture.attrib["width"])
    for box in picture.iter(f"{SVG}rect"):
        assert int(box.get("x", "0")) + int(box.attrib["width"]) <= right
