#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""What the headers say about kernel versions, held against the recorded BTF of real kernels.

Environment: SCX_SOURCE is the source tree, SCX_BPFTOOL the bpftool.
"""

import os
import re
import subprocess
import unittest
from functools import cache
from pathlib import Path

SOURCE = Path(os.environ['SCX_SOURCE'])
HEADERS = SOURCE / 'scheds/include/scx'
RECORDED = SOURCE / 'tests/unit/btf'

# Malformed: what is there cannot be called, so it says nothing about the names.
MALFORMED = ('7.1.13', '7.2.12')


def version(text):
    """'6.19' or '6.19.14' as (6, 19)."""
    return tuple(int(part) for part in text.split('.')[:2])


def suffix_version(suffix):
    """'v619' as (6, 19), 'v701' as (7, 1)."""
    return int(suffix[1]), int(suffix[2:])


@cache
def kernels():
    """Version -> the names of all functions in its BTF."""
    found = {}
    for path in sorted(RECORDED.glob('*.btf')):
        if path.stem in MALFORMED or '-' in path.stem:
            continue
        dump = subprocess.run([os.environ['SCX_BPFTOOL'], 'btf', 'dump', 'file', str(path)],
                              stdout=subprocess.PIPE, text=True, check=True).stdout
        found[version(path.stem)] = set(re.findall(r"\] FUNC '(\w+)'", dump))
    return found


def declared():
    """(declared name, kernel's name, suffix or None) of each kfunc of the header."""
    text = re.sub(r'/\*.*?\*/', '', (HEADERS / 'kfuncs.bpf.h').read_text(encoding='utf-8'),
                  flags=re.DOTALL)
    for name in re.findall(r'(\w+)\s*\([^;{}]*\)\s*__ksym\s+__weak\s*;', text):
        match = re.fullmatch(r'(\w+?)(?:___(v\d{3}))?', name)
        yield name, match[1], match[2]


def table():
    """Shim -> (versions in which something changed, version with which it can go)."""
    text = (HEADERS / 'compat.bpf.h').read_text(encoding='utf-8')
    found = {}
    for line in re.search(r' \* shim +changed in .*?\n(.*?)\n \*/', text, re.DOTALL)[1].split('\n'):
        match = re.fullmatch(r' \* (\w+) +(\d\.\d+(?:, \d\.\d+)*) +(\d\.\d+) +(\S.*)', line)
        if not match or match[1] in found:
            raise AssertionError(f'not a line of the table: {line!r}')
        found[match[1]] = ({version(v) for v in match[2].split(', ')}, version(match[3]))
    return found


class Compat(unittest.TestCase):
    def test_kernels(self):
        """From the oldest to the newest, or the rest says little."""
        self.assertIn((6, 12), kernels())
        self.assertGreaterEqual(max(kernels()), (7, 3))
        self.assertGreaterEqual(len(kernels()), 8)

    def test_suffixes(self):
        """A kfunc is named after the kernel that brought it, and is there from that one on."""
        checked = 0
        for name, kernel_name, suffix in declared():
            if not suffix:
                continue
            since = suffix_version(suffix)
            for kernel, functions in kernels().items():
                with self.subTest(kfunc=name, kernel=kernel):
                    if kernel < since:
                        self.assertNotIn(kernel_name, functions)
                    elif since > (6, 12) or kernel == (6, 12):
                        self.assertIn(kernel_name, functions)
                    checked += 1
        self.assertGreater(checked, 100)

    def test_plain(self):
        """A sched_ext kfunc without a suffix is the same on every kernel."""
        for name, _, suffix in declared():
            if suffix or 'scx_' not in name:
                continue
            for kernel, functions in kernels().items():
                with self.subTest(kfunc=name, kernel=kernel):
                    self.assertIn(name, functions)

    def test_table_is_complete(self):
        """Each shim is in the table, and the table names nothing else."""
        text = (HEADERS / 'compat.bpf.h').read_text(encoding='utf-8')
        code = text.split('*/', 2)[2]
        shims = set(re.findall(r'^#define (scx_bpf_\w+|SCX_ENQ_\w+)', code, re.MULTILINE))
        # These give the kfuncs with formats their usual form, on all kernels alike.
        shims -= {'scx_bpf_exit', 'scx_bpf_dump'}
        self.assertEqual(set(table()), shims)

    def test_table_versions(self):
        """The versions in the table are those of the kfuncs that the shim chooses from."""
        text = (HEADERS / 'compat.bpf.h').read_text(encoding='utf-8')
        suffixes = {name: suffix for name, _, suffix in declared()}
        for shim, (changed, until) in table().items():
            if not shim.startswith('scx_bpf_') or shim == 'scx_bpf_error':
                continue
            with self.subTest(shim=shim):
                body = self.body(text, shim)
                used = {suffix_version(suffixes[name]) for name in re.findall(r'\w+___v\d{3}', body)
                        if name in suffixes}
                self.assertEqual(changed, used - {(6, 12)})
                self.assertEqual(until, max(used))

    def test_enum_values(self):
        """A flag that is read from the kernel has not the same value everywhere, or lies among such."""
        values = {shim: set() for shim in table() if shim.startswith('SCX_')}
        for path in RECORDED.glob('*.btf'):
            dump = subprocess.run([os.environ['SCX_BPFTOOL'], 'btf', 'dump', 'file', str(path)],
                                  stdout=subprocess.PIPE, text=True, check=True).stdout
            for shim, seen in values.items():
                seen.update(re.findall(rf"'{shim}' val=(\d+)", dump))
        self.assertEqual({shim for shim, seen in values.items() if len(seen) > 1},
                         {'SCX_ENQ_HEAD', 'SCX_ENQ_CPU_SELECTED'})

    @staticmethod
    def body(text, shim):
        """The inline function behind a shim, or the macro itself."""
        function = re.search(rf'\bscx_compat_{shim.removeprefix("scx_bpf_")}\(.*?^}}', text,
                             re.DOTALL | re.MULTILINE)
        if function:
            return function[0]
        return re.search(rf'^#define {shim}\(.*?[^\\]$', text, re.DOTALL | re.MULTILINE)[0]


if __name__ == '__main__':
    unittest.main()
