"""What pacman is given to install, and which of its messages mean failure."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from aimager import process
from aimager.errors import ConfigError, HostError
from aimager.model.lock import UNSIGNED
from aimager.packages import pacman
from aimager.packages.pacman import Pacman, PacmanRun, TransactionError
from aimager.program_output import More, Watch
from aimager.sandbox.chroot import IMAGE, PACKAGES, PACMAN
from aimager.sandbox.jail import Jail
from aimager.sandbox.mounts import Bind
from tests.packages.test_pacman import Saying
from tests.support.locked import make_package
from tests.support.trees import bare_chroot


@pytest.mark.parametrize(
    ("said", "status"),
    [
        ("warning: removing 'a-1-1' from target list because it conflicts with 'b-2-1'", 0),
        (":: a-1-1 and b-2-1 are in conflict\nerror: unresolvable", 1),
    ],
)
def test_packages_in_conflict_are_named(said: str, status: int) -> None:
    packages = [make_package("a"), make_package("b")]
    with pytest.raises(ConfigError, match="a-1-1 and b-2-1 cannot both be installed"):
        pacman.install(Saying(said, status)(), packages, explicit=["a"], epoch=7)


def test_what_must_give_way_is_no_refusal() -> None:
    """The root may hold what is in conflict; it is removed, as pacman asks by the same words."""
    asks = ":: a-1-1 and old-1-1 are in conflict (x). Remove old? [y/N]"
    said = pacman.install(Saying(asks)(), [make_package("a")], explicit=[], epoch=7)
    assert "Remove old" in said


def test_a_signature_of_the_same_file_is_not_that_of_an_unsigned_package(tmp_path: Path) -> None:
    """The store may hold it from a repository, whose keys this build does not trust."""
    signed, unsigned = make_package("a"), make_package("b", repository=UNSIGNED)
    for package in (signed, unsigned):
        package.signature(tmp_path).parent.mkdir(parents=True)
        package.signature(tmp_path).touch()
    assert set(pacman.package_files([signed, unsigned], tmp_path)) == {
        *(signed.path(tmp_path), signed.signature(tmp_path), unsigned.path(tmp_path))
    }


def test_a_lost_owner_is_no_success() -> None:
    path = f"{IMAGE}/usr/a b"
    said = (
        f"warning: warning given when extracting {path} (Can't set user=70000/group=9 for {path})"
    )
    with pytest.raises(
        HostError, match=r"^usr/a b belongs to 70000:9, and your subordinate"
    ) as caught:
        pacman.install(Saying(said)(), [make_package("a")], explicit=[], epoch=7)
    assert "a range of 70000 ids or more" in caught.value.hint


def test_install_marks_what_was_asked_for() -> None:
    packages = [make_package("a"), make_package("b")]
    paths = tuple(f"{PACKAGES}/{package.file}" for package in packages)
    saying = Saying("done")
    for several, explicit in ((packages, ["b"]), (packages, []), ([], ["a"])):
        said = pacman.install(saying(), several, explicit=explicit, epoch=7)
        assert said == ("done" if several else "")
    transaction = ("7", "-U", "--noconfirm", "--asdeps", "--noprogressbar", "--ask", "4", "--")
    assert saying.calls == [
        (*transaction, *paths),
        ("7", "-D", "--asexplicit", "--noconfirm", "--", "b"),
        (*transaction, *paths),
        ("7", "-D", "--asexplicit", "--noconfirm", "--", "a"),
    ]


def test_all_that_a_failed_transaction_said_is_told() -> None:
    said = "\n".join(map(str, range(30)))
    with pytest.raises(TransactionError, match="failed with status 1") as caught:
        pacman.install(Saying(said, 1)(), [make_package("a")], explicit=["a"], epoch=7)
    assert len(caught.value.said.splitlines()) == 30


def test_pacman_has_its_files_read_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All but the keyring, which gpg locks, and the cache; what they are named is pacman's."""
    ran: list[tuple[list[str], Jail]] = []

    def run(argv: list[str], *, within: Jail, **_: object) -> str:
        ran.append((argv, within))
        return ""

    monkeypatch.setattr(process, "run", run)
    package = tmp_path / "store/a-1-1.pkg.tar.zst"
    package.parent.mkdir()
    package.touch()
    tools = tmp_path / "tools"
    image = bare_chroot(tmp_path / "root")
    log = (tmp_path / "log").open("wb")
    with log:
        at_work = PacmanRun(Pacman("pacman", tools), image, tmp_path / "work", log, (package,))
        at_work.run(["-Q"])
    [(argv, jail)] = ran
    assert argv == ["pacman", "--config", "/run/pacman/pacman.conf", "-Q"]
    binds = {m.target: m for m in jail.mounts if isinstance(m, Bind)}
    read_only = {str(target) for target, bind in binds.items() if bind.read_only}
    assert {
        *("/", "/run/pacman/hooks", "/run/pacman/pacman.conf", f"/run/packages/{package.name}"),
    } <= read_only
    own = {target for target in binds if target.is_relative_to(PACMAN)}
    assert {target.name for target in own if not binds[target].read_only} == {"cache", "gnupg"}
    assert binds[Path("/")].source == tools


class Endless(Saying):
    """A pacman in which something says a line without end."""

    def run(
        self, arguments: Sequence[str], *, epoch: int = 0, watch: Watch = lambda _: None
    ) -> str:
        for part in ("x" * 8192, More("y" * 8192), More(""), "end"):
            watch(part)
        return ""


def test_of_a_long_line_only_the_beginning_is_kept() -> None:
    said = pacman.install(Endless("")(), [make_package("a")], explicit=[], epoch=7)
    assert said.splitlines() == ["x" * 8192, "end"]
