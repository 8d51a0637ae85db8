#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""The build itself: without warnings, the same bytes wherever it is done, and again only what has to be.

Environment: SCX_SOURCE, the source tree, of which copies are built; SCX_BPF_CLANG, SCX_BPFTOOL,
SCX_CC: the programs of the build that this test belongs to.
"""

import hashlib
import os
import shlex
import shutil
import subprocess
import tempfile
import time
import unittest
from pathlib import Path

SOURCE = Path(os.environ['SCX_SOURCE'])
FORMAT_VERSION = '19.'


def left_out(folder, names):
    """Build folders and history; subprojects stay, so that nothing is downloaded."""
    return [name for name in names if name in ('.git', '__pycache__')
            or Path(folder) == SOURCE and name.startswith('build')]


def call(*command, check=True, **options):
    done = subprocess.run([str(word) for word in command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, timeout=600, **options)
    if check and done.returncode:
        raise AssertionError(f'{shlex.join(map(str, command))}\nended with {done.returncode}\n{done.stdout}')
    return done


class Tree:
    """A copy of the tree, built with every warning an error."""

    def __init__(self, folder, compiler=None, build=None):
        self.source = folder / 'source'
        self.build = build or self.source / 'build'
        shutil.copytree(SOURCE, self.source, ignore=left_out)
        environment = dict(os.environ)
        if compiler:
            environment['CC'] = compiler
        self.build.parent.mkdir(parents=True, exist_ok=True)
        self.setup = call('meson', 'setup', '-Dwerror=true', f'-Dbpf_clang={os.environ["SCX_BPF_CLANG"]}',
                          f'-Dbpftool={os.environ["SCX_BPFTOOL"]}', '--wrap-mode=nodownload',
                          self.build, self.source, env=environment).stdout
        self.output = call('ninja', '-C', self.build).stdout

    def programs(self):
        found = sorted(path for path in (self.build / 'scheds/c').iterdir()
                       if path.is_file() and path.suffix == '' and os.access(path, os.X_OK))
        return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in found}

    def to_do(self):
        return call('ninja', '-C', self.build, '-n', '-v').stdout


@unittest.skipUnless(shutil.which('meson') and shutil.which('ninja'), 'meson or ninja is not in the path')
class Build(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix='scx-build-')
        cls.addClassCleanup(cls.folder.cleanup)
        cls.first = Tree(Path(cls.folder.name) / 'a', os.environ['SCX_CC'])

    def assert_no_warnings(self, output):
        warnings = [line for line in output.splitlines() if 'warning:' in line]
        self.assertEqual(warnings, [])

    def test_no_warnings(self):
        self.assert_no_warnings(self.first.output)
        self.assertIn('[', self.first.output)

    def test_no_warnings_clang(self):
        tree = Tree(Path(self.folder.name) / 'clang', os.environ['SCX_BPF_CLANG'])
        self.assertIn('C compiler for the host machine: ' + os.environ['SCX_BPF_CLANG'], tree.setup)
        self.assert_no_warnings(tree.output)

    def test_reproducible(self):
        # Another folder, at another depth, at another time, and the build not inside of the source.
        folder = Path(self.folder.name)
        second = Tree(folder / 'another/and/deeper/place', os.environ['SCX_CC'], folder / 'elsewhere/build')
        programs = self.first.programs()
        self.assertGreaterEqual(len(programs), 2)
        for name in programs:
            self.assertTrue(name.startswith('scx_'), name)
        self.assertEqual(programs, second.programs())
        for name in programs:
            data = (second.build / 'scheds/c' / name).read_bytes()
            self.assertNotIn(self.folder.name.encode(), data, f'{name} has a path of the build in it')

    def test_rebuild(self):
        tree = self.first
        self.assertIn('no work to do', tree.to_do())

        header = tree.source / 'scheds/include/scx/compat.bpf.h'
        # Later than what was built from it, whatever the clock's steps are.
        later = time.time() + 2
        os.utime(header, (later, later))
        to_do = tree.to_do()
        objects = sorted((tree.source / 'scheds/c').glob('scx_*.bpf.c'))
        self.assertTrue(objects)
        for source in objects:
            self.assertIn(f'-o bpf/{source.stem}.o', to_do)
        # The library has nothing to do with it.
        self.assertNotIn('lib/libscx_loader.a.p/', to_do)
        os.utime(header, (later - 3600, later - 3600))
        call('ninja', '-C', tree.build)
        self.assertIn('no work to do', tree.to_do())


class Style(unittest.TestCase):
    def test_format(self):
        for program in ('clang-format-19', 'clang-format'):
            if shutil.which(program) and f'version {FORMAT_VERSION}' in call(program, '--version').stdout:
                break
        else:
            self.skipTest('clang-format 19 is not installed')
        files = []
        for folder, folders, names in os.walk(SOURCE):
            folders[:] = [name for name in folders if not name.startswith(('build', '.', 'debian'))
                          and name != 'subprojects']
            files += [os.path.join(folder, name) for name in names if name.endswith(('.c', '.h'))]
        self.assertGreater(len(files), 20)
        done = call(program, '--dry-run', '--Werror', *sorted(files), check=False)
        self.assertEqual(done.returncode, 0, done.stdout)


if __name__ == '__main__':
    unittest.main()
