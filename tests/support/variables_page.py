"""The tables of docs/variables.md, from the table of variables.

``python -m tests.support.variables_page`` writes them into the page.
"""

from itertools import groupby

from aimager.config.variable import Variable
from aimager.config.variables import VARIABLES
from tests.support.places import ROOT

PAGE = ROOT / "docs/variables.md"
_BEGIN, _END = "<!-- from the table of variables -->\n", "<!-- end -->\n"


def written() -> str:
    """The tables that the page has."""
    return PAGE.read_text().partition(_BEGIN)[2].partition(_END)[0]


def tables() -> str:
    """The tables that it should have: one for each group."""
    parts = []
    for group, variables in groupby(VARIABLES, key=lambda variable: variable.group):
        rows = "".join(_row(variable) for variable in variables)
        head = "| variable | meaning | default | example |\n| --- | --- | --- | --- |\n"
        parts.append(f"\n## {group}\n\n{head}{rows}")
    return "".join(parts) + "\n"


def _row(variable: Variable) -> str:
    meaning = "; ".join(filter(None, (variable.meaning, variable.values)))
    name = variable.name.replace("*", "NAME")
    return f"| `{name}` | {meaning} | {variable.default} | `{variable.example}` |\n"


if __name__ == "__main__":
    PAGE.write_text(PAGE.read_text().replace(written(), tables()))
