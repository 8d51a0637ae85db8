#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Counts the tests of several `meson test` runs from the logs that they left.

usage: summary.py [--failed WHAT]... [LABEL:LOG.json...]

Each subtest of a TAP test counts as one test, any other test as one. It is the
JSON log that is read, not the JUnit one: only there do the reasons of skips
survive, and the result of a TAP test as a whole, which may have failed although
each subtest that it still reported had passed. --failed adds failures from
outside of meson. Reasons of skips come first, then the names of failures, each
with what its test had to say of it (the comments around its line; for a test
without subtests the end of its output). The last line is 'N passed, N failed,
N skipped', and the status 1 if any failed.
"""

import collections
import json
import re
import sys

BAD = ('FAIL', 'ERROR', 'TIMEOUT', 'INTERRUPT', 'UNEXPECTEDPASS')
TEST = re.compile(r'(not )?ok\b\s*\d*\s*(?:- )?\s*(.*?)\s*(?:#\s*(todo|skip)\w*:?\s*(.*))?$',
                  re.IGNORECASE)
SKIP_ALL = re.compile(r'1\.\.0\s*#\s*skip\w*:?\s*(.*)$', re.IGNORECASE)
NO_REASON = 'no reason given'
# Of what a failed test said: the last lines before it, where an exception's message is, and the first after.
SAID_BEFORE = 30
SAID_AFTER = 15
LINE = 500


class Count:
    def __init__(self):
        self.passed = 0
        self.failed = []
        self.skipped = []

    def add(self, label, test):
        # 'project:suite / name', or the name alone.
        name = f'{label}: {test["name"].rsplit(" / ", 1)[-1]}'
        result = test.get('result', 'ERROR')
        out = (test.get('stdout') or '').splitlines()
        known = len(self.failed)
        subtests = 0
        for number, line in enumerate(out):
            match = TEST.match(line)
            if not match:
                continue
            subtests += 1
            bad, title, directive, reason = match.groups()
            directive = (directive or '').lower()
            if directive == 'skip':
                self.skipped.append((f'{name}: {title}', reason or NO_REASON))
            elif bad and directive != 'todo':
                self.fail(f'{name}: {title}', self._comments(out, number))
            else:
                self.passed += 1
        if result in BAD:
            if len(self.failed) == known:
                said = [line for line in out + (test.get('stderr') or '').splitlines() if line.strip()]
                self.fail(f'{name}: {result.lower()}', said[-SAID_BEFORE:])
        elif result == 'SKIP' and not subtests:
            self.skipped.append((name, self._skip_reason(out, test.get('stderr') or '')))
        elif not subtests:
            self.passed += 1

    def fail(self, what, said=()):
        self.failed.append((what, said))

    @staticmethod
    def _comments(out, number):
        """The comments right before and right after the line of a subtest."""
        first = number
        while first > 0 and out[first - 1].startswith('#') and number - first < SAID_BEFORE:
            first -= 1
        last = number + 1
        while last < len(out) and out[last].startswith('#') and last - number <= SAID_AFTER:
            last += 1
        return out[first:number] + out[number + 1:last]

    @staticmethod
    def _skip_reason(out, err):
        for line in out:
            match = SKIP_ALL.match(line)
            if match:
                return match.group(1).strip() or NO_REASON
        said = [line.strip() for line in out + err.splitlines() if line.strip()]
        return said[-1] if said else NO_REASON

    def read(self, label, path):
        """False if there is no log."""
        try:
            with open(path, encoding='utf-8', errors='replace') as stream:
                for line in stream:
                    if line.strip():
                        self.add(label, json.loads(line))
        except FileNotFoundError:
            return False
        except ValueError as error:
            self.fail(f'{label}: the log {path} cannot be read: {error}')
        return True

    def show(self):
        reasons = collections.defaultdict(list)
        for name, reason in self.skipped:
            reasons[reason].append(name)
        for reason, names in reasons.items():
            print(f'skipped: {reason}: {", ".join(names)}')
        for name, said in self.failed:
            print(f'FAILED: {name}')
            for line in said:
                print(f'    {line[:LINE]}')
        print(f'{self.passed} passed, {len(self.failed)} failed, {len(self.skipped)} skipped',
              flush=True)
        return 1 if self.failed else 0


def main(argv):
    count = Count()
    while argv:
        word = argv.pop(0)
        if word == '--failed':
            count.fail(argv.pop(0))
            continue
        label, _, path = word.partition(':')
        count.read(label, path)
    return count.show()


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
