#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Tests of the matrix's verdicts, which need no machine: a good life is green, and each
way of spoiling it is not."""

import importlib.util
import json
import sys
import unittest
from importlib.machinery import SourceFileLoader
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
sys.dont_write_bytecode = True

from vmlib import choice, matrix  # noqa: E402


def load(path):
    spec = importlib.util.spec_from_loader(path.stem, SourceFileLoader(path.stem, str(path)))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def file(name, text):
    data = text.encode()
    return b'\n@file %s %d\n' % (name.encode(), len(data)) + data


def stats(**values):
    return {'type': 'stats', 'scheduler': 'simple', 'uptime_ms': 1, 'stats': values}


METRICS = ''.join(f'# TYPE scx_simple_{name} counter\nscx_simple_{name}_total 1\n'
                  for name in ('local', 'queued', 'taken', 'run')) + '# EOF\n'


class Life:
    """A good life of 'simple', to be spoiled."""

    def __init__(self):
        self.facts = {
            'verify.status': '0', 'taint.before': '0', 'attach.status': '0', 'attach.ms': '900',
            'hackbench.status': '0', 'hackbench.ms': '1500', 'stress-ng.status': '0',
            'statistics.status': '0', 'state.loaded': 'enabled', 'ops.loaded': 'simple',
            'stop.status': '0', 'exit': '0', 'enabled': '1', 'state.after': 'disabled', 'taint.after': '0'}
        self.records = [
            {'type': 'start', 'scheduler': 'simple', 'kernel': '7.3.4'},
            stats(local=5, queued=10, taken=9, run=14), stats(local=6, queued=20, taken=20, run=26),
            {'type': 'exit', 'scheduler': 'simple', 'kind': 64},
            stats(local=7, queued=30, taken=30, run=37)]
        self.err, self.log, self.remains, self.metrics = '', '', '', METRICS
        self.done = True

    def stream(self):
        facts = ''.join(f'{key}={value}\n' for key, value in self.facts.items())
        data = (b'\n@step machine probe 1\n' + file('machine/facts', 'release=7.3.4\n')
                + b'\n@done machine\n\n@step simple verify 3\n\n@step simple attach 4\n')
        if self.done:
            data += (file('simple/facts', facts)
                     + file('simple/out', ''.join(json.dumps(record) + '\n' for record in self.records))
                     + file('simple/err', self.err) + file('simple/log', self.log)
                     + file('simple/remains', self.remains) + file('simple/metrics.taken', self.metrics)
                     + b'\n@done simple\n')
        return matrix.Stream(data)

    def judge(self, malformed=(), short=False):
        return matrix.judge_life(self.stream(), 'simple', list(malformed), short)


class Streams(unittest.TestCase):
    def test_files_may_look_like_headers(self):
        stream = matrix.Stream(file('a/x', '\n@done a\n') + b'\n@step b y 1\n' + file('b/x', ''))
        self.assertEqual(stream.done, [])
        self.assertEqual(stream.files, {('a', 'x'): b'\n@done a\n', ('b', 'x'): b''})
        self.assertEqual(stream.steps, {'b': 'y'})

    def test_a_file_that_was_cut_off_is_none(self):
        stream = matrix.Stream(file('a/x', 'one') + file('a/y', 'two')[:-1])
        self.assertEqual(list(stream.files), [('a', 'x')])

    def test_headers_may_touch(self):
        self.assertEqual(matrix.Stream(b'@done a\n\n@done b\n@done c\n').done, ['a', 'b', 'c'])

    def test_malformed(self):
        def stream(status, text):
            return matrix.Stream(file('machine/facts', f'probe.status={status}\n')
                                 + file('machine/probe.out', text))
        good = json.dumps({'kfuncs': {'b': 'malformed', 'a': 'malformed', 'c': 'present'}})
        self.assertEqual(matrix.malformed_kfuncs(stream(4, good)), ['a', 'b'])
        for status, text in ((1, good), (0, ''), (0, '[]'), (0, '{}')):
            with self.assertRaises(ValueError):
                matrix.malformed_kfuncs(stream(status, text))


class Lives(unittest.TestCase):
    def test_good(self):
        cell = Life().judge()
        self.assertEqual(cell['reasons'], [])
        self.assertEqual(cell['result'], matrix.GREEN)
        self.assertEqual(cell['times_ms'], {'attach': 900, 'hackbench': 1500})
        self.assertEqual(cell['statistics']['run'], 37)

    def test_spoiled(self):
        def fact(key, value):
            return lambda life: life.facts.__setitem__(key, value)

        def attribute(key, value):
            return lambda life: setattr(life, key, value)

        spoil = {
            'hung': (attribute('done', False), 'went away during: attach'),
            'did not attach': (fact('attach.status', '1'), 'did not attach'),
            'hackbench': (fact('hackbench.status', '1'), 'hackbench ended with 1'),
            'stress-ng': (fact('stress-ng.status', '2'), 'stress-ng ended with 2'),
            'no load': (lambda life: life.facts.pop('hackbench.status'), 'hackbench ended with None'),
            'another': (fact('ops.loaded', 'qmap'), "'qmap' is enabled"),
            'ejected early': (fact('state.loaded', 'disabled'), 'is disabled'),
            'status': (fact('exit', '3'), 'exit status 3'),
            'restarted': (fact('enabled', '2'), 'was enabled 2 times'),
            'stays': (fact('state.after', 'enabled'), 'sched_ext is enabled'),
            'tainted': (fact('taint.after', str(0x200)), 'W: a warning'),
            'taint unknown': (fact('taint.after', ''), 'not known'),
            'kernel log': (attribute('log', '<4>[ 1.0] WARNING: x\n'), 'in the kernel log'),
            'left behind': (attribute('remains', 'process scx_simple\n'), 'left behind'),
            'stderr': (attribute('err', 'scx_simple: something\n'), 'on stderr'),
            'no JSON': (lambda life: life.records.append(1), 'no JSON record'),
            'no start': (lambda life: life.records.pop(0), "0 JSON records 'start'"),
            'other kernel': (lambda life: life.records[0].update(kernel='6.12'), "kernel is '6.12'"),
            'other end': (lambda life: life.records[3].update(kind=1026), "kind is '1026'"),
            'few lines': (lambda life: life.records.pop(2), '2 lines of statistics'),
            'down': (lambda life: life.records[2]['stats'].update(run=40), 'from 40 down to 37'),
            'negative': (lambda life: life.records[4]['stats'].update(local=-1), 'local is -1'),
            'other names': (lambda life: life.records[2]['stats'].update(more=1), 'same statistics'),
            'relation': (lambda life: life.records[4]['stats'].update(taken=31), 'taken <= queued'),
            'zero': (lambda life: [record['stats'].update(run=0, local=0, queued=0, taken=0)
                                   for record in life.records if 'stats' in record], 'all counters are 0'),
            'metrics cut off': (attribute('metrics', METRICS[:-6]), 'not complete'),
            'metrics of another': (attribute('metrics', '# EOF\n'), 'other statistics'),
        }
        for name, (change, reason) in spoil.items():
            with self.subTest(name):
                life = Life()
                change(life)
                cell = life.judge()
                self.assertEqual(cell['result'], matrix.FAILED)
                self.assertIn(reason, ' / '.join(cell['reasons']))

    def test_old_taint_is_not_its_fault(self):
        life = Life()
        life.facts.update({'taint.before': '512', 'taint.after': '512'})
        self.assertEqual(life.judge()['result'], matrix.GREEN)

    def test_short_needs_no_stress(self):
        life = Life()
        del life.facts['stress-ng.status']
        self.assertEqual(life.judge(short=True)['result'], matrix.GREEN)

    def test_warnings_are_kept(self):
        life = Life()
        life.err = 'scx_simple: warning: slow\n'
        cell = life.judge()
        self.assertEqual((cell['result'], cell['warnings']), (matrix.GREEN, ['slow']))

    def refused(self):
        life = Life()
        life.facts.update({'attach.status': '1', 'exit': '4', 'enabled': '0'})
        life.err = 'scx_simple: kernel 7.1.13 was built with an old pahole\n'
        return life

    def test_refused(self):
        cell = self.refused().judge(malformed=['x'])
        self.assertEqual((cell['result'], cell['refusal']),
                         (matrix.REFUSED, 'kernel 7.1.13 was built with an old pahole'))

    def test_refused_without_reason(self):
        self.assertEqual(self.refused().judge()['result'], matrix.FAILED)
        for err in ('', 'scx_simple: \n', 'scx_simple: a\nscx_simple: b\n', 'a\n'):
            life = self.refused()
            life.err = err
            self.assertEqual(life.judge(malformed=['x'])['result'], matrix.FAILED, err)
        life = self.refused()
        life.facts['enabled'] = '1'
        self.assertEqual(life.judge(malformed=['x'])['result'], matrix.FAILED)

    def test_scheduler_without_relations(self):
        reasons = matrix.judge_statistics('new', [{'a': 1}] * 3,
                                          '# TYPE scx_new_a counter\nscx_new_a_total 1\n# EOF\n')
        self.assertEqual(len(reasons), 1)
        self.assertIn('RELATIONS', reasons[0])

    def test_gauges_may_go_down(self):
        metrics = METRICS.replace('scx_simple_run counter', 'scx_simple_run gauge')
        life = Life()
        life.metrics = metrics
        life.records[2]['stats']['run'] = 40
        self.assertEqual(life.judge()['reasons'], [])


class Relations(unittest.TestCase):
    def test_all(self):
        values = {'a': 3, 'b1': 1, 'b2': 2}
        for good in ('a = b*', 'a = b1 + b2', 'a >= b1', 'b1 < a', 'a > 0', 'a <= 3'):
            self.assertIsNone(matrix.relation_fails(good, values), good)
        for bad in ('a = b1', 'a < b*', 'a > 3', 'b1 >= a', 'a = c', 'a = c* + a'):
            self.assertIsNotNone(matrix.relation_fails(bad, values), bad)


class Verifier(unittest.TestCase):
    def judge(self, recorded, insns=100, states=10, status=0, err='', malformed=()):
        record = {'type': 'verifier', 'program': 'p', 'insns': insns, 'states': states}
        stream = matrix.Stream(file('simple/facts', f'verify.status={status}\n') + file('simple/verify.err', err)
                               + file('simple/verify.out', '' if status else json.dumps(record) + '\n'))
        return matrix.judge_verifier(stream, 'simple', '7.3.4', list(malformed), recorded)

    def test_within(self):
        for known in ({'insns': 50, 'states': 5}, {'insns': 1000, 'states': 1000}):
            self.assertEqual(self.judge({'p': known})['reasons'], [])
        self.assertEqual(self.judge({'p': {'insns': 50, 'states': 0}}, states=1)['reasons'], [])

    def test_beyond(self):
        self.assertIn('100 insns', self.judge({'p': {'insns': 49, 'states': 10}})['reasons'][0])
        self.assertIn('10 states', self.judge({'p': {'insns': 100, 'states': 4}})['reasons'][0])

    def test_no_record(self):
        for recorded in ({}, {'q': {'insns': 1, 'states': 1}}):
            check = self.judge(recorded)
            self.assertEqual(check['result'], matrix.FAILED)
            self.assertIn('--record-verifier', check['reasons'][0])

    def test_gone(self):
        same = {'insns': 100, 'states': 10}
        self.assertIn('not in the scheduler: q', self.judge({'p': same, 'q': same})['reasons'][0])

    def test_not_measured(self):
        same = {'p': {'insns': 100, 'states': 10}}
        self.assertEqual(self.judge(same, status=1)['result'], matrix.FAILED)
        self.assertEqual(self.judge(same, err='scx_simple: warning: the kernel did not count for q\n')['result'],
                         matrix.FAILED)
        self.assertEqual(self.judge(same, status=4, err='scx_simple: no\n')['result'], matrix.FAILED)
        self.assertEqual(self.judge(same, status=4, err='scx_simple: no\n', malformed=['x'])['result'],
                         matrix.REFUSED)

    def test_series(self):
        self.assertEqual(matrix.verifier_series('7.3.4+deb13', []), '7.3')
        self.assertEqual(matrix.verifier_series('7.1.13', ['x']), '7.1-malformed')

    def test_record(self):
        def counts(insns, states):
            return {'insns': insns, 'states': states}
        records = {'7.2': {'simple': {'p': counts(5, 9), 'q': counts(1, 1)}},
                   '7.2-malformed': {'simple': {'p': counts(6, 2), 'r': counts(3, 0)}}}
        self.assertEqual(matrix.verifier_record(records, 'simple', '7.2.13', []),
                         records['7.2']['simple'])
        self.assertEqual(matrix.verifier_record(records, 'simple', '7.2.12', ['x']),
                         {'p': counts(6, 9), 'q': counts(1, 1), 'r': counts(3, 0)})
        self.assertEqual(matrix.verifier_record(records, 'qmap', '7.3', ['x']), {})

    def test_dump(self):
        records = {'6.12': {'b': {'p': {'insns': 1, 'states': 2}, 'q': {'insns': 3, 'states': 4}},
                            'a': {'r': {'insns': 5, 'states': 6}}}, '7.3': {}}
        text = matrix.verifier_dump(records)
        self.assertEqual(json.loads(text), records)
        self.assertEqual(matrix.verifier_dump(json.loads(text)), text)


class Tables(unittest.TestCase):
    def data(self):
        def cell(kernel, topology, **more):
            return {'kernel': kernel, 'scheduler': 'simple', 'topology': topology, 'result': matrix.GREEN,
                    'reasons': [], 'warnings': [], **more}
        return {
            'date': '2026-01-02', 'started': '2026-01-02T03:00:00+00:00', 'short': False,
            'qemu': 'QEMU 10.0', 'accel': 'tcg',
            'topologies': [{'name': 'one', 'text': '4 CPUs'}, {'name': 'two', 'text': '8 CPUs'}],
            'schedulers': ['simple'], 'verifier': [],
            'kernels': [{'wanted': '6.12', 'missing': 'none at hand'},
                        {'wanted': '7.1', 'name': '7.1.13-cloud-amd64', 'release': '7.1.13-cloud-amd64',
                         'malformed': ['x'], 'boots': []},
                        {'wanted': '7.3', 'name': '7.3.4-cloud-amd64', 'release': '7.3.4-cloud-amd64',
                         'malformed': [], 'boots': []}],
            'cells': [cell('7.1.13-cloud-amd64', 'one', warnings=['kernel 7.1.13-cloud-amd64: slow']),
                      cell('7.1.13-cloud-amd64', 'two', warnings=['kernel 7.1.13-cloud-amd64: slow']),
                      cell('7.3.4-cloud-amd64', 'one'),
                      cell('7.3.4-cloud-amd64', 'two', result=matrix.FAILED, reasons=['broke'])],
        }

    def test_table(self):
        rows, notes, failures = matrix.table(self.data())
        self.assertEqual([row[1] for row in rows], ['scx_simple', 'no kernel [1]', 'ok, ok [3]', 'ok, FAIL'])
        self.assertEqual(notes[0], 'none at hand')
        self.assertEqual(notes[2], 'scx_simple: slow')
        self.assertEqual(failures, ['7.3.4, two, scx_simple: broke'])

    def test_image_of_another_name(self):
        data = self.data()
        data['kernels'][2]['release'] = '7.3.5'
        self.assertEqual([row[0] for row in matrix.table(data)[0]][2:], ['7.1.13 [2]', '7.3.4 (7.3.5)'])

    def test_cell_that_did_not_run_is_no_success(self):
        data = self.data()
        data['cells'].pop()
        self.assertEqual(matrix.table(data)[0][3][1], 'ok, -')

    def test_merged(self):
        self.assertEqual(matrix.merged(self.data()), self.data())
        later = self.data()
        later.update(date='2026-01-03', started='2026-01-03T03:00:00+00:00')
        later['kernels'] = [dict(later['kernels'][2], name='7.2.1'), later['kernels'][2]]
        later['cells'] = [dict(cell, kernel=kernel, result=matrix.GREEN, reasons=[])
                          for kernel in ('7.2.1', '7.3.4-cloud-amd64') for cell in later['cells'][2:]]
        for runs in ((self.data(), later), (later, self.data())):
            both = matrix.merged(*runs)
            rows, _, failures = matrix.table(both)
            self.assertEqual([row[0].split()[0] for row in rows], ['kernel', '6.12', '7.1.13', '7.2.1', '7.3.4'])
            self.assertEqual([row[1] for row in rows][3:], ['ok, ok', 'ok, ok'])
            self.assertEqual(failures, [])
            self.assertEqual(len(both['cells']), 6)
            self.assertIn('Run on 2026-01-02 to 2026-01-03 with', matrix.markdown(both))
        later['schedulers'] = ['simple', 'qmap']
        with self.assertRaisesRegex(ValueError, 'schedulers'):
            matrix.merged(self.data(), later)

    def test_readme(self):
        readme = load(HERE.parent.parent / 'scripts' / 'lib' / 'readme.py')
        begin, end = readme.markers('matrix')
        section = matrix.markdown(self.data())
        self.assertIn('2026-01-02', section)
        self.assertIn('| 7.3.4 | ok, FAIL |', section)
        text = f'a\n{begin}\nold\n{end}\nb\n'
        once = readme.replaced(text, 'matrix', section)
        self.assertNotIn('old', once)
        self.assertTrue(once.startswith(f'a\n{begin}\nRun on'))
        self.assertTrue(once.endswith(f'\n{end}\nb\n'))
        self.assertEqual(readme.replaced(once, 'matrix', section), once)
        for bad in ('', f'{begin}\n', f'{end}\n{begin}\n', once + once):
            with self.assertRaises(ValueError):
                readme.replaced(bad, 'matrix', section)


class Kernels(unittest.TestCase):
    def test_newest_of_a_series(self):
        versions = ['7.2.13+deb14-cloud-amd64', '7.2.12+deb13-cloud-amd64', '6.12.107-unbounded', '6.12.107',
                    '6.12.9']
        self.assertEqual(choice.newest_of('7.2', versions), '7.2.13+deb14')
        self.assertEqual(choice.newest_of('6.12', versions), '6.12.107')
        self.assertEqual(choice.newest_of('7.3', versions), '7.3')

    def test_order(self):
        for names in (['6.9', '6.12.107', '7.2', '7.2.12+deb13', '7.2.13+deb14', '7.10'],
                      ['6.12', '7.2', '7.2-malformed', '7.10']):
            self.assertEqual(sorted(reversed(names), key=matrix.version_key), names)


class Unbound(unittest.TestCase):
    def test_exactly_three_places(self):
        unbound = load(HERE.parent.parent / 'scripts' / 'lib' / 'unbound-dispatch.py').unbound
        constant = '\tSCX_DSP_MAX_LOOPS\t\t= 32,\n'
        counter = '\tint nr_loops = SCX_DSP_MAX_LOOPS;\n'
        block = ('\n\t\t/*\n\t\t * Why.\n\t\t */\n\t\tif (unlikely(!--nr_loops)) {\n'
                 '\t\t\tscx_bpf_kick_cpu(cpu_of(rq), 0);\n\t\t\tbreak;\n\t\t}\n')
        end = '\t} while (dspc->nr_tasks);\n'
        self.assertEqual(unbound(constant + counter + 'x;\n' + block + end), 'x;\n' + end)
        for bad in ('', constant + counter, counter + block + end, constant + block + end,
                    constant + counter + block, constant * 2 + counter + block + end,
                    constant + counter + block + end + 'nr_loops = 1;\n'):
            with self.assertRaises(ValueError):
                unbound(bad)


if __name__ == '__main__':
    unittest.main()
