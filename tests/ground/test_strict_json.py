"""JSON that readers would differ about is refused, in a time that grows as it does."""

import time

import pytest

from aimager.strict_json import parse_json


def test_a_name_that_is_there_twice_is_found_soon() -> None:
    names = ",".join(f'"{n}":1' for n in range(100_000))
    start = time.process_time()
    with pytest.raises(ValueError, match="it says '99999' twice"):
        parse_json(f'{{{names},"99999":1}}'.encode())
    assert time.process_time() - start < 10
