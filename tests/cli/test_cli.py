#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""The command line of one scheduler, as a user meets it, on a machine without sched_ext.

Environment: SCX_PROGRAM is the program, SCX_SOURCE the source tree, SCX_VERSION the version.
"""

import json
import os
import re
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

PROGRAM = Path(os.environ['SCX_PROGRAM'])
SOURCE = Path(os.environ['SCX_SOURCE'])
NAME = PROGRAM.name.removeprefix('scx_')

# What users know from upstream's scheduler of the same name.
CLASSIC = {
    'simple': 'fvh',
    'qmap': 'setTlbPMHdDSpvh',
    'sdt': 'vh',
    'userland': 'bpvh',
    'nest': 'dmisIvh',
    'prev': 'ivh',
    'central': 'scvh',
    'cpu0': 'vh',
    'pair': 'Svh',
    'flatcg': 'sifvh',
    'fault': 'vh',
}
COMMON = ['stats', 'json', 'per-cpu', 'openmetrics', 'probe', 'dry-run', 'force', 'exit-dump-len',
          'timeout-ms', 'verbose', 'version', 'help']

# Where sanitizers and valgrind put their reports: stderr, with a status that is none of ours.
REPORT_STATUS = 99
ENVIRONMENT = dict(os.environ, LC_ALL='C',
                   ASAN_OPTIONS='detect_leaks=1:exitcode=99:detect_stack_use_after_return=1',
                   LSAN_OPTIONS='exitcode=99',
                   UBSAN_OPTIONS='halt_on_error=1:exitcode=99:print_stacktrace=1')
SANITIZER_REPORT = re.compile(r'Sanitizer|runtime error:')


class Run:
    def __init__(self, arguments, prefix=(), **options):
        options.setdefault('stdout', subprocess.PIPE)
        done = subprocess.run([*prefix, str(PROGRAM), *arguments], stdin=subprocess.DEVNULL,
                              stderr=subprocess.PIPE, env=ENVIRONMENT, timeout=120, text=True,
                              **options)
        self.arguments = arguments
        self.status = done.returncode
        self.out = done.stdout or ''
        self.err = done.stderr

    def __repr__(self):
        return f'{PROGRAM.name} {self.arguments}: status {self.status}\nstdout: {self.out}\nstderr: {self.err}'


class Option:
    """One option, as --help lists it."""
    LINE = re.compile(r'  (?:-(?P<short>\S), |    )--(?P<long>[a-z][a-z0-9-]*)(?: (?P<arg>[A-Z]+))?(?:  |$)')

    def __init__(self, match):
        self.short, self.long, self.arg = match['short'], match['long'], match['arg']

    @property
    def is_number(self):
        return bool(self.arg) and self.arg not in ('FILE', 'NAME', 'COMM')


def source_options():
    """(short, long) of each option in the tables of the sources, but for hidden ones."""
    found = []
    hidden = set()
    for path in (SOURCE / f'scheds/c/scx_{NAME}.c', SOURCE / 'lib/options.c'):
        text = path.read_text(encoding='utf-8')
        table = re.search(r'struct scx_option \w+\[\] = \{(.*?)\n\};', text, re.DOTALL)
        if not table:
            continue
        names = 0
        for entry in re.finditer(
                r"(?:\.short_name = '(?P<short>.)',\s*)?\.long_name = \"(?P<long>[^\"]+)\""
                r"|COMMON_FLAG\((?:0|'(?P<flag>.)'), \"(?P<name>[^\"]+)\""
                r"|SCX_EXIT_DUMP_LEN_OPTION\((?:0|'(?P<dump>.)')\)"
                r"|SCX_(?P<stats>STATS)_OPTION\((?:0|'(?P<interval>.)')\)"
                r"|SCX_SLICE_OPTION\('(?P<slice>.)',|SCX_(?P<partial>PARTIAL)_OPTION", table[1]):
            names += 1
            if entry['long']:
                found.append((entry['short'], entry['long']))
            elif entry['name']:
                found.append((entry['flag'], entry['name']))
            elif entry['stats']:
                found.append((entry['interval'], 'stats'))
            elif entry['slice']:
                found.append((entry['slice'], 'slice'))
            elif entry['partial']:
                found.append(('p', 'partial'))
            else:
                found.append((entry['dump'], 'exit-dump-len'))
        if names != len(re.findall(r'\.long_name|COMMON_FLAG\(|SCX_\w+_OPTION\b', table[1])):
            raise AssertionError(f'{path}: an entry of the table is in a form that this test cannot read')
        # Entries begin with their names, and the flag is after them.
        hidden.update(re.findall(r'\.long_name = "([^"]+)"(?:(?!\.long_name).)*?\.hidden = true',
                                 table[1], re.DOTALL))
    # The scheduler's own option goes before the common one.
    return list({long: (short, long) for short, long in reversed(found) if long not in hidden}.values())


def help_text():
    return subprocess.run([str(PROGRAM), '--help'], stdout=subprocess.PIPE, env=ENVIRONMENT, text=True,
                          timeout=120, check=True).stdout


def listed_options():
    return [Option(match) for match in map(Option.LINE.match, help_text().splitlines()) if match]


def good(option):
    """The option, with a value if it takes one that is good for every scheduler."""
    # A batch of pair is 1000 us at least.
    return f'--{option.long}' + {None: '', 'FILE': '=/nonexistent', 'US': '=1000'}.get(option.arg, '=1')


def has_sched_ext():
    return os.path.isdir('/sys/kernel/sched_ext')


class Case(unittest.TestCase):
    def run_program(self, *arguments, **options):
        run = Run(arguments, **options)
        self.assertIsNone(SANITIZER_REPORT.search(run.err), run)
        self.assertNotIn(run.status, (REPORT_STATUS, -6, -11), run)
        return run

    def assert_usage(self, run, *words):
        self.assertEqual(run.status, 2, run)
        self.assertEqual(run.out, '', run)
        for word in words:
            self.assertIn(word, run.err, run)
        # The last line says where to look; each begins with the program's name.
        lines = run.err.splitlines()
        self.assertEqual(lines[-1], f"{PROGRAM.name}: try '{PROGRAM.name} --help'", run)
        for line in lines:
            self.assertTrue(line.startswith(f'{PROGRAM.name}: '), run)


class Help(Case):
    def test_streams(self):
        for option in ('--help', '-h'):
            run = self.run_program(option)
            self.assertEqual(run.status, 0, run)
            self.assertEqual(run.err, '', run)
            self.assertTrue(run.out.startswith(f'Usage: {PROGRAM.name} [OPTION]...\n'), run)
            self.assertTrue(run.out.endswith('\n'), run)

    def test_width(self):
        for line in self.run_program('--help').out.splitlines():
            self.assertLessEqual(len(line), 80, line)
            self.assertEqual(line, line.rstrip())
            self.assertNotIn('\t', line)

    def test_lists_every_option(self):
        listed = {(option.short, option.long) for option in listed_options()}
        expected = source_options()
        self.assertGreater(len(expected), len(COMMON) - 1)
        self.assertEqual(listed, set(expected))
        self.assertEqual(len(listed_options()), len(listed))
        for long in COMMON:
            self.assertIn(long, [option.long for option in listed_options()])

    def test_letters_once(self):
        letters = [option.short for option in listed_options() if option.short]
        self.assertEqual(sorted(letters), sorted(set(letters)))

    def test_readme_tells_of_its_own_options(self):
        level = '##' if NAME == 'fault' else '###'
        readme = (SOURCE / 'README.md').read_text(encoding='utf-8')
        section = re.search(rf'^{level} scx_{NAME}\n(.*?)^#{{2,{len(level)}}} ', readme, re.DOTALL | re.MULTILINE)
        self.assertIsNotNone(section, f'README.md has no section {level} scx_{NAME}')
        for option in listed_options():
            if option.long not in COMMON:
                with self.subTest(option=option.long):
                    self.assertRegex(section[1], rf'(?<![\w-])--{option.long}(?![\w-])')

    def test_exit_status(self):
        text = ' '.join(self.run_program('--help').out.split())
        self.assertIn('Exit status: 0 ', text)
        for status in range(1, 6):
            self.assertRegex(text.split('Exit status:')[1], rf'\b{status} ')

    def test_classic_options(self):
        if NAME not in CLASSIC:
            self.skipTest(f'no list of known options for {PROGRAM.name} in this test')
        options = {option.short: option for option in listed_options()}
        for letter in CLASSIC[NAME]:
            with self.subTest(letter=letter):
                self.assertIn(letter, options)
                value = ['1'] if options[letter].arg else []
                # --help goes before everything else, so that the value is all that is looked at.
                run = self.run_program(f'-{letter}', *value, '--help')
                self.assertEqual(run.status, 0, run)

    def test_before_all_else(self):
        for arguments in (['--help', '--stats', '1'], ['-V', '-h'], ['--dry-run', '--help']):
            run = self.run_program(*arguments)
            self.assertEqual((run.status, run.err), (0, ''), run)
            self.assertTrue(run.out.startswith('Usage: '), run)


class Man(Case):
    def setUp(self):
        run = self.run_program('--man')
        self.assertEqual((run.status, run.err), (0, ''), run)
        self.page = run.out

    def section(self, name):
        match = re.search(rf'^\.SH {name}\n(.*?)(?=^\.SH |\Z)', self.page, re.DOTALL | re.MULTILINE)
        self.assertIsNotNone(match, name)
        return match[1]

    def test_options_as_in_help(self):
        listed = []
        for line in self.section('OPTIONS').replace('\\-', '-').splitlines():
            match = re.fullmatch(r'(?:\\fB-(\S)\\fR, )?\\fB--([a-z-]+)\\fR(?: \\fI[A-Z]+\\fR)?', line)
            if match:
                listed.append((match[1], match[2]))
        self.assertEqual(listed, [(option.short, option.long) for option in listed_options()])

    def test_statistics(self):
        text = (SOURCE / f'scheds/c/scx_{NAME}.c').read_text(encoding='utf-8')
        table = re.search(r'struct scx_stat \w+\[\w*\] = \{(.*?)\n\};', text, re.DOTALL)
        names = re.findall(r'\{\s*"(\w+)"', table[1])
        self.assertGreater(len(names), 2)
        self.assertEqual(re.findall(r'^\.B (\w+)$', self.section('STATISTICS'), re.MULTILINE), names)

    def test_exit_status(self):
        self.assertEqual(re.findall(r'^\.B (\d)$', self.section('EXIT STATUS'), re.MULTILINE),
                         list('012345'))

    def test_formats(self):
        """No request that man does not know, and no text taken for one."""
        for line in self.page.splitlines():
            if line.startswith(('.', "'")):
                self.assertRegex(line, r'^\.(TH|SH|TP|PP|B|BR)( |$)')


class Version(Case):
    def test_version(self):
        for option in ('--version', '-V'):
            run = self.run_program(option)
            self.assertEqual((run.status, run.err), (0, ''), run)
            self.assertRegex(run.out, rf'^{PROGRAM.name} {re.escape(os.environ["SCX_VERSION"])} '
                                      r'\(libbpf [0-9]+\.[0-9]+\)\n$')


class BadOptions(Case):
    def test_unknown(self):
        # '~' is nobody's letter.
        for argument, word in (('-~', '-~'), ('-v~', '-~'), ('--no-such', '--no-such'),
                               ('--no-such=1', '--no-such'), ('--help-me', '--help-me')):
            with self.subTest(argument=argument):
                self.assert_usage(self.run_program(argument), word)

    def test_stray(self):
        for arguments, word in ((['stray'], 'stray'), (['-v', 'stray'], 'stray'), (['stray', '-v'], 'stray'),
                                (['--', '-v'], "'-v'"), ([''], "''"), (['--help', 'stray'], 'stray')):
            with self.subTest(arguments=arguments):
                self.assert_usage(self.run_program(*arguments), word)

    def test_bad_numbers(self):
        for option in listed_options():
            if not option.is_number:
                continue
            for value in ('10x', '', ' 1', '+1', '99999999999', '99999999999999999999', '-99999999999',
                          '0x1', '1.0'):
                with self.subTest(option=option.long, value=value):
                    run = self.run_program(f'--{option.long}', value)
                    self.assert_usage(run, f"'{value}'", f'--{option.long}')
            with self.subTest(option=option.long, joined=True):
                self.assert_usage(self.run_program(f'--{option.long}=10x'), '10x')
                if option.short:
                    self.assert_usage(self.run_program(f'-{option.short}10x'), '10x')

    def test_numbers_below(self):
        for option in listed_options():
            # -1 means something to -d alone, and 0 to some, and where a CPU is named.
            if option.is_number and option.long != 'disallow':
                zero = option.arg == 'CPU' or option.long in ('exit-dump-len', 'max-reserve', 'iterations',
                                                                'code', 'seed')
                for value in ('-1',) if zero else ('-1', '0'):
                    with self.subTest(option=option.long, value=value):
                        self.assert_usage(self.run_program(f'--{option.long}', value), f"'{value}'")

    def test_missing_argument(self):
        for option in listed_options():
            if not option.arg:
                continue
            with self.subTest(option=option.long):
                self.assert_usage(self.run_program(f'--{option.long}'), f'--{option.long}')
                if option.short:
                    self.assert_usage(self.run_program(f'-{option.short}'), f'-{option.short}')

    def test_argument_to_flag(self):
        flags = [option for option in listed_options() if not option.arg]
        self.assertGreater(len(flags), 4)
        for option in flags:
            with self.subTest(option=option.long):
                self.assert_usage(self.run_program(f'--{option.long}=1'), f'--{option.long}=1')

    def test_empty_file_name(self):
        self.assert_usage(self.run_program('--openmetrics='), '--openmetrics')

    def test_empty_text(self):
        for option in listed_options():
            if option.arg in ('NAME', 'COMM'):
                with self.subTest(option=option.long):
                    self.assert_usage(self.run_program(f'--{option.long}='), f'--{option.long}')

    def test_good_values(self):
        for option in listed_options():
            with self.subTest(option=option.long):
                run = self.run_program(good(option), '--help')
                self.assertEqual(run.status, 0, run)


class NoSchedExt(Case):
    """What a user gets whose kernel cannot do it."""

    def setUp(self):
        if has_sched_ext():
            self.skipTest('the kernel of this machine has sched_ext')

    def assert_unsupported(self, run):
        self.assertEqual(run.status, 4, run)
        self.assertEqual(run.out, '', run)
        self.assertEqual(run.err.count('\n'), 1, run)
        self.assertTrue(run.err.startswith(f'{PROGRAM.name}: kernel {os.uname().release} '), run)
        # A kernel without BTF cannot be asked for more.
        self.assertRegex(run.err, r'sched_ext|BTF')
        if os.path.exists('/sys/kernel/btf/vmlinux'):
            self.assertIn('sched_ext', run.err)
            self.assertIn('CONFIG_SCHED_CLASS_EXT', run.err)

    def test_plain(self):
        self.assert_unsupported(self.run_program())

    def test_options(self):
        for arguments in (['--dry-run'], ['--json'], ['--stats', '1'], ['--dry-run', '--json'],
                          ['--exit-dump-len', '0'], ['--timeout-ms', '30000']):
            with self.subTest(arguments=arguments):
                self.assert_unsupported(self.run_program(*arguments))

    def test_leaves_no_file(self):
        with tempfile.TemporaryDirectory() as folder:
            self.assert_unsupported(self.run_program('--openmetrics', f'{folder}/metrics'))
            self.assertEqual(os.listdir(folder), [])


@unittest.skipUnless(NAME == 'fault', 'of scx_fault alone')
class Fault(Case):
    """What scx_fault says of its faults, which needs neither rights nor sched_ext."""

    def expectations(self):
        run = self.run_program('--list', '--json')
        self.assertEqual((run.status, run.err), (0, ''), run)
        return [json.loads(line) for line in run.out.splitlines()]

    def test_json(self):
        found = self.expectations()
        self.assertGreaterEqual(len(found), 26)
        self.assertEqual(len({one['name'] for one in found}), len(found))
        for one in found:
            with self.subTest(fault=one['name']):
                self.assertEqual(set(one), {'type', 'scheduler', 'name', 'summary', 'needs', 'kinds', 'status',
                                            'kernels', 'message', 'effect', 'seconds', 'refused_on', 'cpus',
                                            'at_load'})
                self.assertEqual((one['type'], one['scheduler']), ('expectation', 'fault'))
                self.assertRegex(one['name'], r'^[a-z]+(-[a-z]+)*$')
                self.assertLess(len(one['name']), 24)
                kinds = one['kinds'].split()
                self.assertLessEqual(set(kinds), {'0', '65', '1024', '1025', '1026'})
                kernels = [tuple(map(int, word.split('.'))) for word in one['kernels'].split()]
                self.assertEqual((len(one['status'].split()), len(kernels)), (len(kinds), len(kinds)))
                self.assertEqual(kernels, sorted(kernels))
                self.assertEqual(kernels[0], (6, 12))
                re.compile(one['message'])
                # A verdict has a time to come in.
                self.assertEqual(one['seconds'] > 0, kinds[0] != '0')
                self.assertGreaterEqual(one['cpus'], 1)
                self.assertTrue(one['summary'] and one['effect'])

    def test_enumeration(self):
        """The table has all that there are, in their order."""
        header = (SOURCE / 'scheds/c/scx_fault.h').read_text(encoding='utf-8')
        names = re.findall(r'^\tFAULT_([A-Z_]+),$', re.search(r'enum fault \{(.*?)\}', header, re.DOTALL)[1],
                           re.MULTILINE)
        self.assertEqual(names[0], 'NONE')
        self.assertEqual([one['name'] for one in self.expectations()],
                         [name.lower().replace('_', '-') for name in names[1:]])

    def test_text(self):
        run = self.run_program('--list')
        self.assertEqual((run.status, run.err), (0, ''), run)
        self.assertEqual(re.findall(r'^(\S+)$', run.out, re.MULTILINE),
                         [one['name'] for one in self.expectations()])
        self.assertLessEqual(max(map(len, run.out.splitlines())), 80)
        text = ' '.join(run.out.split()) + ' '
        for one in self.expectations():
            self.assertIn(f"{one['name']} {one['summary']} ", text)
            self.assertIn(f"machine: {one['effect']} ", text)
        self.assertIn(' kernel: ends it, exit kind 1024 (status 3); from 7.1: refuses it (status 1) ', text)
        self.assertIn(' kernel: lets it go on (status 0), or ends it, exit kind 1026 (status 3) ', text)

    def test_in_help(self):
        text = ' '.join(self.run_program('--help').out.split())
        for one in self.expectations():
            self.assertRegex(text, rf"[ ]{one['name']}[,.]")

    def test_unknown(self):
        for name in ('no-such', 'lost', 'LOST-TASK', 'none', 'lost-task '):
            with self.subTest(name=name):
                self.assert_usage(self.run_program('--fault', name), f"'{name}'", '--list')

    def test_task_too_long(self):
        self.assert_usage(self.run_program('--fault', 'lost-task', '--task', 'sixteen-letters-'), '--task', '15')

    def test_no_effect(self):
        for arguments, words in ((['--every', '3', '--fault', 'x'], None),
                                 (['--every', '3', '--list'], '--every has no effect without --fault'),
                                 (['--fault', 'kick-storm', '--task', 'x', '--probe'],
                                  '--task has no effect with --fault kick-storm')):
            with self.subTest(arguments=arguments):
                run = self.run_program(*arguments)
                if words:
                    self.assertIn(words, run.err, run)
                else:
                    self.assertNotIn('no effect', run.err, run)

    def test_full_disk(self):
        for arguments in (['--list'], ['--list', '--json']):
            with self.subTest(arguments=arguments), open('/dev/full', 'wb') as full:
                run = self.run_program(*arguments, stdout=full)
                self.assertEqual(run.status, 1, run)


class Output(Case):
    """Text that did not arrive must not pass for success."""

    def test_full_disk(self):
        for option in ('--help', '--version'):
            with self.subTest(option=option), open('/dev/full', 'wb') as full:
                run = self.run_program(option, stdout=full)
                self.assertEqual(run.status, 1, run)

    def test_closed(self):
        for option in ('--help', '--version'):
            with self.subTest(option=option):
                run = self.run_program(option, stdout=None, preexec_fn=lambda: os.close(1))
                self.assertEqual(run.status, 1, run)

    def test_closed_stderr(self):
        # Nowhere to say it, but the status still tells.
        run = subprocess.run([str(PROGRAM), '--no-such'], stdout=subprocess.PIPE, env=ENVIRONMENT,
                             preexec_fn=lambda: os.close(2), timeout=120)
        self.assertEqual((run.returncode, run.stdout), (2, b''))


VALGRIND = ['valgrind', '--quiet', f'--error-exitcode={REPORT_STATUS}', '--leak-check=full',
            '--errors-for-leak-kinds=definite,indirect,possible', '--show-leak-kinds=definite,indirect,possible',
            '--track-fds=no']


class Valgrind(Case):
    """The same under valgrind: one of each kind, for it takes its time."""

    def setUp(self):
        if not shutil.which('valgrind'):
            self.skipTest('valgrind is not installed')

    def check(self, status, *arguments, **options):
        run = self.run_program(*arguments, prefix=VALGRIND, **options)
        self.assertEqual(run.status, status, run)
        self.assertNotIn('==', run.err, run)

    def test_help(self):
        self.check(0, '--help')

    def test_version(self):
        self.check(0, '--version')

    def test_usage(self):
        for arguments in (['--no-such'], ['-~'], ['--stats', '10x'], ['--stats', '0'], ['--stats'],
                          ['--json=1'], ['stray'], ['--openmetrics=']):
            with self.subTest(arguments=arguments):
                self.check(2, *arguments)

    def test_full_disk(self):
        with open('/dev/full', 'wb') as full:
            self.check(1, '--help', stdout=full)

    def test_closed(self):
        self.check(1, '--help', stdout=None, preexec_fn=lambda: os.close(1))

    def test_no_sched_ext(self):
        if has_sched_ext():
            self.skipTest('the kernel of this machine has sched_ext')
        self.check(4)
        self.check(4, '--dry-run', '--json', '--stats', '1', '-v')

    def test_good_options(self):
        self.check(0, *map(good, listed_options()))


if __name__ == '__main__':
    unittest.main()
