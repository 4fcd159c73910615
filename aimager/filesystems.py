"""Images of file systems with a tree in them, made without mounting anything.

They are sparse: what the tree does not fill is never written.
"""

import os
import re
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

from aimager.errors import CommandError, ImageError
from aimager.ext4_times import clamp_times
from aimager.identifiers import fat_uuid
from aimager.partition import GiB, MiB
from aimager.toolbox import Toolbox
