#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Reads what json_cases prints with Python's parser, as strictly as it can be told to.

The path of the program is in JSON_CASES.
"""

import json
import os
import subprocess
import unittest

REPLACED = '\ufffd'
# In the order of the list in json_cases.c.
STRINGS = [
    '',
    'plain',
    '"quoted" \\ and / slashes',
    'line\nand\ttab\rreturn\bback\ffeed',
    '\x01\x1f\x7f\x1b[31m',
    'ä € 🐧',
    f'a{REPLACED}z',
    f'a{REPLACED * 2}z',
    f'a{REPLACED}z',
    f'a{REPLACED * 2}z',
    f'a{REPLACED * 3}z',
    f'end{REPLACED}',
    f'end{REPLACED * 2}',
    f'end{REPLACED * 3}',
    f'a{REPLACED * 2}z',
    f'a{REPLACED * 3}z',
    f'a{REPLACED * 4}z',
    f'a{REPLACED * 3}z',
    f'a{REPLACED * 4}z',
    f'a{REPLACED * 5}z',
    '\u0080\u07ff',
    '\u0800\ud7ff\ue000\uffff',
    '\U00010000\U0010ffff',
]


def no_duplicates(pairs):
    keys = [key for key, _ in pairs]
    if len(set(keys)) != len(keys):
        raise ValueError(f'a key occurs twice: {keys}')
    return dict(pairs)


def refuse(what):
    raise ValueError(f'{what} is not JSON')


def parse(line):
    return json.loads(line, object_pairs_hook=no_duplicates, parse_constant=refuse)


class Json(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        out = subprocess.run([os.environ['JSON_CASES']], stdout=subprocess.PIPE, check=True).stdout
        assert out.endswith(b'\n')
        # Bytes that are no UTF-8 would end the test here.
        cls.lines = [parse(line) for line in out.decode('utf-8').split('\n')[:-1]]

    def test_one_object_a_line(self):
        self.assertEqual(len(self.lines), 10)
        for line in self.lines:
            self.assertIsInstance(line, dict)

    def test_strings(self):
        self.assertEqual(list(self.lines[0]), [str(i) for i in range(len(STRINGS))])
        for i, should in enumerate(STRINGS):
            with self.subTest(case=i):
                self.assertEqual(self.lines[0][str(i)], should)

    def test_objects(self):
        self.assertEqual(self.lines[1], {})
        self.assertEqual(self.lines[2], {
            'empty': {},
            'outer': {'inner "key"': {'min': -2**63}, 'max': 2**63 - 1},
            'zero': 0,
        })

    def test_exit(self):
        self.assertEqual(self.lines[3], {
            'type': 'exit', 'scheduler': 'test', 'kind': 1026, 'kind_name': 'SCX_EXIT_ERROR_STALL',
            'reason': 'runnable task stall', 'message': f'x{REPLACED}"y" failed\n\x1b[0m',
            'code': 0x1000100000000, 'cpu': 3, 'fault': 1, 'uptime_ms': 2**32,
            'time_ns': 1234567890123, 'backtrace': '0x10\n0x20', 'dump': f'CPU 0\n\tR {REPLACED}(\n',
        })

    def test_exit_without_fault(self):
        # What is not known is not there: no CPU, no backtrace, no dump.
        self.assertEqual(self.lines[4], {
            'type': 'exit', 'scheduler': 'test', 'kind': 64, 'kind_name': 'SCX_EXIT_UNREG',
            'reason': '', 'message': '', 'code': -1, 'fault': 0, 'uptime_ms': 2**32,
        })

    def test_exit_fault_by_code(self):
        line = self.lines[5]
        self.assertEqual((line['kind'], line['fault'], line['cpu']), (65, 1, 0))

    def test_exit_unknown_kind(self):
        line = self.lines[6]
        self.assertEqual((line['kind'], line['kind_name'], line['fault']), (99, 'SCX_EXIT_?', 0))
        self.assertEqual(line['reason'], 'r' * 127)
        self.assertEqual(line['message'], '\x02' * 1023)

    def test_statistics(self):
        self.assertEqual(self.lines[7], {'type': 'stats', 'scheduler': 'test', 'uptime_ms': 1,
                                         'stats': {'enqueued': 2**63 - 1, 'waiting': -1}})
        self.assertEqual(self.lines[8], {'type': 'stats', 'scheduler': 'none', 'uptime_ms': 2,
                                         'stats': {}})

    def test_options(self):
        self.assertEqual(self.lines[9], {'number': 5, 'flag': 1, 'text': '"x"'})


if __name__ == '__main__':
    unittest.main()
