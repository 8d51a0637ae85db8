# SPDX-License-Identifier: GPL-2.0
"""TAP: Fixer makes valid TAP of what a script in a test machine printed, Writer writes it.

The script may die in the middle of a line, with its machine or without. What
comes out has a final plan all the same, and a `not ok` for each thing that the
script did not get to say. The plan is held back until the end, for a script that
announced five tests and hung in the third has run three, and the hang is one.
"""

import re
import sys

TEST = re.compile(r'(not )?ok\b(?:\s+(\d+))?(.*)')
PLAN = re.compile(r'1\.\.(\d+)\s*(?:#\s*(.*))?$')
TODO = re.compile(r'#\s*(?:todo|skip)\b', re.IGNORECASE)


def diagnostic(text):
    return ''.join(f'# {line}\n' for line in text.splitlines())


class Fixer:
    """feed() takes text as it comes and hands on whole lines to write(); finish()
    says what is left to say."""

    def __init__(self, write):
        self._write = write
        self._partial = ''
        self._in_yaml = False
        self._first = True
        self.count = 0
        self.failed = 0
        self.planned = None
        self.skip_all = None
        self._before = 0

    def feed(self, text):
        lines = (self._partial + text).split('\n')
        self._partial = lines.pop()
        for line in lines:
            self._line(line.rstrip('\r'))

    def comment(self, text):
        self._write(diagnostic(text))

    def _line(self, line):
        first, self._first = self._first, False
        if self._in_yaml:
            self._write(line + '\n')
            self._in_yaml = line.strip() != '...'
            return
        match = TEST.match(line)
        if match:
            self.count += 1
            failed = bool(match.group(1)) and not TODO.search(match.group(3))
            self.failed += failed
            # Numbers are written anew: one that is wrong would be an error of
            # the whole test, and hide which part of it went wrong.
            self._write(f'{match.group(1) or ""}ok {self.count}{match.group(3)}\n')
            return
        match = PLAN.match(line)
        if match:
            self.planned = int(match.group(1))
            if self.planned == 0:
                self.skip_all = re.sub(r'^skip\w*:?\s*', '', match.group(2) or '',
                                       flags=re.IGNORECASE) or 'no reason given'
            return
        if line.startswith('Bail out!'):
            self.fail('bailed out: ' + (line[len('Bail out!'):].strip() or 'no reason given'))
            return
        if line.startswith('#') or (first and line.startswith('TAP version ')):
            self._write(line + '\n')
            return
        if self.count and line.strip() == '---' and line != '---':
            self._in_yaml = True
            self._write(line + '\n')
            return
        if line.strip():
            self._write(diagnostic(line))

    def again(self):
        """The script begins anew: what it has said stays, its plan does not."""
        if self._partial:
            self._write(diagnostic(self._partial))
            self._partial = ''
        self._close_yaml()
        self._first = True
        self._before = self.count
        self.planned = self.skip_all = None

    def _close_yaml(self):
        if self._in_yaml:
            self._write('  ...\n')
            self._in_yaml = False

    def fail(self, name):
        self.count += 1
        self.failed += 1
        self._write(f'not ok {self.count} - {" ".join(name.replace("#", " ").split())}\n')

    def passed(self, name):
        self.count += 1
        self._write(f'ok {self.count} - {name}\n')

    def finish(self, status=None, failure=''):
        """status: the script's exit status; failure: what became of the machine,
        if it did not live to tell one."""
        if self._partial:
            # A line that was cut off is no verdict, whatever it began with.
            if failure:
                self._write(diagnostic(self._partial))
            else:
                self._line(self._partial.rstrip('\r'))
            self._partial = ''
        self._close_yaml()
        ran = self.count - self._before
        if failure:
            self.fail(f'VM: {failure}')
        elif status == 77 and self.count == 0:
            self.skip_all = self.skip_all or 'the script asked for it (status 77)'
        else:
            if self.planned is not None and self.planned != ran and not (
                    self.planned == 0 and ran):
                self.fail(f'the script planned {self.planned} tests and ran {ran}')
            if status and not self.failed:
                self.fail(f'the script ended with status {status}')
            if ran == 0 and self.skip_all is None:
                self.fail('the script ran no test')
        if self.count == 0:
            self._write(f'1..0 # SKIP {self.skip_all}\n')
        else:
            self._write(f'1..{self.count}\n')


class Writer:
    """Prints a test's TAP on stdout, if it is `on`."""

    def __init__(self, on=True):
        self.on, self.count = on, 0

    def test(self, good, name, reasons=(), skip=None):
        """One test; `reasons` are for whoever has to find out why it failed, `skip` why it was not run."""
        if not self.on:
            return
        self.count += 1
        text = ' '.join(name.replace('#', ' ').split())
        if skip:
            text += f' # SKIP {" ".join(skip.replace("#", " ").split())}'
        print(f'{"" if good else "not "}ok {self.count} - {text}')
        for reason in reasons:
            print(diagnostic(reason), end='')
        sys.stdout.flush()

    def plan(self):
        if self.on:
            print(f'1..{self.count}' if self.count else '1..0 # SKIP no kernel can be had', flush=True)
