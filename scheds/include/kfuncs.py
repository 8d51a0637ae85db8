#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""List the kfuncs that a header declares, as KFUNC(declared name, "kernel's name") lines.

usage: kfuncs.py HEADER

What is made from this list cannot forget one.
"""

import re
import sys


def main():
    with open(sys.argv[1], encoding='utf-8') as stream:
        text = stream.read()
    # Comments may name a declaration without being one.
    text = re.sub(r'/\*.*?\*/', '', text, flags=re.DOTALL)
    names = re.findall(r'(\w+)\s*\([^;{}]*\)\s*__ksym\s+__weak\s*;', text)
    if not names or len(names) != len(re.findall(r'\b__ksym\b', text)):
        sys.exit(f'{sys.argv[1]}: found {len(names)} declarations of kfuncs, but '
                 f'{len(re.findall(r"__ksym", text))} times __ksym')
    print(f'/* Made by kfuncs.py. */\n#define NR_KFUNCS {len(names)}')
    print('#define KFUNCS \\')
    for name in names:
        # libbpf looks a name up without its last ___suffix.
        kernel = re.sub(r'___(?:(?!___).)+$', '', name)
        print(f'\tKFUNC({name}, "{kernel}") \\')
    print('\t/* the end */')


if __name__ == '__main__':
    main()
