# SPDX-License-Identifier: GPL-2.0
"""What became of each scheduler on each kernel: reads what guest/matrix.sh sent,
judges it, and shows it.

Nothing here starts a machine, so all of it is tested without one (test_matrix.py).
"""

import fnmatch
import json
import re

GREEN, REFUSED, FAILED = 'green', 'refused', 'failed'

# What must hold for the final statistics of a scheduler. A scheduler without an
# entry fails: numbers that nothing can contradict say nothing.
RELATIONS = {
    'simple': ('run > 0', 'local + queued > 0', 'taken <= queued'),
    'qmap': ('enqueued = local + queued + overflowed + stalled',
             'queued = dispatched + dequeued + waiting*',
             'queued > 0'),
    'sdt': ('run > 0', 'local + queued > 0', 'taken <= queued',
            'came = allocated + exhausted + no_memory',
            'came = left', 'cancelled <= left',
            'allocated = freed', 'live = 0', 'allocated > 0',
            'run = recorded + unrecorded'),
    'userland': ('enqueued = own + direct + queued + overflowed',
                 'queued = dispatched + dequeued + waiting',
                 'handed_back = dispatched + stale',
                 'batches <= handed_back',
                 'queued > 0'),
    'nest': ('selected = attached + previous + nested + reserved + outside + busy',
             'enqueued = bound + queued', 'taken <= queued', 'primary_in = primary + primary_out',
             'reserve_in = reserve + reserve_out', 'run > 0', 'selected > 0'),
    'prev': ('selected = previous + other + busy', 'enqueued = bound + queued', 'taken <= queued',
             'run > 0', 'previous > 0'),
    'central': ('enqueued = local + queued + overflowed',
                'queued = taken + dequeued + waiting',
                'taken = placed + set_aside',
                'fallback <= overflowed + set_aside + rescued',
                'placed > 0'),
    'cpu0': ('enqueued = local + queued + elsewhere',
             'taken <= queued', 'taken_elsewhere <= elsewhere', 'astray <= run_elsewhere',
             'run > 0'),
    'pair': ('enqueued = exempt + queued + requeued', 'queued = started + dequeued + waiting',
             'batches = switched + renewed', 'queued > 0', 'batches > 0'),
    'flatcg': ('enqueued = local + queued + affine',
               'queued + affine = started + left + waiting',
               'pushed = popped + in_heap',
               'popped = turns + empty + late + passed',
               'started <= turns + continued + affine_taken',
               'queued > 0'),
}

TAINT_BITS = {0x200: 'W: a warning', 0x4000: 'L: a soft lockup'}
EXIT_UNREG = 64


# --- What the guest sent

class Stream:
    """steps: the last step begun of each scheduler; done: those that are through;
    files: (scheduler, name) -> bytes. 'machine' is a name among the schedulers."""

    HEADER = re.compile(rb'\n@(step|file|done) ([^\n]*)\n')

    def __init__(self, data):
        self.steps, self.done, self.files = {}, [], {}
        self.last = None
        at = 0
        # The serial line's first bytes have no newline before them.
        data = b'\n' + data
        while True:
            match = self.HEADER.search(data, at)
            if not match:
                return
            # The newline that ends a header may begin the next one.
            at = match.end() - 1
            words = match.group(2).decode('utf-8', 'replace').split()
            kind = match.group(1)
            if kind == b'step' and len(words) == 3:
                self.steps[words[0]] = words[1]
                self.last = (words[0], words[1])
            elif kind == b'done' and len(words) == 1:
                self.done.append(words[0])
            elif kind == b'file' and len(words) == 2 and words[1].isdigit():
                size = int(words[1])
                content = data[match.end():match.end() + size]
                if len(content) < size:
                    return
                scheduler, _, name = words[0].partition('/')
                self.files[scheduler, name] = content
                at = match.end() + size

    def text(self, scheduler, name):
        """The file as text, or None."""
        data = self.files.get((scheduler, name))
        return None if data is None else data.decode('utf-8', 'replace')

    def lines(self, scheduler, name):
        return [line for line in (self.text(scheduler, name) or '').splitlines() if line.strip()]

    def facts(self, scheduler):
        return dict(line.split('=', 1) for line in self.lines(scheduler, 'facts') if '=' in line)


def malformed_kfuncs(stream):
    """The kfuncs that cannot be called on this kernel, as `scx probe` tells; raises
    ValueError when it did not."""
    # 0: all schedulers can run; 4: not all of them.
    status = stream.facts('machine').get('probe.status')
    text = stream.text('machine', 'probe.out')
    if status not in ('0', '4') or text is None:
        said = (stream.lines('machine', 'probe.err') or ['nothing'])[-1]
        raise ValueError(f'scx probe ended with {status}, and said: {said}')
    try:
        kfuncs = json.loads(text)['kfuncs']
        return sorted(name for name, state in kfuncs.items() if state == 'malformed')
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f'scx probe --json cannot be read: {error}') from error


# --- Statistics

def _side(text, values):
    total = 0
    for term in (part.strip() for part in text.split('+')):
        if term.isdigit():
            total += int(term)
            continue
        names = fnmatch.filter(values, term)
        if not names:
            raise KeyError(term)
        total += sum(values[name] for name in names)
    return total


def relation_fails(relation, values):
    """Why the relation does not hold for these values; None if it does."""
    left, operator, right = re.fullmatch(r'(.+?)\s*(<=|>=|=|<|>)\s*(.+)', relation).groups()
    try:
        a, b = _side(left, values), _side(right, values)
    except KeyError as error:
        return f"there is no statistic '{error.args[0]}' for {relation}"
    good = {'=': a == b, '<=': a <= b, '>=': a >= b, '<': a < b, '>': a > b}[operator]
    return None if good else f'{relation} does not hold: {a} and {b}'


def openmetrics_types(text):
    return dict(re.findall(r'^# TYPE (\S+) (counter|gauge)$', text, re.MULTILINE))


def judge_statistics(scheduler, lines, metrics):
    """Reasons why the statistics are wrong. lines: the 'stats' of each JSON line, the
    final totals last; metrics: the OpenMetrics file, which tells counters from gauges."""
    reasons = []
    if len(lines) < 3:
        return [f'{len(lines)} lines of statistics: two while it ran and the final one are due']
    final = lines[-1]
    types = openmetrics_types(metrics or '')
    if not (metrics or '').endswith('# EOF\n'):
        reasons.append('the OpenMetrics file is not complete')
    if {name.removeprefix(f'scx_{scheduler}_') for name in types} != set(final):
        reasons.append('the OpenMetrics file has other statistics than the JSON lines')
    counters = [name for name in final if types.get(f'scx_{scheduler}_{name}') != 'gauge']
    for before, after in zip(lines, lines[1:]):
        if set(before) != set(after):
            reasons.append('not every line has the same statistics')
            break
        for name in counters:
            if after[name] < before[name]:
                reasons.append(f'counter {name} went from {before[name]} down to {after[name]}')
    for name, value in final.items():
        if value < 0:
            reasons.append(f'{name} is {value} at the end')
    if sum(final[name] for name in counters) <= 0:
        reasons.append('all counters are 0 at the end')
    if scheduler not in RELATIONS:
        reasons.append(f"what must hold for the statistics of '{scheduler}' is not in RELATIONS of "
                       'tests/vm/vmlib/matrix.py')
    for relation in RELATIONS.get(scheduler, ()):
        reason = relation_fails(relation, final)
        if reason:
            reasons.append(reason)
    return reasons


# --- One life

def _json_lines(lines):
    records, bad = [], []
    for line in lines:
        try:
            record = json.loads(line)
            if not isinstance(record, dict) or 'type' not in record:
                raise ValueError('no object with a type')
            records.append(record)
        except ValueError as error:
            bad.append(f'stdout has a line that is no JSON record ({error}): {line[:120]}')
    return records, bad


def _said(stream, scheduler, name='err'):
    """(warnings, other lines) of its stderr"""
    prefix = f'scx_{scheduler}: warning: '
    lines = stream.lines(scheduler, name)
    return ([line.removeprefix(prefix) for line in lines if line.startswith(prefix)],
            [line for line in lines if not line.startswith(prefix)])


def _aftermath(stream, scheduler, facts):
    """Reasons why the kernel is not as it was before."""
    reasons = []
    if facts.get('state.after') != 'disabled':
        reasons.append(f'sched_ext is {facts.get("state.after")} when it is gone')
    remains = stream.lines(scheduler, 'remains')
    if remains:
        reasons.append('left behind: ' + ', '.join(remains[:3]))
    log = stream.lines(scheduler, 'log')
    if log:
        more = f' (and {len(log) - 1} more)' if len(log) > 1 else ''
        reasons.append(f'in the kernel log: {log[0]}{more}')
    try:
        fresh = int(facts['taint.after']) & ~int(facts['taint.before'])
        reasons += [f'the kernel is tainted ({what})' for bit, what in TAINT_BITS.items() if fresh & bit]
    except (KeyError, ValueError):
        reasons.append('whether the kernel is tainted is not known')
    if stream.text(scheduler, 'log') is None:
        reasons.append('the kernel log is not there')
    return reasons


def judge_life(stream, scheduler, malformed, short=False):
    """One cell: result, reasons, warnings, times (ms) and the final statistics."""
    facts = stream.facts(scheduler)
    cell = {'result': FAILED, 'reasons': [], 'warnings': [], 'times_ms': {}, 'statistics': {}}
    reasons = cell['reasons']
    if scheduler not in stream.done:
        reasons.append('not reached' if scheduler not in stream.steps else
                       f'the machine went away during: {stream.steps[scheduler]}')
        return cell
    cell['times_ms'] = {key[:-3]: int(value) for key, value in facts.items()
                        if key.endswith('.ms') and value.isdigit()}
    cell['warnings'], said = _said(stream, scheduler)

    if facts.get('exit') == '4' and facts.get('attach.status') != '0':
        if len(said) != 1 or not re.match(rf'scx_{re.escape(scheduler)}: \S.*\S', said[0]):
            reasons.append(f'refused (exit status 4) with {len(said)} lines on stderr, one is due: '
                           + ' / '.join(said[:3]))
        elif not malformed:
            reasons.append(f'refused, though the BTF of this kernel is well formed: {said[0]}')
        if facts.get('enabled') != '0':
            reasons.append(f'refused, but it was enabled {facts.get("enabled")} times')
        reasons += _aftermath(stream, scheduler, facts)
        if not reasons:
            cell['result'] = REFUSED
            cell['refusal'] = said[0].split(': ', 1)[1]
        return cell

    if facts.get('attach.status') != '0':
        reasons.append(f'did not attach: exit status {facts.get("exit")}, and said: '
                       + (said[0] if said else 'nothing'))
        reasons += _aftermath(stream, scheduler, facts)
        return cell

    for load in ('hackbench',) if short else ('hackbench', 'stress-ng'):
        if facts.get(f'{load}.status') != '0':
            last = (stream.lines(scheduler, f'{load}.out') or ['nothing'])[-1]
            reasons.append(f'{load} ended with {facts.get(f"{load}.status")}, and said: {last}')
    if facts.get('state.loaded') != 'enabled' or facts.get('ops.loaded') != scheduler:
        reasons.append(f"under load: '{facts.get('ops.loaded')}' is {facts.get('state.loaded')}")
    if facts.get('exit') != '0':
        reasons.append(f'exit status {facts.get("exit")} on SIGINT')
    if facts.get('enabled') != '1':
        reasons.append(f'was enabled {facts.get("enabled")} times')
    if said:
        reasons.append(f'on stderr: {said[0]}')

    records, bad = _json_lines(stream.lines(scheduler, 'out'))
    reasons += bad[:3]
    for kind, wanted in (('start', {'kernel': stream.facts('machine').get('release')}),
                         ('exit', {'kind': EXIT_UNREG})):
        found = [record for record in records if record['type'] == kind]
        if len(found) != 1:
            reasons.append(f"{len(found)} JSON records '{kind}', one is due")
            continue
        for key, value in {'scheduler': scheduler, **wanted}.items():
            if found[0].get(key) != value:
                reasons.append(f"{key} is '{found[0].get(key)}' in the JSON record '{kind}', not '{value}'")
    lines = [record.get('stats', {}) for record in records if record['type'] == 'stats']
    reasons += judge_statistics(scheduler, lines, stream.text(scheduler, 'metrics.taken'))
    cell['statistics'] = lines[-1] if lines else {}
    reasons += _aftermath(stream, scheduler, facts)
    if not reasons:
        cell['result'] = GREEN
    return cell


# --- What verifying costs

def series_of(release):
    return '.'.join(re.match(r'(\d+)\.(\d+)', release).groups())


def verifier_series(release, malformed):
    """The key of the recorded figures. On a malformed kernel some branches of a program
    are dead, so it counts as a series of its own."""
    return series_of(release) + ('-malformed' if malformed else '')


def larger(one, other):
    """The larger figures of two records of programs."""
    return {program: {what: max(record[program][what] for record in (one, other) if program in record)
                      for what in ('insns', 'states')}
            for program in {**one, **other}}


def verifier_record(records, scheduler, release, malformed):
    """What is on record for a scheduler on this kernel. Which kfuncs are malformed is
    another matter in each build, so there what a well-formed kernel needs is fine too."""
    known = records.get(verifier_series(release, malformed), {}).get(scheduler, {})
    if malformed:
        known = larger(known, records.get(series_of(release), {}).get(scheduler, {}))
    return known


def judge_verifier(stream, scheduler, release, malformed, recorded):
    """recorded: {program: {insns, states}}, or None to compare with nothing. Returns
    result, reasons, programs."""
    series = verifier_series(release, malformed)
    # Only the very version is sure to be built as this one was.
    kernel = short_release(release).split('+')[0] if malformed else series
    check = {'result': FAILED, 'reasons': [], 'programs': {}}
    reasons = check['reasons']
    if stream.text(scheduler, 'verify.out') is None:
        reasons.append('the machine went away before the figures were there')
        return check
    status = stream.facts(scheduler).get('verify.status')
    warnings, said = _said(stream, scheduler, 'verify.err')
    if status == '4' and malformed and len(said) == 1:
        check['result'] = REFUSED
        return check
    if status != '0':
        reasons.append(f'--dry-run ended with {status}, and said: ' + (said[0] if said else 'nothing'))
        return check
    records, bad = _json_lines(stream.lines(scheduler, 'verify.out'))
    reasons += bad[:1] + [text for text in warnings if text.startswith('the kernel did not count')]
    check['programs'] = {record['program']: {'insns': record['insns'], 'states': record['states']}
                         for record in records if record['type'] == 'verifier'}
    if not check['programs']:
        reasons.append('no program was counted')
    if recorded is not None:
        how = f'record it: tests/vm/matrix --record-verifier --kernels {kernel}'
        new = [program for program in check['programs'] if program not in recorded]
        if new:
            reasons.append(f'not on record for {series}: {", ".join(new)}; {how}')
        for program, counts in check['programs'].items():
            known = recorded.get(program, counts)
            for what, count in counts.items():
                # One state more where there was none is nothing to report.
                if count > 2 * max(known[what], 1):
                    reasons.append(f'{program} needs {count} {what}, more than twice the {known[what]} on '
                                   f'record for {series}; if it must, {how}')
        gone = sorted(set(recorded) - set(check['programs']))
        if gone:
            reasons.append(f'on record for {series}, but not in the scheduler: {", ".join(gone)}; {how}')
    if not reasons:
        check['result'] = GREEN
    return check


def verifier_dump(records):
    """One program a line, in a fixed order, so that a change shows as what it is."""
    out = ['{']
    for i, series in enumerate(sorted(records, key=version_key)):
        out.append((',\n' if i else '') + f' {json.dumps(series)}: {{')
        for j, scheduler in enumerate(sorted(records[series])):
            out.append((',\n' if j else '') + f'  {json.dumps(scheduler)}: {{')
            programs = records[series][scheduler]
            out.append(',\n'.join(f'   {json.dumps(name)}: {json.dumps(programs[name], sort_keys=True)}'
                                  for name in sorted(programs)))
            out.append('  }')
        out.append(' }')
    out.append('}')
    return re.sub(r'\n,', ',', '\n'.join(out)) + '\n'


def verifier_table(records):
    """Instructions and states of each program, a column for each series."""
    every = sorted(records, key=version_key)
    text = []
    for scheduler in sorted({name for series in every for name in records[series]}):
        programs = sorted({program for series in every for program in records[series].get(scheduler, {})})
        rows = [[f'scx_{scheduler}', *every]]
        for program in programs:
            row = [program.removeprefix(f'{scheduler}_')]
            for series in every:
                counts = records[series].get(scheduler, {}).get(program)
                row.append(f'{counts["insns"]}/{counts["states"]}' if counts else '-')
            rows.append(row)
        total = ['all']
        for series in every:
            known = records[series].get(scheduler, {}).values()
            total.append(f'{sum(c["insns"] for c in known)}/{sum(c["states"] for c in known)}')
        text += _columns([*rows, total]) + ['']
    return '\n'.join(text + ['instructions verified/states in total'])


# --- Showing

def version_key(text):
    return [(0, int(part), '') if part.isdigit() else (1, 0, part)
            for part in re.findall(r'\d+|[a-z]+', text.replace('malformed', 'zz'))]


def short_release(release):
    return re.sub(r'-(cloud-)?amd64$', '', release)


def _columns(rows):
    widths = [max(len(row[i]) for row in rows if i < len(row)) for i in range(max(map(len, rows)))]
    return ['  '.join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in rows]


class Footnotes:
    def __init__(self):
        self.texts = []

    def mark(self, text):
        if text not in self.texts:
            self.texts.append(text)
        return self.texts.index(text) + 1


def _general(text, release):
    """A warning without the kernel's name, so that it is one footnote for all kernels."""
    return text.replace(f'kernel {release}: ', '').replace(f'kernel {release} ', 'this kernel ')


WORDS = {GREEN: 'ok', REFUSED: 'refused', FAILED: 'FAIL'}


def merged(*runs):
    """Several runs as if they were one: of a kernel all that the last run has. ValueError if they do not go together."""
    runs = sorted(runs, key=lambda run: run['started'])
    for name in ('short', 'qemu', 'accel', 'topologies', 'schedulers'):
        if any(run[name] != runs[0][name] for run in runs):
            raise ValueError(f'the runs have not the same {name}')

    def name_of(kernel):
        return kernel.get('name', kernel['wanted'])

    last = {name_of(kernel): (run, kernel) for run in runs for kernel in run['kernels']}
    whole = dict(runs[-1], cells=[], verifier=[])
    whole['date'] = ' to '.join(dict.fromkeys((runs[0]['date'], runs[-1]['date'])))
    whole['kernels'] = [last[name][1] for name in sorted(last, key=version_key)]
    for part in ('cells', 'verifier'):
        for run in runs:
            whole[part] += [result for result in run[part] if last[result['kernel']][0] is run]
    return whole


def table(data):
    """(rows, footnotes, failures): the rows' first is the heading."""
    notes, failures = Footnotes(), []
    rows = [['kernel', *(f'scx_{name}' for name in data['schedulers'])]]
    cells = {(cell['kernel'], cell['scheduler'], cell['topology']): cell for cell in data['cells']}
    for kernel in data['kernels']:
        if kernel.get('missing'):
            rows.append([kernel['wanted'], *(f'no kernel [{notes.mark(kernel["missing"])}]'
                                             for _ in data['schedulers'])])
            continue
        name, release = kernel['name'], kernel['release']
        row = [short_release(name)]
        # An image that is not named after what it is.
        if not name.startswith(release):
            row[0] += f' ({short_release(release)})'
        if kernel['malformed']:
            row[0] += f' [{notes.mark("malformed BTF: its build left kfuncs that cannot be called")}]'
        for scheduler in data['schedulers']:
            words, marks = [], []
            for topology in data['topologies']:
                cell = cells.get((name, scheduler, topology['name']))
                if cell is None:
                    words.append('-')
                    continue
                words.append(WORDS[cell['result']])
                texts = [_general(text, release) for text in cell['warnings']]
                if cell.get('refusal'):
                    texts.append(_general(cell['refusal'], release))
                for text in texts:
                    mark = notes.mark(f'scx_{scheduler}: {text}')
                    if mark not in marks:
                        marks.append(mark)
                failures += [f'{short_release(name)}, {topology["name"]}, scx_{scheduler}: {reason}'
                             for reason in cell['reasons']]
            row.append(' '.join([', '.join(words), *(f'[{mark}]' for mark in marks)]))
        rows.append(row)
    for check in data['verifier']:
        failures += [f'{short_release(check["kernel"])}, verifier, scx_{check["scheduler"]}: {reason}'
                     for reason in check['reasons']]
    for kernel in data['kernels']:
        for boot in kernel.get('boots', ()):
            failures += [f'{short_release(kernel["name"])}, {boot["topology"]}: {reason}'
                         for reason in boot['reasons']]
    return rows, notes.texts, failures


def loads(data):
    return 'hackbench' if data['short'] else 'hackbench and stress-ng'


def text_table(data):
    rows, notes, failures = table(data)
    lines = _columns(rows)
    lines += ['', 'In each cell: ' + '; '.join(f'{t["name"]}: {t["text"]}' for t in data['topologies'])
              + f'. Load: {loads(data)}.']
    lines += [f'[{number}] {note}' for number, note in enumerate(notes, 1)]
    if failures:
        lines += ['', 'Failures:'] + [f'  {failure}' for failure in failures]
    return '\n'.join(lines)


def markdown(data):
    """The section of the README."""
    rows, notes, failures = table(data)
    machines = '; '.join(t['text'] for t in data['topologies'])
    lines = [f'Run on {data["date"]} with {data["qemu"]}, {data["accel"].upper()}. Each scheduler attaches, '
             f'carries {loads(data)}, prints statistics that must add up, and leaves on SIGINT with status 0 '
             f'and a clean kernel log. Of the results in a cell, each is one machine: {machines}.', '']
    lines.append('| ' + ' | '.join(rows[0]) + ' |')
    lines.append('|' + ' --- |' * len(rows[0]))
    lines += ['| ' + ' | '.join(row) + ' |' for row in rows[1:]]
    if notes:
        lines.append('')
        lines += [f'{"" if number == 1 else "<br>"}[{number}] {note}' for number, note in enumerate(notes, 1)]
    if failures:
        lines += ['', 'Failures:', ''] + [f'* {failure}' for failure in failures]
    return '\n'.join(lines) + '\n'
