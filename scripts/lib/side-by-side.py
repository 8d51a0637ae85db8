#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Runs the story of `scx_qmap -l 100` on two kernels, one after the other, and shows
the two side by side.

usage: side-by-side.py BUILD_DIR BOUNDED_IMAGE UNBOUNDED_IMAGE

Exit status: 0 if the first lived to tell the end of it and the second fell silent.
"""

import os
import re
import selectors
import shutil
import subprocess
import sys
import textwrap
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
STORY = ROOT / 'scripts' / 'lib' / 'demo-story.sh'
STAMP = re.compile(r'\[ *(\d+\.\d+) s\] (\S+) +(.*)')
# The story has a heartbeat each second. After so much silence nothing will come.
SILENT_S = 20
LIMIT_S = 150


class Side:
    """One run: its lines as (seconds, who, text), and what became of the machine."""

    def __init__(self, title):
        self.title = title
        self.lines = []
        self.loaded = False
        self.silent = None
        self.status = None

    def line(self, text):
        match = STAMP.match(text)
        if match:
            self.lines.append((float(match.group(1)), match.group(2), match.group(3)))
            self.loaded = self.loaded or match.group(2) == 'load'
            print(f'  {self.title}: {text}', file=sys.stderr, flush=True)

    def run(self, build, image, options):
        process = subprocess.Popen(
            [str(ROOT / 'tests/vm/run'), '--kernel', image, '--cpus', '2', '--bindir', build,
             '--timeout', str(LIMIT_S), '--env', f'DEMO_OPTIONS={options}', '--script', str(STORY)],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
        try:
            self._read(process)
        finally:
            # It stops its machine when it is asked to end.
            if process.poll() is None:
                process.terminate()
            self.status = process.wait()

    def _read(self, process):
        selector = selectors.DefaultSelector()
        selector.register(process.stdout, selectors.EVENT_READ)
        partial, last = b'', time.monotonic()
        while True:
            if not selector.select(1):
                quiet = time.monotonic() - last
                if self.loaded and quiet >= SILENT_S:
                    self.silent = quiet
                    return
                continue
            data = os.read(process.stdout.fileno(), 65536)
            if not data:
                return
            last = time.monotonic()
            *lines, partial = (partial + data).split(b'\n')
            for line in lines:
                self.line(line.decode('utf-8', 'replace').rstrip())


def rows(left, right):
    """Lines of the same second beside one another."""
    at = {}
    for number, side in enumerate((left, right)):
        for seconds, who, text in side.lines:
            at.setdefault(int(seconds), ([], []))[number].append(f'[{seconds:6.2f} s] {who:<9} {text}')
    for second in sorted(at):
        yield second, at[second]


def show(left, right):
    width = max(100, shutil.get_terminal_size((140, 24)).columns)
    column = (width - 3) // 2

    def wrapped(lines):
        return [part for line in lines
                for part in textwrap.wrap(line, column, subsequent_indent=' ' * 21, break_on_hyphens=False)]

    def put(a, b):
        print(f'{a:<{column}} | {b}'.rstrip())

    put(left.title, right.title)
    put('-' * column, '-' * column)
    end = [int(side.lines[-1][0]) if side.silent is not None and side.lines else None for side in (left, right)]
    for second, texts in rows(left, right):
        # Where one has fallen silent, the other's time goes on.
        a, b = (wrapped(lines) or (['  ...'] if last is not None and second > last else [])
                for lines, last in zip(texts, end))
        for i in range(max(len(a), len(b))):
            put(a[i] if i < len(a) else '', b[i] if i < len(b) else '')
    put(*('' if side.silent is None else
          f'  silent for {side.silent:.0f} s, then the machine was stopped' for side in (left, right)))


def main(argv):
    if len(argv) != 3:
        print(__doc__, file=sys.stderr)
        return 2
    build, bounded, unbounded = argv
    left = Side('with the bound (scx_qmap -l 100)')
    right = Side('without the bound (scx_qmap -l 100 --force)')
    left.run(build, bounded, '')
    right.run(build, unbounded, '--force')
    show(left, right)
    good = True
    if left.status != 0 or left.silent is not None:
        print(f'\nWith the bound it did not go as it must (status {left.status}).')
        good = False
    if right.silent is None:
        print(f'\nWithout the bound it did not fall silent (status {right.status}).')
        good = False
    return 0 if good else 1


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
