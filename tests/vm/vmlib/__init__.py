# SPDX-License-Identifier: GPL-2.0
"""Test machines: boots a kernel under QEMU and runs a command there.

    from vmlib import run_vm
    result = run_vm(kernel='7.3', command=['uname', '-r'])
    result.exit_status, result.output, result.dmesg, result.files_dir
"""

from .common import (ROOT, STATUS_FAILED, STATUS_HUNG, STATUS_SKIP, VmSetupError,  # noqa: F401
                     cache_dir)
from .qemu import Result, run_test_vm, run_vm  # noqa: F401
