# SPDX-License-Identifier: GPL-2.0
"""Sections of the README that are made of measurements: each between two markers of its own."""

import os
from pathlib import Path


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
