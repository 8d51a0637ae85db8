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


def lines(records):
    """As scx conform --json prints them."""
    return ''.join(json.dumps(record) + '\n' for record in records)


OLD = [result('lost-task', 'passed', kind=1026, status=3, took_ms=6149, late_us=2500, differences=''),
       result('chaos', 'passed', kind=0, status=0, late_us=10000, differences=''),
       result('kick-wait', 'refused', reason='it would hang'),
       {'type': 'conform_summary', 'kernel': '6.12.107'}]
MACHINE = {'type': 'machine', 'kernel': '7.1.13+deb13-cloud-amd64', 'date': '2026-11-27', 'qemu': 'QEMU 10.0',
           'accel': 'tcg', 'cpus': 2}
OLD_PAHOLE = ('this kernel was built with a pahole too old for it, so that these kfuncs cannot be called: '
              'a(); use another build of it, or another version')
MALFORMED = [MACHINE,
             *(result(name, 'error', reason=OLD_PAHOLE.replace('a()', f'a(), {name}()'))
               for name in ('lost-task', 'chaos', 'kick-wait', 'exit', 'error')),
             result('sysrq', 'passed', kind=67, status=0, took_ms=100, late_us=0, differences=''),
             {'type': 'conform_summary', 'kernel': '7.1.13+deb13-cloud-amd64'}]
UNBOUNDED = [result('lost-task', 'passed', kind=1026, status=3, took_ms=6149, late_us=2500, differences=''),
             result('qmap-loop', 'failed', reason='it hangs', differences='expected: a; refused: it hangs'),
             {'type': 'conform_summary', 'kernel': '6.12.107-unbounded'}]
NEW = [result('lost-task', 'failed', kind=1024, status=3, took_ms=52, late_us=0, differences='this\nthat'),
       result('kick-wait', 'passed', kind=0, status=0, late_us=0, differences=''),
       result('wrong-context', 'passed', kind=0, status=1, late_us=0, differences=''),
       result('hotplug', 'skipped', reason='no CPU'),
       result('lockup-enqueue', 'passed', kind=1026, status=3, took_ms=8000, late_us=8000000, differences=''),
       {'type': 'conform_summary', 'kernel': '7.3.4+deb13-cloud-amd64'}]


class Judge(unittest.TestCase):
    """tests/vm/conform: what it lets pass."""

    def setUp(self):
        self.conform = load(HERE / 'conform')
        self.conform.log = lambda text: None

    def outcome(self, fault, version):
        return self.conform.judge_fault(fault, version)[0]

    def test_faults(self):
        refused = {name: result(name, 'refused', reason='x') for name in ('kick-wait', 'init-task-error', 'error')}
        for version, name, wanted in (
                ('6.12.107', 'kick-wait', 'skipped'), ('6.18.15+deb13-cloud-amd64', 'kick-wait', 'skipped'),
                ('6.19.14+deb13-cloud-amd64', 'kick-wait', 'bad'), ('7.3', 'kick-wait', 'bad'),
                ('6.16.12', 'init-task-error', 'bad'), ('6.17.13', 'init-task-error', 'skipped'),
                ('6.18', 'init-task-error', 'bad'), ('6.12.107', 'error', 'bad')):
            with self.subTest(version=version, name=name):
                self.assertEqual(self.outcome(refused[name], version), wanted)
        self.assertEqual(self.outcome(OLD[0], '6.12.107'), 'passed')
        for fault in (NEW[0], NEW[3], MALFORMED[1]):
            self.assertEqual(self.outcome(fault, '7.3.4+deb13-cloud-amd64'), 'bad')

    def test_malformed(self):
        for version, wanted in (('7.1.13+deb13-cloud-amd64', 'skipped'), ('7.1.14', 'bad'), ('7.2.13', 'bad')):
            self.assertEqual(self.outcome(MALFORMED[1], version), wanted)
        self.assertEqual(self.outcome(result('error', 'error', reason='cannot be started'), '7.1.13'), 'bad')
        self.assertEqual(self.outcome(NEW[3], '7.1.13'), 'bad')

    def test_unbounded(self):
        why = 'expected: ended, exit kind 1026 (status 3); refused: kernel 6.12 does not ... (no SCX_DSP_MAX_LOOPS)'
        fault = result('qmap-loop', 'failed', reason='x', differences=why)
        self.assertEqual(self.outcome(fault, '6.12.107-unbounded'), 'passed')
        self.assertEqual(self.outcome(fault, '6.12.107'), 'bad')
        self.assertEqual(self.outcome({**fault, 'verdict': 'refused'}, '6.12.107-unbounded'), 'bad')
        self.assertEqual(self.outcome({**fault, 'differences': 'not ended'}, '6.12.107-unbounded'), 'bad')
        self.assertEqual(self.outcome({**fault, 'name': 'error'}, '6.12.107-unbounded'), 'bad')

    def test_whole(self):
        class Run:
            failure, stderr, exit_status = None, '', 0

        def judge(records, wanted, version='6.12.107', status=0):
            results = self.conform.Results('x')
            results.feed(lines(records).encode())
            Run.exit_status = status
            return self.conform.judge(results, Run, wanted, version)

        names = ['lost-task', 'chaos', 'kick-wait']
        self.assertIsNone(judge(OLD, names))
        self.assertIn('status 3', judge(OLD, names, status=3))
        self.assertIn('missing: exit', judge(OLD, [*names, 'exit']))
        self.assertIn('3 faults', judge(OLD, names[:2]))
        self.assertIn('said', judge(OLD[:-1], names))
        self.assertIsNone(judge(UNBOUNDED, ['lost-task', 'qmap-loop'], '6.12.107-unbounded', 3))
        self.assertIn('instead of 3', judge(UNBOUNDED, ['lost-task', 'qmap-loop'], '6.12.107-unbounded', 0))
        broken = [fault['name'] for fault in MALFORMED[1:-1]]
        self.assertIsNone(judge(MALFORMED, broken, '7.1.13+deb13-cloud-amd64', 1))
        self.assertIn('instead of 0', judge(MALFORMED, broken, '7.3', 1))

    def test_again(self):
        """A machine that was lost goes on with what is left, and the results are those of one run."""
        def feed(records):
            results.feed(lines(records).encode())

        class Run:
            failure, stderr, exit_status = None, '', 0

        names = ['lost-task', 'chaos', 'kick-wait']
        results = self.conform.Results('x')
        feed(OLD[:1])
        results.feed(b'{"type":"conform","name":"ch')
        self.assertEqual(results.again(names), names[1:])
        feed(OLD[1:])
        self.assertIsNone(self.conform.judge(results, Run, names, '6.12.107'))
        whole = self.conform.Results('x')
        whole.feed(lines(OLD).encode())
        self.assertEqual(results.lines(), whole.lines())
        # Behind the last one, before the summary.
        results = self.conform.Results('x')
        feed(OLD[:-1])
        self.assertEqual(results.again(names), names[-1:])
        feed(OLD[-2:])
        self.assertIsNone(self.conform.judge(results, Run, names, '6.12.107'))
        # The status is that of the last run, in which nothing failed.
        results = self.conform.Results('x')
        loop = next(record for record in UNBOUNDED if record.get('name') == 'qmap-loop')
        feed([loop])
        self.assertEqual(results.again(['qmap-loop', 'lost-task']), ['lost-task'])
        feed([record for record in UNBOUNDED if record is not loop])
        self.assertIsNone(self.conform.judge(results, Run, ['qmap-loop', 'lost-task'], '6.12.107-unbounded'))

    def test_all_faults(self):
        names = self.conform.all_faults()
        self.assertGreaterEqual(len(names), 34)
        self.assertLessEqual({*self.conform.REFUSED, *self.conform.LOOPS}, set(names))


class Table(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def write(self, name, records):
        path = self.folder / name
        path.write_text(lines(records), encoding='utf-8')
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

    def test_not_run(self):
        update = load(SCRIPT)
        runs = [update.read(self.write(name, records))
                for name, records in (('malformed', MALFORMED), ('unbounded', UNBOUNDED))]
        self.assertEqual(update.markdown(runs).splitlines(), [
            'Run on 2026-11-27 with QEMU 10.0, TCG, 2 CPUs: 7.1.13+deb13.',
            '',
            '| fault | 6.12.107-unbounded | 7.1.13+deb13 |',
            '| --- | --- | --- |',
            '| `lost-task` | ok 1026, 6.1 s | cannot run |',
            '| `qmap-loop` | **FAIL** refused | - |',
            '| `chaos` | - | cannot run |',
            '| `kick-wait` | - | cannot run |',
            '| `exit` | - | cannot run |',
            '| `error` | - | cannot run |',
            '| `sysrq` | - | ok 67, 0.1 s |',
            '| latest heartbeat, lockups apart | 2 ms | 0 ms |',
            '',
            '* 6.12.107-unbounded, `qmap-loop`: expected: a; refused: it hangs',
            '* 7.1.13+deb13, 5 faults: this kernel was built with a pahole too old for it',
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
