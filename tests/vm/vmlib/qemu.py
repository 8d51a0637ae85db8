# SPDX-License-Identifier: GPL-2.0
"""Runs one command in one test machine.

Four serial lines lead out of it, each a socket pair: the kernel's console, the
command's output, the result, and the command's error output if that is wanted
apart. On the line of the result there is first the line `started UPTIME`, then, when
the command is done, `status N` and a tar archive with the kernel's log and what
the command left in /out. A machine that goes away without all of that has
failed, whatever it printed.
"""

import ctypes
import dataclasses
import functools
import io
import os
import re
import selectors
import shlex
import signal
import socket
import subprocess
import sys
import tarfile
import tempfile
import time
from pathlib import Path

from . import initramfs, kernel as kernels
from .common import STATUS_FAILED, STATUS_HUNG, VmSetupError, cache_dir

QEMU = 'qemu-system-x86_64'
# tsc=reliable: on a busy host the kernel may find its clock slow to answer, and
# fall back on one that costs an exit to QEMU at each reading. oops=panic: a kernel
# that has gone wrong shall not go on to fail the test in some way that hides it.
APPEND = 'console=ttyS0 quiet oops=panic panic=-1 mitigations=off tsc=reliable'
PR_SET_PDEATHSIG = 1
# What a kernel says when something is wrong with the kernel. That it ejected a
# scheduler is not among it: tests make it do that.
SPLAT = re.compile(r'cut here \]|WARNING: |BUG: |BUG kmalloc|Oops|Kernel panic|general protection'
                   r'|soft lockup|hard LOCKUP|rcu: INFO|rcu_\w+ (?:detected|self-detected)'
                   r'|blocked for more than|KASAN|UBSAN|possible circular locking'
                   r'|suspicious RCU|Workqueue lockup|workqueue lockup|refcount_t:')
# QEMU's emulation of several CPUs at once has a race: a CPU that translates code
# which another one is just changing may keep the old version for good. The kernel
# puts breakpoints where it changes its own text (static keys, tracing), so what goes
# wrong is always that a CPU meets a breakpoint that is not there any more. Seen with
# QEMU 7.2 and 10.0; with 10.0 in less than one machine of a hundred, in one of twenty
# on a busy host.
EMULATOR_FAULT = re.compile(r'Oops: int3:')
# On a busy host a kernel may also take a wrong measure of its clock, against an emulated
# timer that was late, and then all its seconds are too short (seen: 250 in 10): nothing
# keeps a time limit there. A machine whose time has run ahead of the host's by so much
# when its user space is up is such a one: a factor, and seconds on top.
CLOCK_FACTOR, CLOCK_SLACK = 1.5, 1
# How often a machine is started again for these before it counts as a failure.
EMULATOR_RETRIES = 3
# How much of the console is told when the machine went away.
LAST_WORDS = 60
# What is kept from a line whose other end never stops talking.
MAX_OUTPUT = 256 << 20


@dataclasses.dataclass
class Result:
    """What came of a run. exit_status is the command's, or None when the machine
    went away (failure says how) or had to be stopped (hung)."""

    exit_status: int | None = None
    output: str = ''
    stderr: str = ''
    raw_output: bytes = b''
    dmesg: str = ''
    console: str = ''
    files_dir: Path | None = None
    hung: bool = False
    failure: str = ''
    seconds: float = 0.0
    boot_seconds: float | None = None
    kernel: str = ''
    accel: str = ''
    fast_clock: bool = False
    _keep: object = dataclasses.field(default=None, repr=False)

    @property
    def status(self):
        """One number for all: the command's status, 124 hung, 125 failed."""
        if self.hung:
            return STATUS_HUNG
        if self.exit_status is None:
            return STATUS_FAILED
        return self.exit_status

    @property
    def ok(self):
        return self.status == 0

    def splats(self):
        """Lines of the kernel's log or console that no healthy kernel prints."""
        found = []
        for line in (self.dmesg or self.console).splitlines():
            if SPLAT.search(line):
                found.append(re.sub(r'^<\d+>', '', line).strip())
        return found

    @property
    def emulator_fault(self):
        """Whether the machine fell victim to its emulation, not to what ran in it."""
        if self.accel != 'tcg':
            return False
        if self.fast_clock:
            return True
        first = next((line for line in self.console.splitlines() if SPLAT.search(line)), '')
        return bool(EMULATOR_FAULT.search(first))

    def last_words(self):
        """The end of the console; where the kernel tells what went wrong, from there on."""
        lines = self.console.rstrip().splitlines()
        first = next((i for i, line in enumerate(lines) if SPLAT.search(line)), len(lines))
        return lines[first:][:LAST_WORDS] or lines[-LAST_WORDS:]

    def kernel_messages(self, level=4):
        """Messages of the kernel's log at this level or a graver one (4: warnings)."""
        found = []
        for line in self.dmesg.splitlines():
            match = re.match(r'<(\d+)>(.*)', line)
            if match and int(match.group(1)) & 7 <= level:
                found.append(match.group(2))
        return found


@functools.lru_cache(maxsize=None)
def qemu_version(binary):
    run = subprocess.run([binary, '--version'], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                         stdin=subprocess.DEVNULL, text=True, check=False)
    match = re.search(r'version (\d+)\.(\d+)', run.stdout)
    if run.returncode != 0 or not match:
        first = (run.stdout.strip().splitlines() or ['no output'])[0]
        raise VmSetupError(f'{binary} --version failed: {first}', skip=True)
    return int(match.group(1)), int(match.group(2))


@functools.lru_cache(maxsize=None)
def _warn_once(message):
    sys.stderr.write(f'vm: {message}\n')
    sys.stderr.flush()


def find_qemu():
    path = initramfs.find_program(QEMU)
    if path is None:
        raise VmSetupError(f'{QEMU} (package qemu-system-x86) is not installed', skip=True)
    if os.uname().machine != 'x86_64':
        raise VmSetupError(f'test machines need an amd64 host so far, not {os.uname().machine}',
                           skip=True)
    return path


def parse_topology(text, cpus):
    """'SxCxT' as QEMU's -smp; None gives one socket of single-threaded cores."""
    if text is None:
        return f'{cpus}'
    match = re.fullmatch(r'(\d+)x(\d+)x(\d+)', text)
    if not match:
        raise VmSetupError(f"topology '{text}' is not SOCKETSxCORESxTHREADS")
    sockets, cores, threads = (int(n) for n in match.groups())
    if sockets * cores * threads < 1:
        raise VmSetupError(f"topology '{text}' has no CPU")
    return f'{sockets * cores * threads},sockets={sockets},cores={cores},threads={threads}'


def numa_args(nodes, cpus, memory):
    if not nodes:
        return []
    if cpus % nodes:
        raise VmSetupError(f'{cpus} CPUs do not divide into {nodes} NUMA nodes')
    each = cpus // nodes
    args = []
    for node in range(nodes):
        # The last node takes what does not divide.
        size = memory // nodes if node < nodes - 1 else memory - memory // nodes * (nodes - 1)
        first, last = node * each, node * each + each - 1
        args += ['-object', f'memory-backend-ram,id=ram{node},size={size}M',
                 '-numa', f'node,nodeid={node},memdev=ram{node},cpus={first}-{last}']
    return args


def kvm_works(binary, image):
    """Try it really: /dev/kvm may exist and be unable to run a stock kernel. The
    answer is kept for as long as this host is up."""
    if not os.access('/dev/kvm', os.R_OK | os.W_OK):
        return False
    try:
        boot_id = Path('/proc/sys/kernel/random/boot_id').read_text().strip()
    except OSError:
        boot_id = 'unknown'
    info = os.stat(image)
    folder = cache_dir() / 'kvm'
    memo = folder / f'{boot_id}-{os.path.basename(image)}-{info.st_size}-{info.st_mtime_ns}'
    try:
        return memo.read_text() == 'yes'
    except OSError:
        pass
    _warn_once('trying KVM (once for this kernel, 20 s at most)')
    result = run_vm(kernel=image, command=['true'], cpus=2, memory=512, timeout=20, accel='kvm',
                    qemu=binary)
    works = result.status == 0
    _warn_once('KVM works' if works else 'KVM cannot run this kernel here; emulating')
    folder.mkdir(parents=True, exist_ok=True)
    for stale in folder.iterdir():
        if not stale.name.startswith(boot_id):
            stale.unlink(missing_ok=True)
    memo.write_text('yes' if works else 'no')
    return works


def accel_args(accel, binary, image, icount):
    """(name, arguments)"""
    accel = accel or os.environ.get('SCX_VM_ACCEL') or 'tcg'
    if accel not in ('auto', 'tcg', 'kvm'):
        raise VmSetupError(f"accel '{accel}' is none of auto, tcg, kvm")
    if icount:
        if accel == 'kvm':
            raise VmSetupError('instruction counting needs emulation, not KVM')
        # Guest time counts instructions; one thread for all CPUs makes their
        # order a matter of the guest alone.
        return 'tcg', ['-accel', 'tcg,thread=single', '-icount', 'shift=0,sleep=off', '-cpu', 'max']
    if accel == 'auto':
        accel = 'kvm' if kvm_works(binary, image) else 'tcg'
    if accel == 'kvm':
        return 'kvm', ['-accel', 'kvm', '-cpu', 'host']
    if qemu_version(binary) < (10, 0):
        # Older ones panic guests that patch their own text while other CPUs run
        # it, and switching a scheduler on does.
        _warn_once('this QEMU is older than 10: emulating all CPUs in one thread, which is slower')
        return 'tcg', ['-accel', 'tcg,thread=single', '-cpu', 'max']
    return 'tcg', ['-accel', 'tcg,thread=multi', '-cpu', 'max']


def _die_with_parent(parent):
    """In the child, before QEMU: be killed when this process dies, even by
    SIGKILL, which leaves it no chance to clean up."""
    def setup():
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent:
            os._exit(1)
    return setup


def _kill(process):
    if process.poll() is None:
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
    process.wait()


class _Line:
    """The host's end of a serial line."""

    def __init__(self, name):
        self.name = name
        self.data = bytearray()
        self.open = True
        self.host, self.guest = socket.socketpair()
        # Room for a burst, so that QEMU seldom has to wait for this process.
        for end in (self.host, self.guest):
            for option in (socket.SO_SNDBUF, socket.SO_RCVBUF):
                end.setsockopt(socket.SOL_SOCKET, option, 1 << 20)
        self.host.setblocking(False)

    def receive(self):
        try:
            data = self.host.recv(1 << 18)
        except BlockingIOError:
            return b''
        except ConnectionResetError:
            data = b''
        if not data:
            self.open = False
        elif len(self.data) < MAX_OUTPUT:
            self.data += data
        return data

    def text(self):
        return self.data.decode('utf-8', 'replace')


def _unpack(data, folder):
    """Unpack /out, return the kernel's log. Raises tarfile.TarError on a part."""
    dmesg = None
    # An archive ends with zeros; one that was cut between two members has none.
    if len(data) < 1024 or any(data[-1024:]):
        raise tarfile.ReadError('cut short')
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        for member in archive:
            name = member.name.lstrip('./')
            if name == 'run/result/dmesg' and member.isfile():
                dmesg = archive.extractfile(member).read().decode('utf-8', 'replace')
                continue
            parts = name.split('/')
            # What a guest sends is not trusted to stay inside the folder.
            if parts[0] != 'out' or '..' in parts or len(parts) < 2:
                continue
            target = folder.joinpath(*parts[1:])
            if member.isdir():
                target.mkdir(parents=True, exist_ok=True)
            elif member.isfile():
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(archive.extractfile(member).read())
                target.chmod(0o755 if member.mode & 0o111 else 0o644)
    if dmesg is None:
        raise tarfile.ReadError("the kernel's log is missing")
    return dmesg


def _settings(**values):
    return ''.join(f'{key}={shlex.quote(str(value))}\n' for key, value in values.items())


def run_vm(kernel='newest', command=(), *, script=None, shell=False, cpus=4, topology=None, numa=0,
           memory=2048, timeout=120, append='', add=(), env=None, bindir=None, out=None,
           icount=False, accel=None, qemu=None, split_stderr=False, on_output=None, on_stderr=None,
           on_console=None, on_started=None, interact=None, escape=None):
    """Boot a kernel, run a command there, return a Result.

    kernel    a path, 'host', 'newest', a series or a version
    command   the command and its arguments; with script (a file of this host, run
              by the guest's sh) the arguments of that
    add       (host path, guest path) pairs to have there
    env       environment variables for the command
    bindir    the build folder whose programs are in the guest's PATH
    out       a folder that keeps console.log, output.log, dmesg.log and files/;
              without it there is a temporary one that lives as long as the Result
    timeout   seconds for all of it, the boot included; None: none
    split_stderr  the command's error output apart, as Result.stderr
    on_output, on_stderr, on_console  called with bytes as they come
    on_started  called when the guest's user space is up
    interact  for shell=True: (input descriptor, function for the guest's bytes)
    escape    a byte typed there that stops the machine

    Raises VmSetupError when the machine could not be started at all.
    """
    binary = qemu or find_qemu()
    image = kernels.resolve(kernel)
    if cpus < 1:
        raise VmSetupError('a machine has at least one CPU')
    smp = parse_topology(topology, cpus)
    cpus = int(smp.split(',')[0])
    accel_name, accel_options = accel_args(accel, binary, image, icount)

    keep = tempfile.TemporaryDirectory(prefix='scx-vm-')
    work = Path(keep.name)
    keep_dir = Path(out) if out is not None else work / 'out'
    files_dir = keep_dir / 'files'
    files_dir.mkdir(parents=True, exist_ok=True)

    if bindir is not None and not os.path.isdir(bindir):
        raise VmSetupError(f'no build folder at {bindir}')
    texts = {}
    add = list(add)
    lines = ''.join(f'export {key}={shlex.quote(str(value))}\n' for key, value in (env or {}).items())
    argv = list(command)
    if script is not None:
        guest_script = '/.vm/' + os.path.basename(script)
        add.append((str(script), guest_script))
        argv = ['sh', guest_script, *argv]
    if not argv and not shell:
        raise VmSetupError('no command to run')
    texts['/.vm/command'] = ((lines + 'exec ' + shlex.join(argv) + '\n').encode(), 0o755)
    size = os.get_terminal_size(interact[0]) if interact and os.isatty(interact[0]) else None
    texts['/.vm/settings'] = (_settings(
        SPLIT='1' if split_stderr else '', SHELL_MODE='1' if shell else '',
        TTY_ROWS=size.lines if size else '', TTY_COLS=size.columns if size else '').encode(), 0o644)
    # In memory, so that nothing large stays behind even if this process is killed.
    initrd = os.fdopen(os.memfd_create('initramfs'), 'wb')
    try:
        initramfs.pack(initrd, bindir=bindir, add=add, texts=texts)
        initrd.flush()
    except BaseException:
        initrd.close()
        raise

    ports = [_Line(name) for name in ('console', 'output', 'result', 'stderr')]
    console, output, result_line, stderr = ports
    args = [binary, *accel_options, '-smp', smp, '-m', f'{memory}M', *numa_args(numa, cpus, memory),
            '-nodefaults', '-no-user-config', '-nic', 'none', '-display', 'none', '-vga', 'none',
            '-monitor', 'none', '-no-reboot',
            '-kernel', image, '-initrd', f'/proc/self/fd/{initrd.fileno()}',
            '-append', ' '.join(filter(None, (APPEND, append)))]
    for number, port in enumerate(ports):
        args += ['-chardev', f'socket,id=s{number},fd={port.guest.fileno()}',
                 '-serial', f'chardev:s{number}']

    result = Result(kernel=image, accel=accel_name, files_dir=files_dir, _keep=keep)
    qemu_log = open(work / 'qemu.log', 'w+b')
    started_at = time.monotonic()
    deadline = None if timeout is None else started_at + timeout
    try:
        process = subprocess.Popen(
            args, stdin=subprocess.DEVNULL, stdout=qemu_log, stderr=subprocess.STDOUT,
            pass_fds=[initrd.fileno(), *(port.guest.fileno() for port in ports)], start_new_session=True,
            preexec_fn=_die_with_parent(os.getpid()))
    except OSError as error:
        raise VmSetupError(f'cannot start {binary}: {error}') from error
    finally:
        initrd.close()

    sinks = {console: on_console, output: on_output, result_line: None, stderr: on_stderr}
    log = open(keep_dir / 'console.log', 'wb')
    try:
        selector = selectors.DefaultSelector()
        for port in ports:
            # QEMU alone holds the other ends now, so its end is an end of file.
            port.guest.close()
            selector.register(port.host, selectors.EVENT_READ, port)
        if interact:
            selector.register(interact[0], selectors.EVENT_READ, None)
            sinks[output] = interact[1]
        while any(port.open for port in ports):
            left = None if deadline is None else deadline - time.monotonic()
            if left is not None and left <= 0:
                result.hung = True
                break
            for key, _ in selector.select(left):
                port = key.data
                if port is None:
                    typed = os.read(interact[0], 4096)
                    if not typed:
                        selector.unregister(interact[0])
                        # The end of input is what Ctrl-D means to a terminal.
                        typed = b'\x04'
                    if escape and escape in typed:
                        raise SystemExit(128 + signal.SIGINT)
                    try:
                        output.host.setblocking(True)
                        output.host.sendall(typed)
                    except OSError:
                        pass
                    finally:
                        output.host.setblocking(False)
                    continue
                data = port.receive()
                if not port.open:
                    selector.unregister(port.host)
                    continue
                if port is console:
                    log.write(data)
                    log.flush()
                elif port is result_line and result.boot_seconds is None and b'\n' in port.data:
                    result.boot_seconds = time.monotonic() - started_at
                    if not icount and clock_runs_ahead(bytes(port.data), result.boot_seconds):
                        result.fast_clock = True
                        break
                    if on_started:
                        on_started(result.boot_seconds)
                if sinks[port]:
                    sinks[port](data)
            if result.fast_clock:
                break
        if not result.hung and not result.fast_clock:
            # It closed its lines; what is left of it is its own exit.
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                pass
    finally:
        _kill(process)
        log.close()
        for port in ports:
            port.host.close()
        qemu_log.seek(0)
        qemu_said = qemu_log.read().decode('utf-8', 'replace').strip()
        qemu_log.close()

    result.seconds = time.monotonic() - started_at
    result.raw_output = bytes(output.data)
    result.output = output.text()
    result.stderr = stderr.text()
    result.console = console.text().replace('\r\n', '\n')
    (keep_dir / 'output.log').write_bytes(output.data)
    if split_stderr:
        (keep_dir / 'stderr.log').write_bytes(stderr.data)

    match = re.match(rb'started [\d.]+\nstatus (\d+)\n', bytes(result_line.data[:64]))
    if match and not result.hung:
        try:
            result.dmesg = _unpack(bytes(result_line.data[match.end():]), files_dir)
            result.exit_status = int(match.group(1))
            (keep_dir / 'dmesg.log').write_text(result.dmesg)
        except (tarfile.TarError, EOFError) as error:
            result.failure = (f'the command ended with status {int(match.group(1))}, but the machine '
                              f'went away while it sent the results ({error})')
    elif not result.hung:
        result.failure = _why(result, process.returncode, qemu_said)
    if result.hung:
        result.failure = f'hung: stopped after {timeout} s' + (
            '' if result.boot_seconds is not None else ', before its user space was up')
        if match:
            result.failure += (f' (the command had ended with status {int(match.group(1))}, '
                               'sending the results did not)')
    return result


def run_test_vm(on_again=None, **arguments):
    """run_vm() for tests: a machine that falls victim to its emulation is started again.

    on_again is called with a line to print before that; what the machine sent so far
    stays with the callbacks. It may return arguments that are to be others from then on.
    """
    for again in range(EMULATOR_RETRIES + 1):
        if again and on_again:
            arguments.update(on_again(f'{result.failure}; starting it again ({again} of {EMULATOR_RETRIES})') or {})
        result = run_vm(**arguments)
        if not result.emulator_fault:
            break
    return result


def clock_runs_ahead(started, seconds):
    """Does `started UPTIME`, sent that long after the machine was switched on, tell of a clock that is
    too fast? It cannot be right if there has not been so much time."""
    match = re.match(rb'started ([\d.]+)\n', started)
    return bool(match) and float(match.group(1)) > CLOCK_FACTOR * seconds + CLOCK_SLACK


def _why(result, returncode, qemu_said):
    if result.fast_clock:
        return ("the machine's clock ran too fast: its kernel took a wrong measure of it, as the host was "
                'busy')
    panic = re.search(r'Kernel panic - not syncing: (.*)', result.console)
    if panic and result.emulator_fault:
        return ("the kernel panicked, by a fault of QEMU's (a race that leaves a breakpoint in the code, "
                "Oops: int3), not the kernel's")
    if panic:
        return f'the kernel panicked: {panic.group(1).strip()}'
    if result.boot_seconds is None and returncode:
        return f'QEMU failed (status {returncode}): {qemu_said or "it said nothing"}'
    if returncode:
        return f'QEMU ended with status {returncode}: {qemu_said or "it said nothing"}'
    if result.boot_seconds is None:
        return 'the machine went away before its user space was up'
    return 'the machine went away before the command ended'
