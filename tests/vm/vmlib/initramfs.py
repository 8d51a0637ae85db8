# SPDX-License-Identifier: GPL-2.0
"""Packs the root file system that a test machine boots from.

It is three archives, one behind the other: the tools of the host (busybox,
hackbench, stress-ng), what this project built, and what one run adds. The first
two are kept in the cache, under a name made of the sizes and times of all that
went in, so that a run packs a few kilobytes.

Nothing is compressed: unpacking under emulation costs more than it saves.
"""

import hashlib
import os
import re
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

from . import cpio
from .common import VmSetupError, cache_dir

VM_DIR = Path(__file__).resolve().parent.parent

# Programs of the host that the guest gets, when the host has them. chrt and
# taskset are here because busybox's are less able, or left out of it; a shell
# there takes the applet of a name first, so the able ones are /usr/bin/taskset
# and /usr/bin/chrt.
HOST_TOOLS = ('hackbench', 'stress-ng', 'cyclictest', 'chrt', 'taskset')

EXTRA_PATH = '/usr/sbin:/sbin:/usr/local/sbin'

# How many packed archives of each kind are kept: several build folders and
# branches take turns.
KEEP = 6


def find_program(name):
    return shutil.which(name, path=os.environ.get('PATH', os.defpath) + ':' + EXTRA_PATH)


def is_elf(path):
    try:
        with open(path, 'rb') as stream:
            return stream.read(4) == b'\x7fELF'
    except OSError:
        return False


def shared_libraries(paths):
    """The shared libraries, and the interpreter, of ELF files: a set of paths."""
    found = set()
    for path in paths:
        if not is_elf(path):
            continue
        run = subprocess.run(['ldd', str(path)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                             stdin=subprocess.DEVNULL, text=True, check=False,
                             env={**os.environ, 'LC_ALL': 'C'})
        # 'not a dynamic executable': a static one needs nothing.
        if run.returncode != 0:
            if 'not a dynamic executable' in run.stdout or 'statically linked' in run.stdout:
                continue
            raise VmSetupError(f'ldd {path} failed: {run.stdout.strip()}')
        for line in run.stdout.splitlines():
            if 'not found' in line:
                raise VmSetupError(f'{path} needs a library that is not here: {line.strip()}')
            match = re.search(r'(?:=>\s*)?(/\S+)\s+\(0x', line)
            if match:
                found.add(match.group(1))
    return found


class Layer:
    """What goes into one archive: guest names and where they come from."""

    def __init__(self):
        self.files = {}    # guest path -> (host path, mode)
        self.texts = {}    # guest path -> (bytes, mode)
        self.links = {}    # guest path -> target
        self.dirs = set()

    def add_file(self, guest, host, mode=None):
        info = os.stat(host)
        if mode is None:
            mode = 0o755 if info.st_mode & 0o111 else 0o644
        self.files[guest] = (str(host), mode)

    def add_tree(self, guest, host):
        host = str(host)
        self.dirs.add(guest)
        for folder, dirs, names in os.walk(host, followlinks=True):
            dirs.sort()
            relative = os.path.relpath(folder, host)
            base = guest if relative == '.' else f'{guest}/{relative}'
            for name in dirs:
                self.dirs.add(f'{base}/{name}')
            for name in sorted(names):
                path = os.path.join(folder, name)
                # An editor's dangling lock link, or a socket, is none of ours.
                if os.path.isfile(path):
                    self.add_file(f'{base}/{name}', path)

    def add_libraries(self):
        for library in shared_libraries(host for host, _ in list(self.files.values())):
            self.add_file(library, os.path.realpath(library), 0o755)

    def key(self):
        digest = hashlib.sha256()
        for guest, (host, mode) in sorted(self.files.items()):
            info = os.stat(host)
            digest.update(f'{guest}\0{host}\0{mode}\0{info.st_mtime_ns}\0{info.st_size}\n'.encode(
                'utf-8', 'surrogateescape'))
        for guest, (data, mode) in sorted(self.texts.items()):
            digest.update(f'{guest}\0{mode}\0'.encode() + data + b'\n')
        for guest, target in sorted(self.links.items()):
            digest.update(f'{guest}\0{target}\n'.encode())
        digest.update('\0'.join(sorted(self.dirs)).encode())
        # Which library a program gets may change without the program changing.
        try:
            digest.update(str(os.stat('/etc/ld.so.cache').st_mtime_ns).encode())
        except OSError:
            pass
        return digest.hexdigest()[:24]

    def write(self, out):
        archive = cpio.Writer(out)
        for guest in sorted(self.dirs):
            archive.directory(guest)
        for guest, target in sorted(self.links.items()):
            archive.symlink(guest, target)
        for guest, (host, mode) in sorted(self.files.items()):
            with open(host, 'rb') as stream:
                archive.file(guest, stream.read(), mode)
        for guest, (data, mode) in sorted(self.texts.items()):
            archive.file(guest, data, mode)
        return archive


def _packed(kind, layer, prepare):
    """The path of the packed layer in the cache, packing it when it is not there.

    prepare(layer) adds what is found out only by running things (ldd), which the
    key does without.
    """
    folder = cache_dir() / 'initramfs'
    path = folder / f'{kind}-{layer.key()}.cpio'
    if path.exists():
        os.utime(path)
        return path
    folder.mkdir(parents=True, exist_ok=True)
    prepare(layer)
    with tempfile.NamedTemporaryFile(dir=folder, prefix=f'.{kind}-', delete=False) as out:
        try:
            layer.write(out).close()
            out.flush()
            os.chmod(out.name, 0o644)
            os.rename(out.name, path)
        except BaseException:
            os.unlink(out.name)
            raise
    old = sorted(folder.glob(f'{kind}-*.cpio'), key=_age)
    # Half-written ones of runs that were killed, too.
    halves = [half for half in folder.glob('.*-*') if -_age(half) < time.time() - 3600]
    for stale in old[KEEP:] + halves:
        stale.unlink(missing_ok=True)
    return path


def _age(path):
    # Another run may be tidying up as well.
    try:
        return -path.stat().st_mtime
    except FileNotFoundError:
        return 0


def _base_layer():
    layer = Layer()
    busybox = find_program('busybox')
    if busybox is None:
        raise VmSetupError('busybox (package busybox-static) is not installed', skip=True)
    layer.add_file('/bin/busybox', os.path.realpath(busybox), 0o755)
    for name in HOST_TOOLS:
        path = find_program(name)
        if path:
            layer.add_file(f'/usr/bin/{name}', os.path.realpath(path), 0o755)
    layer.dirs.update(('/proc', '/sys', '/dev', '/tmp', '/run', '/root', '/out', '/etc', '/sbin',
                       '/usr/bin', '/usr/sbin', '/var/tmp', '/tests'))
    layer.texts['/etc/passwd'] = (b'root:x:0:0:root:/root:/bin/sh\n'
                                  b'nobody:x:65534:65534:nobody:/:/bin/false\n', 0o644)
    layer.texts['/etc/group'] = (b'root:x:0:\nnogroup:x:65534:\n', 0o644)
    layer.texts['/etc/hosts'] = (b'127.0.0.1 localhost\n', 0o644)
    layer.texts['/init'] = ((VM_DIR / 'init').read_bytes(), 0o755)
    layer.links['/var/run'] = '/run'

    def prepare(final):
        applets = subprocess.run([busybox, '--list'], stdout=subprocess.PIPE, text=True,
                                 check=True).stdout.split()
        have = {os.path.basename(guest) for guest in final.files}
        for applet in applets:
            if applet not in have:
                final.links[f'/bin/{applet}'] = 'busybox'
        final.add_libraries()

    return _packed('base', layer, prepare)


# What is built and installed like a scheduler, but is not one to work with: `instruments` in
# bpf/meson.build.
INSTRUMENTS = ('fault',)


def schedulers(bindir):
    """The names of the schedulers in a build folder, in order."""
    names = (path.name.removeprefix('scx_') for path in build_programs(bindir).values()
             if path.name.startswith('scx_'))
    return sorted(name for name in names if name not in INSTRUMENTS)


def build_programs(bindir):
    """{guest path: host path} of what a build folder has for the guest."""
    found = {}
    bindir = Path(bindir)
    for folder, pattern in (('scheds/c', 'scx_*'), ('tools', '*'), ('tests/vm', '*')):
        base = bindir / folder
        if not base.is_dir():
            continue
        for path in sorted(base.glob(pattern)):
            # Only programs: meson keeps objects and private folders beside them.
            if path.is_file() and os.access(path, os.X_OK) and path.suffix not in ('.so', '.o', '.a'):
                found[f'/usr/bin/{path.name}'] = path
    return found


def _project_layer(bindir):
    layer = Layer()
    if bindir is not None:
        for guest, host in build_programs(bindir).items():
            layer.add_file(guest, host, 0o755)
    guest_tests = VM_DIR / 'guest'
    if guest_tests.is_dir():
        layer.add_tree('/tests', guest_tests)
    return _packed('project', layer, Layer.add_libraries)


def pack(out, *, bindir=None, add=(), texts=None):
    """Write an initramfs to a binary file object.

    add: (host path, guest path) pairs, files (with their libraries) or folders.
    texts: {guest path: (bytes, mode)}.
    """
    base = _base_layer()
    project = _project_layer(bindir)

    own = Layer()
    own.texts.update(texts or {})
    for host, guest in add:
        if os.path.isdir(host):
            own.add_tree(guest, host)
        elif os.path.exists(host):
            own.add_file(guest, host)
        else:
            raise VmSetupError(f'nothing at {host} to add')
    own.add_libraries()

    for path in (base, project):
        with open(path, 'rb') as stream:
            shutil.copyfileobj(stream, out, 1 << 20)
    archive = own.write(out)
    # Without it init would start with no standard streams at all.
    archive.char_device('/dev/console', 5, 1)
    archive.close()
