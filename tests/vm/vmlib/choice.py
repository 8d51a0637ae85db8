# SPDX-License-Identifier: GPL-2.0
"""Which kernels are tested on."""

import argparse
import os
import re
import subprocess

from . import kernel
from .cli import log
from .common import VmSetupError
from .matrix import short_release, version_key

# The newest of each series. Of the last two the builds of trixie-backports have
# malformed BTF, which is a case of its own; those versions only while they can be had.
KERNELS = ('6.12', '6.16', '6.17', '6.18', '6.19', '7.0', '7.1', '7.2', '7.3')
MALFORMED = ('7.1.13', '7.2.12')
# Of a version as Debian names it: what a stock kernel's file may carry behind it.
STOCK = r'(\+deb[0-9.]+|~[a-z0-9.]+)?((-cloud)?-amd64)?'


def words(text):
    found = [word for word in re.split(r'[\s,]+', text) if word]
    if not found:
        raise argparse.ArgumentTypeError('an empty list')
    return found


def version_of(image):
    return os.path.basename(image).removeprefix('vmlinuz-')


def is_malformed(version):
    """One of the builds whose BTF is malformed?"""
    return any(re.fullmatch(re.escape(name) + STOCK, version) for name in MALFORMED)


def available():
    """Versions that scripts/fetch-kernel can give, newest first."""
    run = subprocess.run([str(kernel.FETCH), '--list'], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                         text=True, check=False)
    return [line.split()[0] for line in run.stdout.splitlines()] if run.returncode == 0 else []


def newest_of(series, versions):
    """The newest stock version of a series, not merely the newest at hand."""
    for version in versions:
        if re.fullmatch(rf'{re.escape(series)}(\.\d+)?{STOCK}', version):
            # Its file's name; the mirror knows the version alone.
            return short_release(version)
    return series


def choose(wanted):
    """Entries {wanted, image or missing}: one for each kernel, none twice."""
    versions = available()
    optional = ()
    if wanted is None:
        wanted, optional = [*KERNELS, *MALFORMED], MALFORMED
    chosen, images = [], set()
    for name in wanted:
        if name in optional and not any(re.fullmatch(re.escape(name) + STOCK, version) for version in versions):
            log(f'kernel {name}, whose BTF is malformed, is neither at hand nor on the mirror any more: '
                'left out')
            continue
        ask = newest_of(name, versions) if re.fullmatch(r'\d+\.\d+', name) else name
        try:
            image = kernel.resolve(ask)
        except VmSetupError as error:
            if not error.skip:
                raise
            chosen.append({'wanted': name, 'missing': str(error)})
            continue
        if image not in images:
            images.add(image)
            chosen.append({'wanted': name, 'image': image})
    return sorted(chosen, key=lambda one: version_key(
        version_of(one['image']) if 'image' in one else one['wanted']))
