"""Characters that Python's str.splitlines takes for the end of a line, and C programs do not."""

LINE_ENDS = ["\x0b", "\x0c", "\x1c", "\x1d", "\x1e", "\x85", "\u2028", "\u2029"]
