# SPDX-License-Identifier: GPL-2.0
"""Finds the kernel image to boot."""

import os
import subprocess
import sys

from .common import ROOT, VmSetupError

FETCH = ROOT / 'scripts' / 'fetch-kernel'


def resolve(kernel):
    """The path of the image for a path, 'host', or what scripts/fetch-kernel knows."""
    if kernel == 'host':
        path = f'/boot/vmlinuz-{os.uname().release}'
        if not os.path.exists(path):
            raise VmSetupError(f"the host's kernel image {path} is not there", skip=True)
        return _readable(path)
    if '/' in kernel or os.path.isfile(kernel):
        if not os.path.isfile(kernel):
            raise VmSetupError(f'no kernel image at {kernel}', skip=True)
        return _readable(os.path.abspath(kernel))

    # Its progress is for the person who waits; the last line of an error is for
    # whoever reads why a test was skipped.
    run = subprocess.Popen([str(FETCH), kernel], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                           stderr=subprocess.PIPE, text=True)
    last = ''
    for line in run.stderr:
        last = line.strip() or last
        if 'error:' not in line:
            sys.stderr.write(line)
            sys.stderr.flush()
    path = run.stdout.read().strip()
    status = run.wait()
    if status != 0 or not path:
        reason = last.split('error: ', 1)[-1] or f'scripts/fetch-kernel {kernel} failed'
        # Status 2 is a wrong name, which a skip would hide.
        raise VmSetupError(reason, skip=status != 2)
    return path


def _readable(path):
    if not os.access(path, os.R_OK):
        raise VmSetupError(f'{path} cannot be read by this user', skip=True)
    return path
