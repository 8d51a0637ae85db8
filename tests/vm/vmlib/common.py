# SPDX-License-Identifier: GPL-2.0
"""What the parts of the VM harness share."""

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent.parent

# Exit statuses of the harness beside the command's own.
STATUS_SKIP = 77
STATUS_HUNG = 124
STATUS_FAILED = 125


class VmSetupError(Exception):
    """The machine could not even be started. skip: for want of something that a
    test suite may do without (a kernel, QEMU)."""

    def __init__(self, message, skip=False):
        super().__init__(message)
        self.skip = skip


def cache_dir():
    base = os.environ.get('XDG_CACHE_HOME') or os.path.join(os.path.expanduser('~'), '.cache')
    return Path(base) / 'scx-c-schedulers'
