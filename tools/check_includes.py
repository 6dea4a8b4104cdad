#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The include law: who may include whom. Prints each violation and exits 1 if there is one.

    python3 tools/check_includes.py [ROOT]

Project headers are included from the root of the repository and in quotes,
public ones as <simclr/...>. A file belongs to the longest folder of LAYERS that
contains it, and may include its own layer, the layers listed, and <simclr/...>.
docs/architecture.md shows the same arrows.
"""

import pathlib
import re
import sys

BASE, CORE, IR = 'runtime/base', 'runtime/core', 'compiler/ir'

# Layer: the layers it may include besides itself.
LAYERS = {
    'include/simclr': [],
    BASE: [],
    CORE: [BASE],
    'runtime/cpu': [CORE, BASE],
    'runtime/vulkan': [CORE, BASE],
    'runtime/data': [CORE, BASE],
    'runtime/eval': [CORE, BASE],
    'runtime/jobs': [CORE, BASE, 'runtime/data', 'runtime/eval'],
    'runtime/jobs': ['runtime/eval', 'runtime/data', CORE, BASE],
    'runtime': [BASE, CORE, 'runtime/cpu', 'runtime/vulkan', 'runtime/data', 'runtime/eval',
                'runtime/jobs'],
    'runtime/cli': [],
    IR: [BASE],
    'compiler/ops': [IR, BASE],
    'compiler/passes': [IR, BASE],
    'compiler/onnx': [IR, BASE],
    'compiler': [IR, 'compiler/ops', 'compiler/passes', 'compiler/onnx', BASE],
    'compiler/cli': [],
    'tests': [BASE, CORE, 'runtime/cpu', 'runtime/vulkan', 'runtime/data', 'runtime/eval', 'runtime/jobs', 'runtime',
              IR, 'compiler/ops', 'compiler/passes', 'compiler/onnx', 'compiler'],
    'tests/bench': ['tests'],
}

# Headers of others, and of ours that are not for everybody: a pattern of the
# name as written between the quotes or brackets, and where it may appear.
RESTRICTED = [
    (r'protobuf-c/|.*\.pb-c\.h$', ['compiler/onnx', 'tests']),
    (r'cblas\.h$|openblas', ['runtime/cpu/blas.']),
    (r'vulkan/', ['runtime/vulkan', 'tests']),
    (r'jpeglib\.h$|jerror\.h$|png\.h$|archive(_entry)?\.h$', ['runtime/data', 'tests']),
    (r'(cjson/)?cJSON\.h$', [BASE, CORE]),
    (r'pthread\.h$|threads\.h$', ['runtime', 'tests']),
    (r'runtime/base/thread\.h$', ['runtime', 'tests']),
    (r'cmocka\.h$', ['tests']),
    (r'simclr/(runtime|data|eval|train)\.h$', ['include/simclr', 'runtime', 'tests']),
    (r'simclr/compiler\.h$', ['include/simclr', 'compiler', 'tests']),
]

# Written at build time, so not found in the source tree.
GENERATED = re.compile(r'.*\.pb-c\.h$|op_suites\.def$')

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')


def layer_of(path):
    """The longest folder of LAYERS that holds the file, or None."""
    holders = [layer for layer in LAYERS if path.startswith(layer + '/')]
    return max(holders, key=len, default=None)


def complaint(root, path, layer, bracket, name):
    """What is wrong with one include, or None."""
    for pattern, places in RESTRICTED:
        if re.match(pattern, name) and not any(path.startswith(place) for place in places):
            return f"'{name}' may be included only in {', '.join(places)}"
    if bracket == '<':
        if name.startswith('simclr/') and not (root / 'include' / name).is_file():
            return f"<{name}> is not in include/"
        return None
    if GENERATED.match(name):
        return None
    if not (root / name).is_file():
        return f"'{name}' is not a path from the root of the repository"
    if name.startswith('include/'):
        return f"public header '{name}' is included as <simclr/...>"
    target = layer_of(name)
    if target is None or target == layer or target in LAYERS[layer]:
        return None
    allowed = ', '.join(LAYERS[layer]) or 'nothing but <simclr/...>'
    return f"'{name}' belongs to {target}; {layer} may include {allowed}"


def check(root):
    complaints = []
    for file in sorted(root.rglob('*.[ch]')):
        path = file.relative_to(root).as_posix()
        layer = layer_of(path)
        if layer is None:
            continue
        for i, line in enumerate(file.read_text().splitlines(), 1):
            include = INCLUDE.match(line)
            wrong = include and complaint(root, path, layer, *include.groups())
            if wrong:
                complaints.append(f'{path}:{i}: error: {wrong}')
    return complaints


def main():
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent.parent).resolve()
    complaints = check(root)
    print('\n'.join(complaints), file=sys.stderr, end='\n' if complaints else '')
    return 1 if complaints else 0


if __name__ == '__main__':
    sys.exit(main())
