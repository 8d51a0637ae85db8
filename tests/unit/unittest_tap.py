#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Runs the unittest tests of a Python file and prints TAP, so that each test, and the reason of each
skip, is seen by whoever counts them.

usage: unittest_tap.py FILE.py [NAME]...

NAME is a class or Class.test_function; all by default.
"""

import importlib.util
import sys
import unittest
from pathlib import Path


def diagnostic(text):
    for line in text.rstrip('\n').split('\n'):
        print(f'#   {line}')


class Result(unittest.TestResult):
    def __init__(self):
        super().__init__()
        self.count = 0
        self.wrong = set()

    def line(self, ok, test, directive=''):
        self.count += 1
        name = f'{type(test).__name__}.{test._testMethodName}' if isinstance(test, unittest.TestCase) \
            else str(test)
        # A '#' in a name would begin a directive.
        print(f'{"" if ok else "not "}ok {self.count} - {name.replace("#", "")}{directive}', flush=True)

    def bad(self, test, error):
        print('# ' + type(test).__name__)
        diagnostic(self._exc_info_to_string(error, test))

    def addSuccess(self, test):
        super().addSuccess(test)
        self.line(test not in self.wrong, test)

    def addFailure(self, test, error):
        super().addFailure(test, error)
        self.bad(test, error)
        self.line(False, test)

    def addError(self, test, error):
        super().addError(test, error)
        self.bad(test, error)
        self.line(False, test)

    def addSubTest(self, test, subtest, error):
        super().addSubTest(test, subtest, error)
        if not error:
            return
        # addSuccess() is not called for a test of which a part failed: one line for all parts.
        diagnostic(f'{subtest}\n{self._exc_info_to_string(error, test)}')
        self.wrong.add(test)

    def stopTest(self, test):
        super().stopTest(test)
        if test in self.wrong:
            self.wrong.discard(test)
            self.line(False, test)

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        self.line(True, test, f' # SKIP {reason}')

    def addExpectedFailure(self, test, error):
        super().addExpectedFailure(test, error)
        self.line(False, test, ' # TODO known, see the test')

    def addUnexpectedSuccess(self, test):
        super().addUnexpectedSuccess(test)
        diagnostic('was expected to fail: take the mark away')
        self.line(False, test)


def main(argv):
    if len(argv) < 2:
        sys.exit(__doc__)
    path = Path(argv[1]).resolve()
    sys.dont_write_bytecode = True
    sys.path.insert(0, str(path.parent))
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)

    loader = unittest.TestLoader()
    suite = loader.loadTestsFromNames(argv[2:], module) if argv[2:] else \
        loader.loadTestsFromModule(module)
    result = Result()
    suite.run(result)
    # Whoever finds no test has not passed.
    if not result.count:
        print('Bail out! no tests found')
        return 1
    print(f'1..{result.count}')
    return 0 if result.wasSuccessful() else 1


if __name__ == '__main__':
    sys.exit(main(sys.argv))
