"""Certificates are one set for all machines, which only their owner can read."""

import stat
from pathlib import Path

import pytest

from aimager.cluster.tls import AUTHORITY, CERTIFICATE, KEY, check_certificates, make_certificates
from aimager.errors import ConfigError
from aimager.model.cluster import Cluster


def test_they_are_made_once(tmp_path: Path) -> None:
    folder = tmp_path / "tls"
    assert make_certificates(folder)
    names = (AUTHORITY, CERTIFICATE, KEY)
    before = [(folder / name).read_bytes() for name in names]
    assert not make_certificates(folder)
    assert [(folder / name).read_bytes() for name in names] == before
    assert sorted(path.name for path in folder.iterdir()) == sorted(names)


def test_only_their_owner_can_read_the_key(tmp_path: Path) -> None:
    folder = tmp_path / "tls"
    make_certificates(folder)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((folder / KEY).stat().st_mode) == 0o600


def test_a_part_of_them_is_refused(tmp_path: Path) -> None:
    make_certificates(tmp_path / "tls")
    (tmp_path / "tls" / KEY).unlink()
    with pytest.raises(ConfigError, match="some of a cluster's certificates"):
        make_certificates(tmp_path / "tls")
    with pytest.raises(ConfigError, match=r"key\.pem is not there"):
        check_certificates(Cluster("tls://host:1", tmp_path / "tls"))
    check_certificates(Cluster("tcp://127.0.0.1:1"))
