# SPDX-License-Identifier: GPL-2.0
"""A writer of newc cpio archives, the format that Linux unpacks at boot.

Written by hand because it then needs no root (device nodes are just numbers in
a header), no cpio program, and because owners and times stay out: two packings
of the same files are the same bytes.
"""

import stat

MAGIC = b'070701'
TRAILER = 'TRAILER!!!'
# The largest size that eight hexadecimal digits hold.
MAX_SIZE = 0xffffffff


def _pad(length):
    return b'\0' * (-length % 4)


class Writer:
    """Writes entries to a binary file object; close() adds the trailer.

    Archives may follow one another in one initramfs, a later entry replacing an
    earlier one of the same name.
    """

    def __init__(self, out):
        self._out = out
        self._inode = 0
        self._dirs = set()

    def _entry(self, name, mode, data=b'', rdev=(0, 0), nlink=1):
        encoded = name.encode('utf-8', 'surrogateescape') + b'\0'
        if len(data) > MAX_SIZE:
            raise ValueError(f'{name}: too large for a cpio archive')
        self._inode += 1
        fields = (self._inode, mode, 0, 0, nlink, 0, len(data), 0, 0, rdev[0], rdev[1],
                  len(encoded), 0)
        header = MAGIC + b''.join(b'%08X' % value for value in fields)
        self._out.write(header + encoded + _pad(len(header) + len(encoded)))
        self._out.write(data)
        self._out.write(_pad(len(data)))

    def _parents(self, name):
        parts = name.split('/')[:-1]
        for count in range(1, len(parts) + 1):
            self.directory('/'.join(parts[:count]))

    @staticmethod
    def _clean(name):
        name = '/'.join(part for part in name.split('/') if part not in ('', '.'))
        if not name or '..' in name.split('/'):
            raise ValueError(f'not a name for an archive member: {name!r}')
        return name

    def directory(self, name, mode=0o755):
        name = self._clean(name)
        if name in self._dirs:
            return
        self._parents(name)
        self._dirs.add(name)
        self._entry(name, stat.S_IFDIR | mode, nlink=2)

    def file(self, name, data, mode=0o644):
        name = self._clean(name)
        self._parents(name)
        self._entry(name, stat.S_IFREG | mode, data)

    def symlink(self, name, target):
        name = self._clean(name)
        self._parents(name)
        self._entry(name, stat.S_IFLNK | 0o777, target.encode('utf-8', 'surrogateescape'))

    def char_device(self, name, major, minor, mode=0o600):
        name = self._clean(name)
        self._parents(name)
        self._entry(name, stat.S_IFCHR | mode, rdev=(major, minor))

    def close(self):
        self._inode = -1
        self._entry(TRAILER, 0)


def read(data):
    """Yield (name, mode, content) of every entry, trailers left out.

    For the tests, and to look into an archive by hand.
    """
    at = 0
    while at < len(data):
        if data[at:at + 1] == b'\0':
            at += 1
            continue
        if data[at:at + 6] != MAGIC:
            raise ValueError(f'no cpio header at byte {at}')
        fields = [int(data[at + 6 + 8 * i:at + 14 + 8 * i], 16) for i in range(13)]
        mode, size, name_size = fields[1], fields[6], fields[11]
        name = data[at + 110:at + 110 + name_size - 1].decode('utf-8', 'surrogateescape')
        at += 110 + name_size
        at += -at % 4
        content = data[at:at + size]
        at += size
        at += -at % 4
        if name != TRAILER:
            yield name, mode, content
