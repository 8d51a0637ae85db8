# SPDX-License-Identifier: GPL-2.0
"""Results of tests/vm/stress: what guest/stress.sh said, kept in files, and shown.

Nothing here starts a machine, so all of it is tested without one (test_stress.py).
"""

import json
import os
import re
from pathlib import Path

from .matrix import short_release, version_key

FIGURES = ('seconds', 'forks', 'moves')


def judge(text):
    """The result that vmtest's TAP tells of: {good, skipped, reasons, and the figures}."""
    lines = text.splitlines()
    result = {'reasons': [line.removeprefix('not ok ') for line in lines if line.startswith('not ok')]}
    plan = re.search(r'^1\.\.0 # SKIP (.*)', text, re.MULTILINE)
    result['skipped'] = plan.group(1) if plan else None
    said = re.findall(r'^# figures: (.*)', text, re.MULTILINE)
    figures = dict(re.findall(r'(\w+)=(\d+)\b', said[-1])) if said else {}
    result.update((name, int(figures[name])) for name in FIGURES if name in figures)
    # No test at all is no success, nor is one that did not come to its end.
    if not plan and not result['reasons'] and not (
            any(line.startswith('ok ') for line in lines) and all(name in result for name in FIGURES)):
        result['reasons'].append('it did not come to its end')
    result['good'] = not plan and not result['reasons']
    return result


def read(path):
    """The results in a file; ValueError if it is none of such."""
    try:
        results = json.loads(Path(path).read_text(encoding='utf-8'))['stress']
        for result in results:
            for name in ('kernel', 'scheduler', 'good', 'started', 'qemu'):
                _ = result[name]
            if result['good']:
                _ = [result[name] + 0 for name in FIGURES]
    except (ValueError, KeyError, TypeError):
        raise ValueError(f'{path}: no results of tests/vm/stress') from None
    return results


def write(path, results):
    """Whole or not at all."""
    temporary = Path(f'{path}.new')
    temporary.write_text(json.dumps({'stress': results}, indent=1) + '\n', encoding='utf-8')
    os.replace(temporary, path)


def merged(*parts):
    """All of the lists in one; of a scheduler on a kernel the result that was started last."""
    last = {}
    for result in sorted((result for part in parts for result in part), key=lambda one: one['started']):
        last[result['kernel'], result['scheduler']] = result
    return sorted(last.values(), key=lambda one: (version_key(one['kernel']), one['scheduler']))


def cell(result):
    if result is None:
        return '-'
    if not result['good']:
        return '**FAIL**'
    return f'ok, {result["seconds"] / 60:.3g} min, {result["forks"]:,} forks, {result["moves"]:,} moves'


def markdown(results):
    """The section of the README; ValueError if there is nothing to show."""
    if not results:
        raise ValueError('there is no result')
    days = sorted({result['started'][:10] for result in results})
    qemus = sorted({result['qemu'] for result in results})
    kernels = sorted({result['kernel'] for result in results}, key=version_key)
    by_place = {(result['scheduler'], result['kernel']): result for result in results}
    lines = [f'Run on {" to ".join(dict.fromkeys((days[0], days[-1])))} with {", ".join(qemus)}.', '',
             f'| scheduler | {" | ".join(map(short_release, kernels))} |', '| --- |' + ' --- |' * len(kernels)]
    for scheduler in sorted({result['scheduler'] for result in results}):
        lines.append(f'| scx_{scheduler} | '
                     + ' | '.join(cell(by_place.get((scheduler, kernel))) for kernel in kernels) + ' |')
    failures = [f'* {short_release(result["kernel"])}, scx_{result["scheduler"]}: {reason}'
                for result in results for reason in result['reasons']]
    return '\n'.join([*lines, *(['', 'Failures:', '', *failures] if failures else [])])
