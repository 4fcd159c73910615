"""The report page: what it tells, and what a browser makes of it."""

import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from aimager.commands.report import Made, Report, Result, report_page
from aimager.graph.console.history import Entry, Outcome, Span
from tests.support.browser import Browser, find_browser
from tests.support.locked import make_file

EVIL = "<script>alert('x')</script>&\""
STEPS = (
    Span("installing packages", 12.0, 15.0),
    Span("hook: Updating module dependencies...", 15.0, 19.5),
    Span(f"hook: {EVIL}", 19.5, 19.7),
    Span("too short to be seen", 19.7, 19.71),
)
ID = "archlinux-x86_64-x64-uefi"
ENTRIES = (
    Entry("keyring-init:archlinux-x86_64", "", Outcome.kept, 10.0, 10.0),
    Entry(f"install-packages:{ID}", "", Outcome.done, 10.0, 20.0, f"{EVIL} 1 -> 2", STEPS),
    Entry(f"pack-image:{ID}", "", Outcome.done, 20.0, 30.0, "install-packages changed"),
    Entry("build", "build", Outcome.running, 30.0, 30.0),
)
PACKAGES = tuple(make_file(f"a-package-with-a-long-name-{index}", b"x") for index in range(40))
MADE = (
    Made(Path("/out/disk.img"), 1_500_000_000, 300_000_000, "0123456789abcdef" * 4),
    Made(Path("/out/SHA256SUMS"), 500, 500, ""),
)


@pytest.fixture(scope="module")
def page() -> str:
    when = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)
    return report_page(Report(when, ENTRIES, (Result(ID, PACKAGES, MADE),)))


@pytest.fixture(scope="module")
def failed_page() -> str:
    """The page of a build that ended in the middle."""
    when = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)
    fault = f"no such module\n  hint: {EVIL} {'x' * 300}"
    steps = (*STEPS, Span("hook: Arming...", 19.71, 19.72))
    install = replace(ENTRIES[1], outcome=Outcome.failed, fault=fault, steps=steps)
    return report_page(Report(when, (ENTRIES[0], install), (Result(ID, PACKAGES, ()),)))


@pytest.fixture
def browser(tmp_path: Path) -> Browser:
    return find_browser(tmp_path)


def test_it_needs_no_other_file(page: str) -> None:
    assert not re.search(r"(src|href|action)=|@import|url\(|https?:", page)
    assert "<script" not in page


def test_what_is_not_ours_is_text(page: str) -> None:
    assert EVIL not in page
    assert page.count("&lt;script&gt;alert(&#x27;x&#x27;)&lt;/script&gt;&amp;&quot;") == 2


def test_it_tells_what_ran_and_why_and_how_large_all_is(page: str) -> None:
    assert "2026-01-02 03:04 UTC: 2 tasks ran, in 20.0 s; 1 was up to date." in page
    assert ">install-packages changed<" in page
    assert ">up to date<" in page
    assert "too short" not in page
    assert "<td class=number>1.5 GB</td><td class=number>300.0 MB</td>" in page
    assert "0123456789abcdef" * 4 in page
    assert page.count("a-package-with-a-long-name-39") >= 1


def test_what_failed_is_told_in_its_words_and_no_result_is(failed_page: str) -> None:
    assert f"<title>Failed build of {ID}</title>" in failed_page
    words = failed_page[failed_page.index("<h2>What failed</h2>") :]
    assert f"<h3>install-packages:{ID}</h3>\n<pre>no such module\n  hint: &lt;script" in words
    assert EVIL not in failed_page
    assert failed_page.count('class="failed"') == 1
    assert "<span>failed after 10.0 s</span>" in failed_page
    assert ">hook: Updating module dependencies...<" in failed_page
    assert ">hook: Arming...<" in failed_page, "it may be what failed, however short it was"
    assert "too short" not in failed_page
    assert "Results of" not in failed_page
    assert "Packages of" in failed_page


def test_a_task_that_failed_before_it_said_why_it_ran_is_there() -> None:
    failed = Entry("a:x", "a", Outcome.failed, 1.0, 2.0, fault="no namespaces")
    page = report_page(Report(datetime(2026, 1, 2, tzinfo=UTC), (failed,), (Result(ID, (), ()),)))
    assert 'data-task="a:x"' in page
    assert "1 task ran, in 1.0 s" in page
    assert "<td>failed</td>" in page


def test_a_run_of_which_nothing_is_known_has_a_page(page: str) -> None:
    when = datetime(2026, 1, 2, tzinfo=UTC)
    empty = report_page(Report(when, (), (Result(ID, (), ()),)))
    assert "0 tasks ran" in empty
    assert "data-task" not in empty


LAYOUT = """
const rows = [...page.querySelectorAll("[data-task]")].map((row) => {
  const bar = row.querySelector(":scope > svg rect").getBoundingClientRect();
  return {task: row.dataset.task, left: bar.left, width: bar.width, height: bar.height,
          steps: row.querySelectorAll(":scope > ol rect").length};
});
for (const details of page.querySelectorAll("details")) details.open = true;
const view = page.documentElement.clientWidth;
const outside = [...page.querySelectorAll("body *")]
  .filter((node) => node.getBoundingClientRect().right > view + 0.5).map((node) => node.outerHTML);
return {rows, outside, view, scroll: page.documentElement.scrollWidth, title: page.title,
        language: page.documentElement.lang, headings: page.querySelectorAll("h1").length,
        captions: page.querySelectorAll("table > caption").length,
        tables: page.querySelectorAll("table").length,
        scopes: page.querySelectorAll("th:not([scope])").length};
"""


@pytest.mark.parametrize("width", [360, 1280])
def test_a_browser_shows_all_of_it_without_scrolling_sideways(
    browser: Browser, page: str, width: int
) -> None:
    seen: dict[str, Any] = browser.ask(page, LAYOUT, width=width)
    assert seen["outside"] == []
    assert seen["scroll"] <= seen["view"] <= width
    install, pack = seen["rows"]
    assert (install["task"], pack["task"]) == (f"install-packages:{ID}", f"pack-image:{ID}")
    assert (install["steps"], pack["steps"]) == (3, 0)
    assert install["width"] == pytest.approx(pack["width"], abs=1)
    assert install["left"] + install["width"] == pytest.approx(pack["left"], abs=1)
    assert install["height"] > 4
    assert seen["title"] == f"Build of {ID}"
    assert (seen["language"], seen["headings"], seen["scopes"]) == ("en", 1, 0)
    assert seen["captions"] == seen["tables"] == 3


CONTRAST = """
const light = (color) => {
  const parts = color.match(/[0-9.]+/g).slice(0, 3).map((part) => {
    const value = part / 255;
    return value <= 0.03928 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2];
};
const behind = light(getComputedStyle(page.body).backgroundColor);
const against = (color) => {
  const [low, high] = [light(color), behind].sort((one, other) => one - other);
  return (high + 0.05) / (low + 0.05);
};
const all = [...page.querySelectorAll("body, h1, h2, h3, p, pre, span, th, td, caption, summary")];
const bars = [...page.querySelectorAll("rect")];
return {behind, text: Math.min(...all.map((node) => against(getComputedStyle(node).color))),
        bars: Math.min(...bars.map((node) => against(getComputedStyle(node).fill)))};
"""


@pytest.mark.parametrize("dark", [False, True])
def test_it_can_be_read_in_the_light_and_in_the_dark(
    browser: Browser, page: str, failed_page: str, dark: bool
) -> None:
    """WCAG 2.1: 4.5 for text (1.4.3), 3 for what is drawn (1.4.11)."""
    for shown in (page, failed_page):
        seen = browser.ask(shown, CONTRAST, width=1280, dark=dark)
        assert (seen["behind"] < 0.1) is dark
        assert seen["text"] >= 4.5
        assert seen["bars"] >= 3


def test_a_failed_one_is_shown_without_scrolling_sideways(
    browser: Browser, failed_page: str
) -> None:
    seen: dict[str, Any] = browser.ask(failed_page, LAYOUT, width=360)
    assert seen["outside"] == []
    assert seen["scroll"] <= seen["view"] <= 360
    (install,) = seen["rows"]
    assert (install["task"], install["steps"]) == (f"install-packages:{ID}", 4)
