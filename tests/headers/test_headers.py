#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""The installed headers, by themselves and as somebody outside this tree uses them.

Environment: SCX_SOURCE, SCX_BUILD: the trees; SCX_BPF_CLANG, SCX_BPFTOOL: the programs of the build;
SCX_BPF_INCLUDE: where libbpf's headers are; SCX_LIBBPF: the path of the bundled libbpf.a, empty if
the build uses the system's libbpf; SCX_CC: a C compiler for this machine.
"""

import os
import shlex
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

SOURCE = Path(os.environ['SCX_SOURCE'])
BUILD = Path(os.environ['SCX_BUILD'])
BPF_CLANG = os.environ['SCX_BPF_CLANG']
BPFTOOL = os.environ['SCX_BPFTOOL']
BPF_INCLUDE = os.environ['SCX_BPF_INCLUDE']
LIBBPF = os.environ['SCX_LIBBPF']
CC = shlex.split(os.environ['SCX_CC'])

INCLUDE = SOURCE / 'scheds/include'
HEADERS = sorted(path.name for path in (INCLUDE / 'scx').glob('*.h'))
RECORDED = sorted((SOURCE / 'tests/unit/btf').glob('*.btf'))
SCHEDULERS = sorted((SOURCE / 'scheds/c').glob('scx_*.bpf.c'))
# By their own words: they are for both sides and bring no types.
NEEDS_TYPES = {'arith.h', 'records.h'}

BPF_FLAGS = ['-g', '-O2', '-std=gnu11', '-target', 'bpf', '-mcpu=v3', '-Wall', '-Wextra', '-Werror']
# BPF_PROG() makes functions without a prototype, and callbacks with arguments that are not used.
PROGRAM_FLAGS = ['-Wno-unused-parameter', '-Wno-missing-declarations']


class Case(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix='scx-headers-')
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def call(self, *command, **options):
        done = subprocess.run([str(word) for word in command], stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=300,
                              **options)
        if done.returncode:
            self.fail(f'{shlex.join(map(str, command))}\nended with {done.returncode}\n{done.stdout}')
        return done.stdout

    def write(self, name, *lines):
        path = self.folder / name
        path.write_text('\n'.join(lines) + '\n', encoding='utf-8')
        return path

    def compile_bpf(self, source, *flags, include=INCLUDE):
        return self.call(BPF_CLANG, *BPF_FLAGS, f'-I{include}', f'-I{BPF_INCLUDE}', *flags,
                         '-c', source, '-o', self.folder / 'out.bpf.o')

    def vmlinux(self, btf):
        path = self.folder / 'vmlinux.h'
        with open(path, 'wb') as out:
            subprocess.run([BPFTOOL, 'btf', 'dump', 'file', str(btf), 'format', 'c'], stdout=out,
                           check=True, timeout=60)
        return path


class Bpf(Case):
    def test_there_are_headers(self):
        self.assertIn('common.bpf.h', HEADERS)
        self.assertGreaterEqual(len(HEADERS), 8)

    def test_alone(self):
        for header in HEADERS:
            with self.subTest(header=header):
                before = ['#include <scx/types.bpf.h>'] if header in NEEDS_TYPES else []
                self.compile_bpf(self.write('alone.bpf.c', *before, f'#include <scx/{header}>'))

    def test_twice(self):
        for header in HEADERS:
            with self.subTest(header=header):
                before = ['#include <scx/types.bpf.h>'] if header in NEEDS_TYPES else []
                self.compile_bpf(self.write('twice.bpf.c', *before, f'#include <scx/{header}>',
                                            f'#include <scx/{header}>'))

    def test_any_order(self):
        for headers in (HEADERS, HEADERS[::-1]):
            headers = [header for header in headers if header not in NEEDS_TYPES]
            self.compile_bpf(self.write('all.bpf.c', *[f'#include <scx/{header}>' for header in headers]))

    def test_known_names(self):
        self.compile_bpf(SOURCE / 'tests/headers/outside/scx_outside.bpf.c', *PROGRAM_FLAGS)


class Vmlinux(Case):
    """Who has a vmlinux.h includes it first: from recorded BTF of several kernels."""

    def test_recorded(self):
        self.assertGreaterEqual(len(RECORDED), 4)

    def test_headers(self):
        includes = ['#include "vmlinux.h"'] + [f'#include <scx/{header}>' for header in HEADERS]
        for btf in RECORDED:
            with self.subTest(kernel=btf.stem):
                self.vmlinux(btf)
                self.compile_bpf(self.write('vmlinux.bpf.c', *includes))

    def test_schedulers(self):
        self.assertTrue(SCHEDULERS)
        for btf in RECORDED:
            vmlinux = self.vmlinux(btf)
            for source in [*SCHEDULERS, SOURCE / 'tests/headers/outside/scx_outside.bpf.c']:
                with self.subTest(kernel=btf.stem, scheduler=source.name):
                    self.compile_bpf(source, '-include', vmlinux, *PROGRAM_FLAGS)


class Userspace(Case):
    FLAGS = ['-Wall', '-Wextra', '-Werror', '-Wpedantic', '-fsyntax-only', f'-I{SOURCE / "lib"}', f'-I{INCLUDE}']

    def test_c11(self):
        source = self.write('alone.c', '#include <scx/loader.h>', '#include <scx/loader.h>')
        for compiler in ('gcc', BPF_CLANG):
            with self.subTest(compiler=compiler):
                if not shutil.which(compiler):
                    self.skipTest(f'{compiler} is not installed')
                self.call(compiler, '-std=c11', *self.FLAGS, source)

    def test_cxx(self):
        if not shutil.which('g++'):
            self.skipTest('g++ is not installed')
        source = self.write('alone.cc', 'extern "C" {', '#include <scx/loader.h>', '}',
                            'int main(int argc, char **argv)', '{',
                            '\tstatic const scx_sched sched = {};', '\treturn scx_main(&sched, argc, argv);', '}')
        self.call('g++', '-std=c++17', '-Wno-missing-field-initializers', *self.FLAGS, source)


class Outside(Case):
    """A scheduler outside the tree, with what is installed and nothing else."""

    def setUp(self):
        super().setUp()
        for program in ('meson', 'pkg-config'):
            if not shutil.which(program):
                self.skipTest(f'{program} is not in the path')
        self.root = self.folder / 'root'
        self.call('meson', 'install', '--no-rebuild', '-C', BUILD, '--destdir', self.root)

    def installed(self, pattern):
        found = sorted(self.root.rglob(pattern))
        self.assertTrue(found, f'{pattern} is not installed')
        return found

    def test_every_header_is_installed(self):
        installed = [path.name for path in self.installed('include/scx/*.h')]
        self.assertEqual(installed, sorted([*HEADERS, 'loader.h']))

    def test_no_path_of_the_build(self):
        for name in ('*.h', '*.pc'):
            for path in self.installed(name):
                text = path.read_text(encoding='utf-8')
                for folder in (SOURCE, BUILD, self.root):
                    self.assertNotIn(str(folder), text, path)

    def test_scheduler(self):
        pc = self.installed('scx-loader.pc')[0]
        environment = dict(os.environ, PKG_CONFIG_PATH=str(pc.parent))
        if LIBBPF:
            # What the machine lacks, the user of the library has to bring along: libbpf.
            self.write('libbpf.pc', 'Name: libbpf', 'Description: the bundled one', 'Version: 1.5.0',
                       'Requires.private: libelf zlib', f'Libs: -L{Path(LIBBPF).parent} -lbpf',
                       f'Cflags: -I{BPF_INCLUDE}')
            environment['PKG_CONFIG_PATH'] += f':{self.folder}'

        def pkg_config(*arguments):
            # The prefix in the file is where it will be; here it is below another root.
            prefix = pc.parent.parent
            variables = [f'--define-variable=includedir={self.installed("include/scx")[0].parent}',
                         f'--define-variable=libdir={prefix}']
            return shlex.split(self.call('pkg-config', *variables, *arguments, 'scx-loader',
                                         env=environment))

        cflags = pkg_config('--cflags')
        libs = pkg_config('--libs', '--static')
        # The build folder, where a bundled libbpf's headers are, may lie in the source tree.
        for folder in ('scheds', 'lib'):
            self.assertNotIn(str(SOURCE / folder), ' '.join(cflags))

        for name in ('scx_outside.bpf.c', 'scx_outside.c'):
            shutil.copy(SOURCE / 'tests/headers/outside' / name, self.folder)
        bpf = self.folder / 'scx_outside.bpf.o'
        self.call(BPF_CLANG, *BPF_FLAGS, *PROGRAM_FLAGS, *cflags, f'-I{BPF_INCLUDE}', '-c',
                  'scx_outside.bpf.c', '-o', bpf, cwd=self.folder)
        skeleton = self.call(BPFTOOL, 'gen', 'skeleton', bpf, 'name', 'scx_outside')
        self.write('scx_outside.skel.h', skeleton)
        sanitize = shlex.split(os.environ.get('SCX_SANITIZE', ''))
        self.call(*CC, '-std=gnu11', '-Wall', '-Wextra', '-Werror', '-Wno-missing-field-initializers',
                  *sanitize, *cflags, 'scx_outside.c', *libs, '-o', 'scx_outside', cwd=self.folder)

        text = self.call(self.folder / 'scx_outside', '--help')
        self.assertTrue(text.startswith('Usage: scx_outside [OPTION]...\n'), text)
        self.assertIn('-s, --slice US', text)
        self.assertIn('[default: 5000 us]', text)
        self.assertIn('--dry-run', text)


if __name__ == '__main__':
    unittest.main()
