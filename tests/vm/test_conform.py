#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""scripts/update-conform: from the results of scx conform --json to the README."""

import importlib.machinery
import importlib.util
import json
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

HERE = Path(__file__).resolve().parent
SCRIPT = HERE.parent.parent / 'scripts' / 'update-conform'
sys.dont_write_bytecode = True


def load(path):
    loader = importlib.machinery.SourceFileLoader('update_conform', str(path))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader(loader.name, loader))
    loader.exec_module(module)
    return module


def result(name, verdict, **more):
    return {'type': 'conform', 'name': name, 'verdict': verdict, **more}


OLD = [result('lost-task', 'passed', kind=1026, status=3, took_ms=6149, late_us=2500, differences=''),
       result('chaos', 'passed', kind=0, status=0, late_us=10000, differences=''),
       result('kick-wait', 'refused', reason='it would hang'),
       {'type': 'conform_summary', 'kernel': '6.12.107'}]
NEW = [result('lost-task', 'failed', kind=1024, status=3, took_ms=52, late_us=0, differences='this\nthat'),
       result('kick-wait', 'passed', kind=0, status=0, late_us=0, differences=''),
       result('wrong-context', 'passed', kind=0, status=1, late_us=0, differences=''),
       result('hotplug', 'skipped', reason='no CPU'),
       result('lockup-enqueue', 'passed', kind=1026, status=3, took_ms=8000, late_us=8000000, differences=''),
       {'type': 'conform_summary', 'kernel': '7.3.4+deb13-cloud-amd64'}]


class Table(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def write(self, name, records):
        path = self.folder / name
        path.write_text(''.join(json.dumps(record) + '\n' for record in records), encoding='utf-8')
        return path

    def test_table(self):
        update = load(SCRIPT)
        # By version, whatever the order of the files.
        runs = [update.read(self.write(name, records)) for name, records in (('new', NEW), ('old', OLD))]
        self.assertEqual(update.markdown(runs).splitlines(), [
            '| fault | 6.12.107 | 7.3.4+deb13 |',
            '| --- | --- | --- |',
            '| `lost-task` | ok 1026, 6.1 s | **FAIL** 1024, 0.1 s |',
            '| `chaos` | ok, goes on | - |',
            '| `kick-wait` | refused | ok, goes on |',
            '| `wrong-context` | - | ok, not loaded |',
            '| `hotplug` | - | skipped |',
            '| `lockup-enqueue` | - | ok 1026, 8.0 s |',
            '| latest heartbeat, lockups apart | 10 ms | 0 ms |',
            '',
            '* 7.3.4+deb13, `lost-task`: this; that',
            '* 7.3.4+deb13, `hotplug`: no CPU',
        ])

    def test_bad_results(self):
        update = load(SCRIPT)
        for name, records in (('cut', OLD[:-1]), ('empty', []), ('none', OLD[-1:]), ('other', [1])):
            with self.subTest(name=name), self.assertRaises(ValueError):
                update.read(self.write(name, records))

    def test_program(self):
        readme = self.folder / 'README'
        old = self.write('old', OLD)

        def run(*arguments):
            return subprocess.run([sys.executable, str(SCRIPT), '--readme', str(readme), *arguments, str(old)],
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)

        readme.write_text('a\n', encoding='utf-8')
        done = run()
        self.assertEqual((done.returncode, done.stderr.count('\n')), (1, 1), done)
        readme.write_text('a\n<!-- conform: begin -->\nx\n<!-- conform: end -->\nb\n', encoding='utf-8')
        self.assertEqual(run('--check').returncode, 1)
        self.assertEqual(run().returncode, 0)
        self.assertEqual(run('--check').returncode, 0)
        text = readme.read_text(encoding='utf-8')
        self.assertTrue(text.startswith('a\n<!-- conform: begin -->\n| fault | 6.12.107 |\n'), text)
        self.assertTrue(text.endswith('\n<!-- conform: end -->\nb\n'), text)


if __name__ == '__main__':
    unittest.main()
