# SPDX-License-Identifier: GPL-2.0
"""Sections of the README that are made of measurements: each between two markers of its own."""

import argparse
import os
import sys
from pathlib import Path

README = Path(__file__).resolve().parent.parent.parent / 'README.md'


def markers(name):
    return f'<!-- {name}: begin -->', f'<!-- {name}: end -->'


def replaced(text, name, section):
    """The text with the section between its markers; ValueError if they are not there
    once each, in this order, on lines of their own."""
    begin_marker, end_marker = markers(name)
    lines = text.split('\n')
    places = [[i for i, line in enumerate(lines) if line.strip() == marker] for marker in (begin_marker, end_marker)]
    for marker, found in zip((begin_marker, end_marker), places):
        if len(found) != 1:
            raise ValueError(f"the line '{marker}' is there {len(found)} times, once is expected")
    begin, end = places[0][0], places[1][0]
    if begin > end:
        raise ValueError(f"'{end_marker}' comes before '{begin_marker}'")
    return '\n'.join([*lines[:begin + 1], *section.strip('\n').split('\n'), *lines[end:]])


def update(readme, name, section, check):
    """Write the section into the file, or with check only see whether it is there: ValueError if not."""
    old = Path(readme).read_text(encoding='utf-8')
    try:
        new = replaced(old, name, section)
    except ValueError as error:
        raise ValueError(f'{readme}: {error}') from None
    if check:
        if new != old:
            raise ValueError(f'{readme} does not show these results')
        return
    # Whole or not at all.
    temporary = Path(f'{readme}.new')
    temporary.write_text(new, encoding='utf-8')
    os.replace(temporary, readme)


def main(name, doc, results, section):
    """What scripts/update-NAME does: write section(files) between the markers of that name. `doc`, and what
    the result files are, is for --help. Returns the exit status."""
    prog = f'update-{name}'
    parser = argparse.ArgumentParser(prog=f'scripts/{prog}', description=doc,
                                     formatter_class=argparse.RawDescriptionHelpFormatter,
                                     epilog='Exit status: 0 done; 1 not done, or with --check: it differs.')
    parser.add_argument('--check', action='store_true', help='change nothing, tell whether it is up to date')
    parser.add_argument('--readme', default=str(README), help='(default: README.md of this checkout)')
    parser.add_argument('results', metavar='RESULTS.json', nargs='+', help=results)
    args = parser.parse_args()
    try:
        update(args.readme, name, section(args.results), args.check)
    except (OSError, ValueError) as error:
        print(f'{prog}: error: {error}', file=sys.stderr)
        return 1
    except KeyError as error:
        print(f'{prog}: error: a result has no {error}: it is not of this version', file=sys.stderr)
        return 1
    return 0
