#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The prefix law: every global symbol of the libraries is simclr_ (public) or sc_ (internal).

    python3 tools/check_symbols.py LIBRARY...

A simclr_ symbol must also be declared in include/simclr, so that nothing is
public by accident. Prints each violation and exits 1 if there is one.
"""

import pathlib
import re
import subprocess
import sys

HEADERS = pathlib.Path(__file__).resolve().parent.parent / 'include' / 'simclr'

# Written by protoc-c from the ONNX schema.
GENERATED = re.compile(r'onnx__')


def global_symbols(library):
    """Names of defined global symbols, each with the object file that holds it."""
    nm = subprocess.run(['nm', '-A', '-P', '-g', '--defined-only', library], check=True, text=True,
                        stdout=subprocess.PIPE)
    for line in nm.stdout.splitlines():  # "libx.a[file.o]: name T value size"
        place, _, rest = line.partition(': ')
        yield rest.split()[0], place.rpartition('/')[2]


def main(libraries):
    if not libraries:
        print(__doc__, file=sys.stderr)
        return 2
    declared = set()
    for header in HEADERS.iterdir():
        declared.update(re.findall(r'\bsimclr_\w+', header.read_text()))
    complaints = set()
    for library in libraries:
        for symbol, where in global_symbols(library):
            if symbol.startswith('simclr_'):
                if symbol not in declared:
                    complaints.add(f"{where}: error: '{symbol}' is public by name, but not in include/simclr")
            elif not symbol.startswith('sc_') and not GENERATED.match(symbol):
                complaints.add(f"{where}: error: global symbol '{symbol}' does not start with simclr_ or sc_")
    for complaint in sorted(complaints):
        print(complaint, file=sys.stderr)
    return 1 if complaints else 0


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
