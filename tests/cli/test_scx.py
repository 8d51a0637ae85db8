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
import unittest

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
            for word in ('Usage: scx ', 'status', 'probe', 'watch'):
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
        for name in ('status', 'probe', 'watch'):
            self.assertIn(f'.SH scx {name}\n.nf\n{scx(name, "--help").stdout}.fi\n', page)

    def test_usage(self):
        self.assert_usage(scx(), 'which command')
        self.assert_usage(scx('nonsense'), 'nonsense')
        self.assert_usage(scx('--nonsense'), '--nonsense')

    def test_full_disk(self):
        with open('/dev/full', 'w', encoding='utf-8') as full:
            for arguments in (['--help'], ['--version'], ['--man'], ['probe', '--help'], ['probe'], ['watch', '--help']):
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


if __name__ == '__main__':
    unittest.main()
