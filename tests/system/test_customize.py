"""Files, overlays, services and scripts are added to a root, and nowhere else."""

import io
import tarfile
from collections.abc import Sequence
from pathlib import Path

import pytest

from aimager.errors import CommandError, ConfigError, HostError
from aimager.model.settings import AddedFile, Script, Settings
from aimager.sandbox.id_map import Extent
from aimager.sandbox.namespace import call
from aimager.sandbox.owners import HeldIds, held_ids
from aimager.system import customize as finishing
from aimager.system.configure import ImageRoot
from aimager.toolbox import Toolbox
from tests.support.overlaid import Place, lay_over, lay_over_a_list
from tests.support.trees import bare_chroot

PRESET = "etc/systemd/system-preset/40-enabled.preset"


class Notes(ImageRoot):
    """A root whose programs are not run but noted, with what the script is then."""

    def __init__(self, root: Path, fails: str = "", status: int = 9) -> None:
        self.root = root
        super().__init__(bare_chroot(root), Toolbox(None, io.BytesIO()), 7)
        self.status = status
        self.runs: list[list[str]] = []
        self.scripts: list[str] = []
        self.fails = fails

    def run(self, argv: Sequence[str], input: bytes = b"") -> str:
        self.runs.append(list(argv))
        script = self.root / "run/aimager-script"
        if script.exists():
            assert script.stat().st_mode & 0o777 == 0o700
            self.scripts.append(script.read_text())
        if self.fails:
            raise CommandError(argv, self.status, self.fails)
        return ""


@pytest.fixture
def image(tmp_path: Path) -> Notes:
    for folder in ("etc", "run", "usr/bin"):
        (tmp_path / "root" / folder).mkdir(parents=True)
    return Notes(tmp_path / "root")


def test_nothing_is_done_where_nothing_is_asked_for(image: Notes) -> None:
    finishing.finish(image, Settings("pc"), ())
    assert not (image.root / PRESET).exists()
    assert image.runs == []


def test_all_in_their_order(image: Notes) -> None:
    setup = Settings(
        "pc",
        services=("sshd.service",),
        files=(AddedFile("/etc/motd.d/hello", "Hello\n", 0o600),),
        scripts=(Script("a.sh", "#!/bin/sh\na\n"), Script("b.sh", "#!/bin/sh\nb\n")),
    )
    finishing.finish(image, setup, ())
    added = image.root / "etc/motd.d/hello"
    assert added.read_text() == "Hello\n"
    assert added.stat().st_mode & 0o777 == 0o600
    assert image.runs == [["systemctl", "enable", "sshd.service"], *[["/run/aimager-script"]] * 2]
    assert image.scripts == ["#!/bin/sh\na\n", "#!/bin/sh\nb\n"]
    assert not (image.root / "run/aimager-script").exists()


def test_what_is_enabled_stays_so_at_the_first_boot(image: Notes) -> None:
    wants = image.root / "etc/systemd/system/multi-user.target.wants"
    wants.mkdir(parents=True)
    for name in ("sshd.service", "wg-quick@wg0.service", "wg-quick@wg1.service"):
        (wants / name).symlink_to("/dev/null")
    other = image.root / "etc/systemd/system/sysinit.target.requires"
    other.mkdir()
    (other / "early.service").symlink_to("/dev/null")
    (image.root / "etc/systemd/system/notes").mkdir()
    (image.root / "etc/systemd/system/notes/x.service").touch()
    finishing.keep_enabled(image.tree)
    assert (image.root / PRESET).read_text() == (
        "enable early.service\nenable sshd.service\nenable wg-quick@.service wg0 wg1\n"
    )


def test_a_file_replaces_a_link_and_does_not_follow_it(image: Notes, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.write_text("mine")
    (image.root / "etc/motd").symlink_to(outside)
    finishing.add_file(image, AddedFile("/etc/motd", "Hello"))
    assert outside.read_text() == "mine"
    assert (image.root / "etc/motd").read_text() == "Hello"


def test_a_file_is_not_led_out_of_the_root(image: Notes, tmp_path: Path) -> None:
    (image.root / "etc/out").symlink_to(tmp_path)
    with pytest.raises(ConfigError) as caught:
        finishing.add_file(image, AddedFile("/etc/out/motd", "Hello"))
    assert caught.value.message == (
        "files= cannot add /etc/out/motd: /etc/out of the image cannot be made: File exists"
    )
    assert not (tmp_path / "motd").exists()
    with pytest.raises(ConfigError, match="files= cannot add /etc"):
        finishing.add_file(image, AddedFile("/etc", "Hello"))


def test_an_overlay_needs_tar_in_the_image(image: Notes, tmp_path: Path) -> None:
    overlay = tmp_path / "site.tar"
    tarfile.open(overlay, "w").close()
    with pytest.raises(ConfigError) as caught:
        finishing.unpack_overlay(image, overlay)
    assert caught.value.message == "overlay= needs tar in the image"


def test_a_service_that_is_not_there_and_a_script_that_fails(image: Notes) -> None:
    image.fails = "Unit x.service does not exist."
    with pytest.raises(ConfigError) as caught:
        finishing.enable_service(image, "x.service")
    assert caught.value.message == (
        "the service x.service cannot be enabled: Unit x.service does not exist."
    )
    with pytest.raises(ConfigError) as caught:
        finishing.run_script(image, Script("a.sh", "#!/bin/sh\nsecret\n"))
    assert caught.value.message == (
        "the script a.sh ended with status 9: Unit x.service does not exist."
    )
    assert not (image.root / "run/aimager-script").exists()


def test_a_script_that_is_killed(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    with pytest.raises(ConfigError) as caught:
        finishing.run_script(Notes(tmp_path, " ", -9), Script("a.sh", "#!/bin/sh\n"))
    assert caught.value.message == "the script a.sh was killed by signal 9: it said nothing"


def test_a_script_whose_interpreter_is_not_there(
    image: Notes, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run(*_: object) -> str:
        raise HostError("/run/aimager-script cannot be started: No such file or directory")

    monkeypatch.setattr(image, "run", run)
    with pytest.raises(ConfigError) as caught:
        finishing.run_script(image, Script("a.sh", "#!/usr/bin/perl\nprint 1\n"))
    assert caught.value.message == (
        "the script a.sh cannot be started by its first line: #!/usr/bin/perl"
    )


def test_an_account_without_an_id_is_refused_at_the_end(
    image: Notes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A script may have added it, or an overlay."""
    ids = (Extent(0, 1000, 1), Extent(1, 100000, 65536))
    monkeypatch.setattr(finishing, "held_ids", lambda: HeldIds(ids, ids))
    setup = Settings("pc", scripts=(Script("a.sh", "#!/bin/sh\n"),))
    finishing.finish(image, setup, ())
    image.tree.write("etc/passwd", "big:x:100201:100201::/home/big:/bin/sh\n")
    with pytest.raises(HostError, match="the user big of the image is given the id 100201"):
        finishing.finish(image, setup, ())


@pytest.mark.parametrize("fails", ["", "last"])
def test_a_script_that_was_refused_an_owner(
    image: Notes, capsys: pytest.CaptureFixture[str], fails: str
) -> None:
    line = "chown: changing ownership of '/srv/x': Invalid argument"
    image.refused, image.fails = (line,), fails
    if fails:
        with pytest.raises(ConfigError) as caught:
            finishing.run_script(image, Script("a.sh", "#!/bin/sh\n"))
        assert caught.value.hint == held_ids().advice()
        return
    finishing.run_script(image, Script("a.sh", "#!/bin/sh\n"))
    assert "the script a.sh could not give files their owners" in (said := capsys.readouterr().out)
    assert f"\n    {line}\n" in said


def test_an_overlays_attributes_are_the_images(tmp_path: Path) -> None:
    given, made = call(lay_over, Place(tmp_path / "work"), work=tmp_path / "work")
    assert made == given
    assert set(given) >= {"usr/bin/ping", "var/log/journal", "etc/shadow"}
    kinds = {name for names in given.values() for name in names}
    assert kinds >= {"security.capability", "system.posix_acl_default", "user.note"}


def test_an_overlays_access_list_is_not_lost_in_silence(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    call(lay_over_a_list, Place(tmp_path / "work"), work=tmp_path / "work")
    assert "the access list of tmp/listed of the overlay site.tar is lost: names" in str(
        capfd.readouterr()
    )
