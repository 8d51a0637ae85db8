#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Takes the bound on the dispatch loop out of kernel/sched/ext.c of Linux 6.12.

usage: unbound-dispatch.py FILE

For a test kernel that shows what the bound is good for. Three places make it: the
constant, the counter, and the test that leaves the loop. Each must be there exactly
once, and nothing may be left that names them; else the file stays as it is and the
status is 1.
"""

import re
import sys

PLACES = (
    ('the constant SCX_DSP_MAX_LOOPS', r'\tSCX_DSP_MAX_LOOPS\t+= 32,\n'),
    ('the counter nr_loops', r'\tint nr_loops = SCX_DSP_MAX_LOOPS;\n'),
    # With the comment above it, and behind it the end of the loop, which shows that it
    # is the right loop.
    ('the test of nr_loops',
     r'\n\t\t/\*\n(?:\t\t \*[^/\n]*\n)+\t\t \*/\n'
     r'\t\tif \(unlikely\(!--nr_loops\)\) \{\n'
     r'\t\t\tscx_bpf_kick_cpu\(cpu_of\(rq\), 0\);\n'
     r'\t\t\tbreak;\n'
     r'\t\t\}\n(?=\t\} while \(dspc->nr_tasks\);\n)'),
)


def unbound(text):
    """The text without the bound; ValueError if it is not the text that is known."""
    for what, pattern in PLACES:
        found = len(re.findall(pattern, text))
        if found != 1:
            raise ValueError(f'{what} is there {found} times, once is expected')
        text = re.sub(pattern, '', text)
    for name in ('SCX_DSP_MAX_LOOPS', 'nr_loops'):
        if re.search(rf'\b{name}\b', text):
            raise ValueError(f'{name} is used in a place that is not known')
    return text


def main(argv):
    if len(argv) != 1:
        print(__doc__, file=sys.stderr)
        return 2
    try:
        with open(argv[0], encoding='utf-8') as stream:
            text = stream.read()
        text = unbound(text)
        with open(argv[0], 'w', encoding='utf-8') as stream:
            stream.write(text)
    except (OSError, ValueError) as error:
        print(f'unbound-dispatch.py: error: {argv[0]}: {error}', file=sys.stderr)
        return 1
    return 0


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
