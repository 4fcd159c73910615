"""Debian's archive as an ordinary user sees it, through apt-get with state directories of its own.

apt resolves and downloads packages of any architecture this way, and the host's own state is
neither read nor changed. The archive's address is the one in the host's apt sources.
"""

import re
import shutil
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from aimager.errors import DownloadError, HostError

_OTHER_NAMES = {"trixie": "stable"}
"""While a mirror updates a suite, its other name may lead to a complete copy."""
_SOURCES = "apt's sources on this machine name its mirror: try again later, or name another there"

_FIRMWARE = "non-free-firmware"
_KEYRINGS = (
    Path("/usr/share/keyrings/debian-archive-keyring.gpg"),
    Path("/usr/share/keyrings/debian-archive-keyring.pgp"),
)


@dataclass(frozen=True)
class Source:
    """One address in apt's configuration, with what is asked of it."""

    uri: str
    suites: tuple[str, ...]
    components: tuple[str, ...]


@dataclass(frozen=True)
class Archive:
    """The archive of one Debian architecture, with its state below ``folder``."""

    architecture: str
    folder: Path

    @property
    def downloads(self) -> Path:
        return self.folder / "cache/archives"

    def update(self, sources_text: str) -> None:
        """Fetch the lists of packages."""
        for directory in ("lists/partial", "cache/archives/partial"):
            (self.folder / directory).mkdir(parents=True, exist_ok=True)
        (self.folder / "status").touch()
        (self.folder / "sources.list").write_text(sources_text)
        self._run(["update"])

    def download(self, names: Sequence[str], alone: Sequence[str] = ()) -> dict[str, Path]:
        """The packages and all they depend on, and those in ``alone`` without that, by name."""
        install = ["install", "--no-install-recommends", "-y"]
        # With no folder of downloads, or apt would leave out what is in it.
        nowhere = f"-oDir::Cache::archives={self.folder / 'none'}/"
        listed = self._run([nowhere, *install, "--print-uris", *names])
        self._run([*install, "--download-only", *names])
        if alone:
            self._run(["download", *alone], directory=self.downloads)
            listed += self._run(["download", "--print-uris", *alone], directory=self.folder)
        files = re.findall(r"^'\S+' (\S+\.deb) ", listed, re.MULTILINE)
        found = {file.split("_")[0]: self.downloads / file for file in files}
        missing = [path.name for path in found.values() if not path.is_file()]
        if missing:
            raise DownloadError(f"apt-get did not download {', '.join(missing)}", hint=_SOURCES)
        return found

    def list_names(self) -> frozenset[str]:
        """The names of all packages that there are."""
        result = subprocess.run(
            ["apt-cache", *self._options(), "pkgnames"], capture_output=True, text=True, check=False
        )
        return frozenset(result.stdout.split())

    def _options(self) -> list[str]:
        settings = {
            "APT::Architecture": self.architecture,
            "APT::Architectures": self.architecture,
            "APT::Sandbox::User": "",
            "Acquire::Languages": "none",
            "Acquire::Retries": "3",
            "Dir::State": self.folder,
            "Dir::State::Lists": self.folder / "lists",
            "Dir::State::status": self.folder / "status",
            "Dir::Cache": self.folder / "cache",
            # Container images switch these caches off, and then each call reads all lists again.
            "Dir::Cache::pkgcache": "pkgcache.bin",
            "Dir::Cache::srcpkgcache": "srcpkgcache.bin",
            # They keep these compressed, and then each call decompresses them.
            "Acquire::GzipIndexes": "false",
            "Dir::Etc::SourceList": self.folder / "sources.list",
            "Dir::Etc::SourceParts": "/dev/null",
        }
        return [f"-o{name}={value}" for name, value in settings.items()]

    def _run(self, words: Sequence[str], directory: Path | None = None) -> str:
        result = subprocess.run(
            ["apt-get", "-q", *self._options(), *words],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            cwd=directory,
        )
        failed = re.search(r"^(E: .*|W: Failed to fetch .*)$", result.stdout, re.MULTILINE)
        if result.returncode or failed:
            reason = failed.group() if failed else result.stdout.strip()[-300:]
            raise DownloadError(
                f"apt-get {words[0]} failed for {self.architecture}: {reason}",
                hint="check that the mirror in the host's apt sources is reachable",
            )
        return result.stdout


def open_archive(architecture: str, suites: Sequence[str], folder: Path) -> Archive:
    """Debian's archive with fresh lists of ``suites``; raises HostError on a host without apt."""
    uri = find_mirror(Path("/etc/apt"))
    keyring = next((path for path in _KEYRINGS if path.is_file()), None)
    if keyring is None:
        raise HostError(
            "the host has no Debian archive keyring", hint="install debian-archive-keyring"
        )
    archive = Archive(architecture, folder)
    others = tuple(_OTHER_NAMES.get(suite, suite) for suite in suites)
    attempts = dict.fromkeys(
        (names, components)
        for components in (f"main {_FIRMWARE}", "main")
        for names in (tuple(suites), others)
    )
    problem = DownloadError("nothing to download", hint=_SOURCES)
    for names, components in attempts:
        lines = (f"deb [signed-by={keyring}] {uri} {name} {components}\n" for name in names)
        try:
            archive.update("".join(lines))
        except DownloadError as error:
            problem = error
            continue
        if _FIRMWARE not in components:
            print(f"WARNING: no {_FIRMWARE}, thus no microcode and board firmware: {problem}")
        _check_suites(archive, suites)
        return archive
    raise problem


def _check_suites(archive: Archive, suites: Iterable[str]) -> None:
    """Refuse a suite's other name once it stands for another suite."""
    releases = [path.read_text() for path in (archive.folder / "lists").glob("*_InRelease")]
    named = {word for text in releases for word in re.findall(r"^Codename: (\S+)$", text, re.M)}
    missing = [suite for suite in suites if suite in _OTHER_NAMES and suite not in named]
    if missing:
        raise DownloadError(
            f"the mirror has no complete copy of Debian's {', '.join(missing)}", hint=_SOURCES
        )


def find_mirror(configuration: Path) -> str:
    """The address of the Debian mirror that the host itself uses."""
    if shutil.which("apt-get") is None:
        raise HostError(
            "the stand-in mirror is made with apt-get, which this host lacks",
            hint="use the distribution's real mirrors here",
        )
    for source in read_sources(configuration):
        # A security or a third party's archive has other suites or another path.
        plain = any(re.fullmatch(r"[a-z]+", suite) for suite in source.suites)
        debian = re.search(r"/debian(\.list)?/?$", urlsplit(source.uri).path)
        if plain and debian and "main" in source.components:
            return source.uri
    raise HostError(
        f"no Debian mirror in {configuration}'s sources",
        hint="use the distribution's real mirrors, or add a Debian mirror to apt's sources",
    )


def read_sources(configuration: Path) -> list[Source]:
    """All binary sources, in both of apt's formats (sources.list(5))."""
    parts = configuration / "sources.list.d"
    found: list[Source] = []
    for path in (configuration / "sources.list", *sorted(parts.glob("*.list"))):
        if path.is_file():
            found += _parse_lines(path.read_text().splitlines())
    for path in sorted(parts.glob("*.sources")):
        for stanza in re.split(r"\n\s*\n", path.read_text()):
            found += _parse_stanza(stanza)
    return found


def _parse_lines(lines: Iterable[str]) -> list[Source]:
    found = []
    for line in lines:
        match = re.match(r"deb\s+(?:\[[^]]*\]\s+)?(\S+)\s+(\S+)\s*([^#]*)", line.strip())
        if match:
            uri, suite, components = match.groups()
            found.append(Source(uri, (suite,), tuple(components.split())))
    return found


def _parse_stanza(stanza: str) -> list[Source]:
    fields: dict[str, str] = {}
    name = ""
    for line in stanza.splitlines():
        if line.startswith("#"):
            continue
        if line.startswith((" ", "\t")):
            fields[name] = f"{fields.get(name, '')} {line.strip()}"
        elif ":" in line:
            name, value = (part.strip() for part in line.split(":", 1))
            name = name.lower()
            fields[name] = value
    if "deb" not in fields.get("types", "").split() or fields.get("enabled", "yes") == "no":
        return []
    suites = tuple(fields.get("suites", "").split())
    components = tuple(fields.get("components", "").split())
    return [Source(uri, suites, components) for uri in fields.get("uris", "").split()]
