#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""tests/vm/stress and scripts/update-stress without a machine: from what a run printed to the README."""

import argparse
import contextlib
import importlib.util
import io
import json
import subprocess
import sys
import tempfile
import unittest
from importlib.machinery import SourceFileLoader
from pathlib import Path

HERE = Path(__file__).resolve().parent
SCRIPT = HERE.parent.parent / 'scripts' / 'update-stress'
sys.path.insert(0, str(HERE))
sys.dont_write_bytecode = True

from vmlib import stress  # noqa: E402


def load(path):
    loader = SourceFileLoader('stress_program', str(path))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader(loader.name, loader))
    loader.exec_module(module)
    return module


GOOD = 'ok 1 - a\n# figures: seconds=600 forks=12345 moves=678\nok 2 - b\n# stress: kernel x, tcg, 9 s\n1..2\n'


def result(scheduler, kernel='6.12.107', started='2026-01-02T03:04:05+00:00', **more):
    return {'scheduler': scheduler, 'kernel': kernel, 'started': started, 'qemu': 'QEMU 10.0', 'good': True,
            'reasons': [], 'skipped': None, 'seconds': 600, 'forks': 12345, 'moves': 678, **more}


class Judge(unittest.TestCase):
    def test_good(self):
        self.assertEqual(stress.judge(GOOD), {'good': True, 'reasons': [], 'skipped': None, 'seconds': 600,
                                              'forks': 12345, 'moves': 678})

    def test_bad(self):
        for text in ('', '1..0\n', 'ok 1 - a\n1..1\n', GOOD.replace('ok 2', 'not ok 2'),
                     GOOD.replace('moves=678', 'moves='), GOOD.replace('ok ', '# ')):
            judged = stress.judge(text)
            self.assertFalse(judged['good'], text)
            self.assertIsNone(judged['skipped'], text)
            self.assertEqual(len(judged['reasons']), 1, text)

    def test_skipped(self):
        judged = stress.judge('1..0 # SKIP no QEMU\n')
        self.assertEqual((judged['good'], judged['skipped'], judged['reasons']), (False, 'no QEMU', []))


class Files(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def test_read(self):
        path = self.folder / 'results'
        results = [result('simple'), result('pair', good=False, reasons=['x'])]
        stress.write(path, results)
        self.assertEqual(stress.read(path), results)
        no_figure = result('simple')
        del no_figure['moves']
        for bad in ('', '[]', '{}', '{"stress": [1]}', json.dumps({'stress': [no_figure]})):
            path.write_text(bad, encoding='utf-8')
            with self.subTest(bad), self.assertRaises(ValueError):
                stress.read(path)

    def test_merged(self):
        old = [result('simple', forks=1), result('pair')]
        new = result('simple', started='2026-01-03T00:00:00+00:00')
        newest = result('simple', kernel='7.3.4+deb13-cloud-amd64')
        # The later one counts, whatever the order of the files.
        for parts in (([newest, new], old), (old, [new], [newest])):
            self.assertEqual(stress.merged(*parts), [old[1], new, newest])

    def test_markdown(self):
        results = [result('simple'), result('pair', started='2026-01-04T00:00:00+00:00', seconds=90),
                   result('simple', kernel='7.3.4+deb13-cloud-amd64', good=False, reasons=['3 - enabled'])]
        self.assertEqual(stress.markdown(results).splitlines(), [
            'Run on 2026-01-02 to 2026-01-04 with QEMU 10.0.',
            '',
            '| scheduler | 6.12.107 | 7.3.4+deb13 |',
            '| --- | --- | --- |',
            '| scx_pair | ok, 1.5 min, 12,345 forks, 678 moves | - |',
            '| scx_simple | ok, 10 min, 12,345 forks, 678 moves | **FAIL** |',
            '',
            'Failures:',
            '',
            '* 7.3.4+deb13, scx_simple: 3 - enabled',
        ])
        self.assertTrue(stress.markdown(results[:1]).startswith('Run on 2026-01-02 with'))
        with self.assertRaises(ValueError):
            stress.markdown([])

    def test_update(self):
        readme = self.folder / 'README'
        files = [self.folder / 'a', self.folder / 'b']
        stress.write(files[0], [result('simple')])
        stress.write(files[1], [result('pair')])

        def run(*arguments):
            return subprocess.run([sys.executable, str(SCRIPT), '--readme', str(readme), *arguments, *files],
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)

        readme.write_text('a\n', encoding='utf-8')
        done = run()
        self.assertEqual((done.returncode, done.stderr.count('\n')), (1, 1), done)
        readme.write_text('a\n<!-- stress: begin -->\nx\n<!-- stress: end -->\nb\n', encoding='utf-8')
        self.assertEqual(run('--check').returncode, 1)
        self.assertEqual(run().returncode, 0)
        self.assertEqual(run('--check').returncode, 0)
        text = readme.read_text(encoding='utf-8')
        for scheduler in ('simple', 'pair'):
            self.assertIn(f'| scx_{scheduler} | ok, 10 min, ', text)

    def test_results_are_kept(self):
        """One that is good, one that fails, one that is skipped."""
        program = load(HERE / 'stress')
        path = self.folder / 'results'
        known = [result('simple', started='2000-01-01T00:00:00+00:00', forks=1), result('qmap')]
        args = argparse.Namespace(minutes=10, cpus=4, bindir='build', json=path, keep=self.folder, tap=True)
        runs = program.Runs(args, known, 'QEMU 10.0')
        said = {'simple': GOOD, 'pair -S 1': 'not ok 1 - a\n1..1\n', 'nest': '1..0 # SKIP none\n'}

        def start(command):
            self.assertEqual(command[command.index('--kernel') + 1], '/x/vmlinuz-6.12.107')
            text = said[' '.join(command[command.index('stress.sh') + 2:])]
            return subprocess.Popen(['printf', '%s', text], stdout=subprocess.PIPE, text=True)

        runs.start = start
        out = io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(io.StringIO()):
            for scheduler in said:
                runs.run('/x/vmlinuz-6.12.107', scheduler)
        lines = [line for line in out.getvalue().splitlines() if not line.startswith('#')]
        self.assertEqual(lines, ['ok 1 - scx_simple on 6.12.107', 'not ok 2 - scx_pair -S 1 on 6.12.107',
                                 'ok 3 - scx_nest on 6.12.107 # SKIP none'])
        self.assertEqual((runs.ran, runs.good), (2, False))
        self.assertEqual([(one['scheduler'], one['good'], one.get('forks')) for one in stress.read(path)],
                         [('pair -S 1', False, None), ('qmap', True, 12345), ('simple', True, 12345)])
        self.assertEqual((self.folder / '6.12.107-simple.tap').read_text(encoding='utf-8'), GOOD)


if __name__ == '__main__':
    unittest.main()
