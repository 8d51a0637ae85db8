#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Tests of the parts of the VM harness that need no machine."""

import io
import os
import re
import sys
import tarfile
import tempfile
import unittest
from unittest import mock
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
sys.dont_write_bytecode = True

from vmlib import ROOT, VmSetupError, cpio, initramfs, qemu, tap  # noqa: E402


class Cpio(unittest.TestCase):
    def pack(self, fill):
        out = io.BytesIO()
        writer = cpio.Writer(out)
        fill(writer)
        writer.close()
        return out.getvalue()

    def test_round_trip(self):
        def fill(writer):
            writer.file('/a/b/c', b'12345', 0o755)
            writer.symlink('/bin/sh', 'busybox')
            writer.char_device('/dev/console', 5, 1)
        data = self.pack(fill)
        entries = {name: (mode, content) for name, mode, content in cpio.read(data)}
        self.assertEqual(list(entries), ['a', 'a/b', 'a/b/c', 'bin', 'bin/sh', 'dev', 'dev/console'])
        self.assertEqual(entries['a/b/c'], (0o100755, b'12345'))
        self.assertEqual(entries['bin/sh'], (0o120777, b'busybox'))
        self.assertEqual(entries['dev/console'][0], 0o020600)
        self.assertEqual(len(data) % 4, 0)

    def test_archives_follow_one_another(self):
        first = self.pack(lambda writer: writer.file('x', b'1'))
        second = self.pack(lambda writer: writer.file('y', b'22'))
        self.assertEqual([name for name, _, _ in cpio.read(first + second)], ['x', 'y'])

    def test_same_files_same_bytes(self):
        def fill(writer):
            writer.file('x', b'1')
        self.assertEqual(self.pack(fill), self.pack(fill))

    def test_directories_once(self):
        def fill(writer):
            writer.file('d/x', b'')
            writer.file('d/y', b'')
            writer.directory('d')
        self.assertEqual([name for name, _, _ in cpio.read(self.pack(fill))], ['d', 'd/x', 'd/y'])

    def test_bad_names(self):
        for name in ('', '/', '../x', 'a/../b'):
            with self.assertRaises(ValueError):
                self.pack(lambda writer, name=name: writer.file(name, b''))


class Tap(unittest.TestCase):
    def fixed(self, *chunks, status=0, failure=''):
        out = []
        fixer = tap.Fixer(out.append)
        for chunk in chunks:
            fixer.feed(chunk)
        fixer.finish(status, failure)
        return ''.join(out)

    def test_begun_anew(self):
        out = []
        fixer = tap.Fixer(out.append)
        fixer.feed('1..9\nok 1 - a\nnot ok 2 - cut sh')
        fixer.again()
        fixer.feed('ok 1 - a\nok 2 - b\n1..2\n')
        fixer.finish(0)
        self.assertEqual(''.join(out),
                         'ok 1 - a\n# not ok 2 - cut sh\nok 2 - a\nok 3 - b\n1..3\n')

    def test_good_stays(self):
        text = 'ok 1 - a\n# note\nok 2 - b\n1..2\n'
        self.assertEqual(self.fixed(text), text)

    def test_chunks(self):
        self.assertEqual(self.fixed('ok', ' 1 - a\n1.', '.1\n'), 'ok 1 - a\n1..1\n')

    def test_hang(self):
        self.assertEqual(self.fixed('1..3\nok 1 - a\nok 2 - ', failure='hung after 5 s'),
                         'ok 1 - a\n# ok 2 -\n'.replace('-\n', '- \n')
                         + 'not ok 2 - VM: hung after 5 s\n1..2\n')

    def test_hang_before_anything(self):
        self.assertEqual(self.fixed(failure='panic'), 'not ok 1 - VM: panic\n1..1\n')

    def test_status_without_not_ok(self):
        self.assertEqual(self.fixed('ok 1 - a\n1..1\n', status=3),
                         'ok 1 - a\nnot ok 2 - the script ended with status 3\n1..2\n')

    def test_status_with_not_ok(self):
        self.assertEqual(self.fixed('not ok 1 - a\n1..1\n', status=1), 'not ok 1 - a\n1..1\n')

    def test_todo_is_no_failure(self):
        self.assertIn('status 1', self.fixed('not ok 1 - a # TODO later\n', status=1))

    def test_missing_tests(self):
        self.assertEqual(self.fixed('1..2\nok 1 - a\n'),
                         'ok 1 - a\nnot ok 2 - the script planned 2 tests and ran 1\n1..2\n')

    def test_no_plan(self):
        self.assertEqual(self.fixed('ok 1 - a\n'), 'ok 1 - a\n1..1\n')

    def test_nothing(self):
        self.assertEqual(self.fixed(), 'not ok 1 - the script ran no test\n1..1\n')

    def test_skip_all(self):
        self.assertEqual(self.fixed('1..0 # SKIP no arena\n'), '1..0 # SKIP no arena\n')
        self.assertEqual(self.fixed(status=77),
                         '1..0 # SKIP the script asked for it (status 77)\n')

    def test_skip_all_then_hang(self):
        self.assertEqual(self.fixed('1..0 # SKIP x\n', failure='hung'),
                         'not ok 1 - VM: hung\n1..1\n')

    def test_bail_out(self):
        self.assertEqual(self.fixed('ok 1 - a\nBail out! no root\n', status=1),
                         'ok 1 - a\nnot ok 2 - bailed out: no root\n1..2\n')

    def test_other_output_is_a_comment(self):
        self.assertEqual(self.fixed('hello\nok 1 - a\n'), '# hello\nok 1 - a\n1..1\n')

    def test_numbers_are_put_right(self):
        self.assertEqual(self.fixed('ok - a\nok 7 - b\n'), 'ok 1 - a\nok 2 - b\n1..2\n')

    def test_yaml(self):
        text = 'not ok 1 - a\n  ---\n  got: 1\n  ...\n1..1\n'
        self.assertEqual(self.fixed(text), text)


class Qemu(unittest.TestCase):
    def test_topology(self):
        self.assertEqual(qemu.parse_topology(None, 4), '4')
        self.assertEqual(qemu.parse_topology('2x2x2', 1), '8,sockets=2,cores=2,threads=2')
        for bad in ('2x2', '0x1x1', 'x', '2x2x2x2'):
            with self.assertRaises(VmSetupError):
                qemu.parse_topology(bad, 4)

    def test_numa(self):
        args = ' '.join(qemu.numa_args(2, 4, 1025))
        self.assertIn('size=512M', args)
        self.assertIn('size=513M', args)
        self.assertIn('cpus=2-3', args)
        self.assertEqual(qemu.numa_args(0, 4, 1024), [])
        with self.assertRaises(VmSetupError):
            qemu.numa_args(3, 4, 1024)

    def archive(self, **members):
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode='w') as tar:
            for name, data in members.items():
                info = tarfile.TarInfo(name.replace('__', '/').replace('UP', '..'))
                info.size = len(data)
                tar.addfile(info, io.BytesIO(data))
        return out.getvalue()

    def test_unpack(self):
        with tempfile.TemporaryDirectory() as folder:
            folder = Path(folder)
            files = folder / 'files'
            files.mkdir()
            log = qemu._unpack(self.archive(run__result__dmesg=b'<6>x\n', out__d__f=b'\0\xff',
                                            out__UP__UP__evil=b'x'), files)
            self.assertEqual(log, '<6>x\n')
            self.assertEqual((files / 'd' / 'f').read_bytes(), b'\0\xff')
            self.assertEqual(sorted(p.name for p in folder.rglob('*')), ['d', 'f', 'files'])

    def test_unpack_cut_short(self):
        data = self.archive(run__result__dmesg=b'x' * 5000)
        with tempfile.TemporaryDirectory() as folder:
            for part in (b'', data[:3000], data[:512]):
                with self.assertRaises(tarfile.TarError):
                    qemu._unpack(part, Path(folder))

    def test_messages(self):
        result = qemu.Result(dmesg='<6>[ 0.1] fine\n<4>[ 0.2] WARNING: bad\n<12>[ 0.3] user\n')
        self.assertEqual(result.kernel_messages(), ['[ 0.2] WARNING: bad', '[ 0.3] user'])
        self.assertEqual(result.splats(), ['[ 0.2] WARNING: bad'])
        # The story begins with what went wrong, however much follows it.
        oops = ['[ 2.0] Oops: int3: 0000 [#1]', *(f'[ 2.1] frame {i}' for i in range(50)), '[ 2.2] end']
        self.assertEqual(qemu.Result(console='\n'.join(['[ 1.0] fine', *oops, ''])).last_words(), oops)
        # What a race of the emulator's did is told from what the kernel did.
        self.assertTrue(qemu.Result(console='\n'.join(oops), accel='tcg').emulator_fault)
        self.assertFalse(qemu.Result(console='\n'.join(oops), accel='kvm').emulator_fault)
        self.assertFalse(qemu.Result(console='BUG: a real one\n' + oops[0], accel='tcg').emulator_fault)
        self.assertEqual(qemu.Result(console='a\nb\n').last_words(), ['a', 'b'])
        self.assertEqual(qemu.Result(hung=True).status, 124)
        self.assertEqual(qemu.Result().status, 125)
        self.assertEqual(qemu.Result(exit_status=7).status, 7)


    def test_clock(self):
        for said, seconds, ahead in ((b'started 3.10\n', 4.0, False), (b'started 4.50\n', 4.0, False),
                                     (b'started 250.04\n', 10.0, True), (b'started 9.00\nstatus', 4.0, True),
                                     (b'started', 4.0, False)):
            self.assertEqual(qemu.clock_runs_ahead(said, seconds), ahead, said)
        self.assertTrue(qemu.Result(accel='tcg', fast_clock=True).emulator_fault)
        self.assertFalse(qemu.Result(accel='kvm', fast_clock=True).emulator_fault)

    def test_started_again(self):
        fault = qemu.Result(console='[ 2.0] Oops: int3: 0000 [#1]', accel='tcg', failure='a fault')
        for faults in (0, 1, qemu.EMULATOR_RETRIES):
            results, said = [fault] * faults + [qemu.Result(exit_status=0)], []
            with mock.patch.object(qemu, 'run_vm', side_effect=results):
                self.assertTrue(qemu.run_test_vm(on_again=said.append).ok)
            self.assertEqual(len(said), faults)
        # Not for ever, and not for anything else.
        with mock.patch.object(qemu, 'run_vm', return_value=fault) as run_vm:
            self.assertIs(qemu.run_test_vm(), fault)
            self.assertEqual(run_vm.call_count, 1 + qemu.EMULATOR_RETRIES)
        with mock.patch.object(qemu, 'run_vm', return_value=qemu.Result(hung=True)) as run_vm:
            self.assertTrue(qemu.run_test_vm().hung)
            self.assertEqual(run_vm.call_count, 1)


class Initramfs(unittest.TestCase):
    def test_key_follows_the_files(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, 'x')
            Path(path).write_text('1')

            def key():
                layer = initramfs.Layer()
                layer.add_tree('/t', folder)
                return layer.key()
            before = key()
            self.assertEqual(before, key())
            Path(path).write_text('22')
            self.assertNotEqual(before, key())

    def test_libraries(self):
        self.assertTrue(any('libc.so' in path for path in initramfs.shared_libraries(['/bin/ls'])))
        self.assertEqual(initramfs.shared_libraries([__file__]), set())


class Instruments(unittest.TestCase):
    """What is built like a scheduler but is none to work with, such as scx_fault."""

    def test_left_out(self):
        with tempfile.TemporaryDirectory() as folder:
            programs = Path(folder, 'scheds/c')
            programs.mkdir(parents=True)
            for name in ('scx_simple', 'scx_fault', 'scx_pair'):
                (programs / name).touch(mode=0o755)
            (programs / 'scx_flatcg.bpf.o').touch()
            self.assertEqual(initramfs.schedulers(folder), ['pair', 'simple'])
            # It is in the machine all the same.
            self.assertIn('/usr/bin/scx_fault', initramfs.build_programs(folder))

    def test_known_everywhere(self):
        """They are named where shell scripts go through all programs, too."""
        listed = re.search(r'^instruments = \[(.*)\]$', (ROOT / 'bpf/meson.build').read_text(encoding='utf-8'),
                           re.MULTILINE)[1]
        self.assertEqual(tuple(re.findall(r"'([^']+)'", listed)), initramfs.INSTRUMENTS)
        library = (ROOT / 'tests/vm/guest/lib.sh').read_text(encoding='utf-8')
        body = re.search(r'^schedulers\(\) \{\n(.*?)^\}', library, re.MULTILINE | re.DOTALL)[1]
        self.assertEqual(re.search(r'^\t\t(\S+)\) ;;$', body, re.MULTILINE)[1].split('|'), [*initramfs.INSTRUMENTS])
        benchmark = (ROOT / 'tests/vm/benchmark').read_text(encoding='utf-8')
        for name in initramfs.INSTRUMENTS:
            self.assertIn(f'!= scx_{name} ', benchmark)


if __name__ == '__main__':
    unittest.main()
