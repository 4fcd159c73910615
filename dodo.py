"""The graph: what is made from what. ``doit list`` prints the tasks."""

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from aimager import artifacts, stand_in
from aimager.architecture import host_architecture
from aimager.boot_probe import BootProbe
from aimager.borrow import WANTED
from aimager.build import Build, MirrorChoice, Product, Tools
from aimager.distro import Keyring, Platform
from aimager.distros import THIRD_PARTY_REPOSITORIES, platform_for_host
from aimager.doit_support import load_build, report_failure, stage
from aimager.errors import ConfigError
from aimager.stages.borrow_root import BorrowRoot
from aimager.stages.fetch_packages import FetchPackages
from aimager.stages.fetch_pacman_static import FetchPacmanStatic
from aimager.stages.install_packages import InstallPackages
from aimager.stages.keyring_backup import KeyringBackup
from aimager.stages.keyring_init import KeyringInit
from aimager.stages.make_rootfs_archive import MakeRootfsArchive
from aimager.stages.pack_image import PackImage
from aimager.stages.resolve_packages import ResolvePackages
from aimager.stages.sync_databases import SyncDatabases
