#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""The command line of `scx`, on a machine without sched_ext.

Environment: SCX_PROGRAM is the program, SCX_VERSION the version, SCX_SCHEDULERS the names of all
schedulers.
"""

import json
import os
import platform
import subprocess
import tempfile
import unittest
from pathlib import Path

PROGRAM = os.environ['SCX_PROGRAM']
SCHEDULERS = os.environ['SCX_SCHEDULERS'].split()
HAS_SCHED_EXT = os.path.isdir('/sys/kernel/sched_ext')


def scx(*arguments, **options):
    options.setdefault('stdout', subprocess.PIPE)
    return subprocess.run([PROGRAM, *arguments], stdin=subprocess.DEVNULL, stderr=subprocess.PIPE,
                          text=True, timeout=120, **options)


class Case(unittest.TestCase):
    def assert_usage(self, run, word):
        self.assertEqual((run.returncode, run.stdout), (2, ''), run)
        self.assertIn(word, run.stderr)
        self.assertEqual(run.stderr.count('\n'), 1, run)


class General(Case):
    def test_help(self):
        for option in ('--help', '-h'):
            run = scx(option)
            self.assertEqual((run.returncode, run.stderr), (0, ''), run)
            for word in ('Usage: scx ', 'status', 'probe', 'watch', 'conform'):
                self.assertIn(word, run.stdout)

    def test_version(self):
        for option in ('--version', '-V'):
            run = scx(option)
            self.assertEqual((run.returncode, run.stdout, run.stderr),
                             (0, f"scx {os.environ['SCX_VERSION']}\n", ''), run)

    def test_man(self):
        run = scx('--man')
        self.assertEqual((run.returncode, run.stderr), (0, ''), run)
        self.assertTrue(run.stdout.startswith('.TH SCX 8 '))
        page = run.stdout.replace('\\-', '-').replace('\\&', '')
        for name in ('status', 'probe', 'watch', 'conform'):
            self.assertIn(f'.SH scx {name}\n.nf\n{scx(name, "--help").stdout}.fi\n', page)

    def test_usage(self):
        self.assert_usage(scx(), 'which command')
        self.assert_usage(scx('nonsense'), 'nonsense')
        self.assert_usage(scx('--nonsense'), '--nonsense')

    def test_full_disk(self):
        with open('/dev/full', 'w', encoding='utf-8') as full:
            for arguments in (['--help'], ['--version'], ['--man'], ['probe', '--help'], ['probe'], ['watch', '--help'],
                              ['conform', '--help']):
                with self.subTest(arguments=arguments):
                    self.assertEqual(scx(*arguments, stdout=full).returncode, 1)


class Command(Case):
    """What all subcommands have in common."""
    name = None

    def check_options(self):
        for option in ('--help', '-h'):
            run = scx(self.name, option)
            self.assertEqual((run.returncode, run.stderr), (0, ''), run)
            self.assertTrue(run.stdout.startswith(f'Usage: scx {self.name} '), run)
            for line in run.stdout.splitlines():
                self.assertLessEqual(len(line), 80)
        self.assert_usage(scx(self.name, '--nonsense'), '--nonsense')
        self.assert_usage(scx(self.name, '-x'), "'-x'")
        self.check_stray()

    def check_stray(self):
        self.assert_usage(scx(self.name, 'stray'), "'stray'")


class Status(Command):
    name = 'status'

    def test_options(self):
        self.check_options()

    def test_no_sched_ext(self):
        if HAS_SCHED_EXT:
            self.skipTest('this machine has sched_ext')
        run = scx('status')
        self.assertEqual((run.returncode, run.stdout), (4, ''), run)
        self.assertIn('no sched_ext', run.stderr)


class Probe(Command):
    name = 'probe'

    def test_options(self):
        self.check_options()

    def test_text(self):
        run = scx('probe')
        self.assertIn(run.returncode, (0, 4), run)
        self.assertTrue(run.stdout.startswith(f'kernel: {platform.release()}\n'), run)
        for name in SCHEDULERS:
            self.assertIn(f'\nscx_{name}: ', run.stdout)

    def test_json(self):
        run = scx('probe', '--json')
        self.assertEqual(run.stdout.count('\n'), 1)
        found = json.loads(run.stdout)
        self.assertEqual(found['type'], 'probe')
        self.assertEqual(found['kernel'], platform.release())
        self.assertEqual(sorted(found['schedulers']), sorted(SCHEDULERS))

    def test_no_sched_ext(self):
        if HAS_SCHED_EXT:
            self.skipTest('this machine has sched_ext')
        run = scx('probe', '--json')
        self.assertEqual(run.returncode, 4, run)
        found = json.loads(run.stdout)
        self.assertEqual((found['sched_ext'], found['state']), (0, 'absent'))
        for name in SCHEDULERS:
            self.assertEqual(found['schedulers'][name]['runs'], 0)
            self.assertIn('no sched_ext', found['schedulers'][name]['said'])


class Watch(Command):
    name = 'watch'

    def test_options(self):
        self.check_options()

    def test_help(self):
        run = scx('watch', '--help')
        for word in ('--json', '--once', '--duration SEC', '--interval SEC', '--openmetrics FILE',
                     'Exit status'):
            self.assertIn(word, run.stdout)
        # What tests need is no option for users.
        self.assertNotIn('--test', run.stdout)

    def test_bad_values(self):
        for option in ('--duration', '--interval'):
            for value in ('0', '-1', '1x', '', ' 1', '+1', '1.5', '86401', '99999999999999999999'):
                with self.subTest(option=option, value=value):
                    run = scx('watch', option, value)
                    self.assert_usage(run, option)
                    self.assertIn(f"'{value}' is not a whole number from 1 to ", run.stderr)
        for option in ('--duration', '--interval', '--openmetrics'):
            with self.subTest(option=option):
                self.assert_usage(scx('watch', option), f'{option} needs an argument')
        self.assert_usage(scx('watch', '--openmetrics', ''), 'not empty')
        for option in ('--json=yes', '--once=1', '--help=me'):
            with self.subTest(option=option):
                self.assert_usage(scx('watch', option), f"'{option}'")
        self.assert_usage(scx('watch', '--once', '--duration', '3'), '--once and --duration')
        # The last of several counts.
        self.assert_usage(scx('watch', '--interval', '3', '--interval', '0'), "'0'")

    def test_no_sched_ext(self):
        if HAS_SCHED_EXT:
            self.skipTest('this machine has sched_ext')
        for arguments in ([], ['--once'], ['--json', '--duration', '1']):
            with self.subTest(arguments=arguments):
                run = scx('watch', *arguments)
                self.assertEqual((run.returncode, run.stdout, run.stderr),
                                 (4, '', 'scx: this kernel has no sched_ext\n'), run)


class Conform(Command):
    name = 'conform'

    def check_stray(self):
        # Names of faults: whether there is such a fault is known once there is a kernel to ask.
        pass

    def test_options(self):
        self.check_options()

    def test_help(self):
        run = scx('conform', '--help')
        for word in ('--list', '--json', '--tap', '--reference FILE', '--bindir DIR', '--stop', '--force',
                     '3 something differs'):
            self.assertIn(word, run.stdout)

    def test_bad_values(self):
        for option in ('--bindir', '--reference'):
            with self.subTest(option=option):
                self.assert_usage(scx('conform', option), f'{option} needs an argument')
                self.assert_usage(scx('conform', option, ''), 'not empty')
        for option in ('--json=yes', '--tap=1', '--list=x', '--stop=1', '--force=1'):
            with self.subTest(option=option):
                self.assert_usage(scx('conform', option), f"'{option}'")
        self.assert_usage(scx('conform', '--json', '--tap'), '--json and --tap')
        self.assert_usage(scx('conform', '--list', '--tap'), '--list')
        self.assert_usage(scx('conform', '--list', '--stop'), '--list')

    def test_bad_reference(self):
        def refused(content, said):
            with tempfile.NamedTemporaryFile('w', suffix='.json', encoding='utf-8') as file:
                file.write(content)
                file.flush()
                run = scx('conform', '--reference', file.name)
                self.assertEqual((run.returncode, run.stdout, run.stderr.count('\n')), (1, '', 1), run)
                self.assertIn(said, run.stderr)

        refused('', 'has no expectation')
        refused('hello\n', 'line 1: it is no JSON object')
        refused('{"type":"conform_summary"}\n{"type":"expectation","name":"x"}\n', 'line 2: it lacks kinds')
        refused('\0\0\0', 'line 1: ')
        run = scx('conform', '--reference', '/nowhere/x')
        self.assertEqual((run.returncode, run.stdout), (1, ''), run)
        self.assertIn("'/nowhere/x'", run.stderr)

    def test_reference(self):
        """The file in the tree is what is built in, on any machine."""
        run = scx('conform', '--list', '--json')
        self.assertEqual((run.returncode, run.stderr), (0, ''), run)
        built_in = [json.loads(line) for line in run.stdout.splitlines()]
        for expectation in built_in:
            for key in ('runs', 'verdict', 'reason'):
                self.assertEqual(key in expectation, HAS_SCHED_EXT, expectation)
                expectation.pop(key, None)
        path = Path(os.environ['SCX_SOURCE'], 'tools', 'conform-reference.json')
        in_tree = [json.loads(line) for line in path.read_text(encoding='utf-8').splitlines()]
        self.maxDiff = None
        self.assertEqual(built_in, in_tree, "write it anew with 'scx conform --list --json'")
        self.assertGreaterEqual(len(in_tree), 34)
        by_name = {expectation['name']: expectation for expectation in in_tree}
        self.assertEqual(by_name['loop-sleeping']['kinds'], '1026')
        self.assertEqual(by_name['exit']['code'], 77)

    def test_no_sched_ext(self):
        if HAS_SCHED_EXT:
            self.skipTest('this machine has sched_ext')
        for arguments in ([], ['--list'], ['--json', 'lost-task'], ['--force', '--tap']):
            with self.subTest(arguments=arguments):
                run = scx('conform', *arguments)
                self.assertEqual((run.returncode, run.stdout, run.stderr),
                                 (4, '', 'scx: this kernel has no sched_ext\n'), run)


if __name__ == '__main__':
    unittest.main()
