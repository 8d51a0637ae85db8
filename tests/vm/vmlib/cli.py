# SPDX-License-Identifier: GPL-2.0
"""What the programs that run test machines share on their command lines."""

import argparse
import os
import signal
import sys

from .common import ROOT


def _positive(text):
    try:
        value = int(text)
    except ValueError:
        value = 0
    if value < 1:
        raise argparse.ArgumentTypeError(f"'{text}' is no number above 0")
    return value


def _path_pair(text):
    host, _, guest = text.partition(':')
    if not os.path.exists(host):
        raise argparse.ArgumentTypeError(f'nothing at {host}')
    return host, guest or '/root/' + os.path.basename(host.rstrip('/'))


def _assignment(text):
    key, equals, value = text.partition('=')
    if not equals or not key.isidentifier():
        raise argparse.ArgumentTypeError(f"'{text}' is not NAME=VALUE")
    return key, value


def add_vm_options(parser):
    parser.add_argument('--kernel', default=os.environ.get('SCX_TEST_KERNEL') or 'newest', metavar='K',
                        help="a kernel image, what scripts/fetch-kernel knows (newest, 7.3, 6.18.15), "
                             "or 'host' (default: newest)")
    parser.add_argument('--cpus', type=_positive, default=4, metavar='N', help='(default: 4)')
    parser.add_argument('--topology', metavar='SxCxT',
                        help='sockets x cores x threads, in place of --cpus')
    parser.add_argument('--numa', type=_positive, default=0, metavar='N', help='NUMA nodes')
    parser.add_argument('--memory', type=_positive, default=2048, metavar='MB', help='(default: 2048)')
    parser.add_argument('--timeout', type=_positive, default=None, metavar='SEC',
                        help='for boot and command together (default: 120; none for a shell)')
    parser.add_argument('--append', default='', metavar='ARGS', help='more kernel parameters')
    parser.add_argument('--add', action='append', default=[], type=_path_pair,
                        metavar='HOST[:GUEST]',
                        help='have this file (with its libraries) or folder in the guest '
                             '(default place: /root)')
    parser.add_argument('--env', action='append', default=[], type=_assignment, metavar='NAME=VALUE',
                        help='an environment variable for the command')
    parser.add_argument('--bindir', metavar='BUILD_DIR',
                        help="the build folder whose programs are in the guest's PATH "
                             '(default: build, if it is there)')
    parser.add_argument('--out', metavar='DIR',
                        help='keep console.log, output.log, dmesg.log and files/ (what the command '
                             'put into /out) here')
    parser.add_argument('--icount', action='store_true',
                        help='let guest time count instructions: slow, and repeatable')
    parser.add_argument('--accel', choices=('auto', 'tcg', 'kvm'), default=None,
                        help='(default: $SCX_VM_ACCEL, or tcg: /dev/kvm may be there and useless)')


def vm_arguments(args):
    """The arguments of run_vm that the options stand for."""
    bindir = args.bindir
    if bindir is None and (ROOT / 'build').is_dir():
        bindir = ROOT / 'build'
    return {
        'kernel': args.kernel, 'cpus': args.cpus, 'topology': args.topology, 'numa': args.numa,
        'memory': args.memory, 'timeout': args.timeout or 120, 'append': args.append,
        'add': args.add, 'env': dict(args.env), 'bindir': bindir, 'out': args.out,
        'icount': args.icount, 'accel': args.accel,
    }


def log(text):
    """For whoever waits."""
    print(text, file=sys.stderr, flush=True)


def exit_on_signals():
    """End by way of the clean-up that stops QEMU."""
    def stop(number, _frame):
        raise SystemExit(128 + number)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, stop)
