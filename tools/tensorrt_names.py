"""
Record the names that the Python bindings of TensorRT offer: ``tensorrt_names.py OUTPUT.json``.

TensorRT itself is large and proprietary, and is not needed for that.  Its bindings come as small
wheels of their own.  They can be imported if the three libraries that they are linked with exist,
even if these are empty.  So this script downloads the wheels with pip and builds three empty
libraries with gcc.  It imports the bindings against them in a process of its own.  Then it writes
the result of ``dir()`` for the classes that panoptic_ros uses.  The list is kept, so that the
tests need neither network nor compiler.  For another version, add its wheel and run this script
again.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

WHEELS = ('tensorrt-cu12-bindings==10.3.0', 'tensorrt-cu13-bindings==10.13.3.9',
          'tensorrt-cu13-bindings==11.4.0.106')
CLASSES = (
    'Builder', 'BuilderFlag', 'DataType', 'DeviceType', 'EngineInspector',
    'ExecutionContextAllocationStrategy', 'IBuilderConfig', 'ICudaEngine',
    'IExecutionContext', 'IHostMemory', 'ILayer', 'ILogger', 'INetworkDefinition',
    'IOptimizationProfile', 'IProgressMonitor', 'ITensor', 'ITimingCache',
    'LayerInformationFormat', 'LayerType', 'MemoryPoolType', 'NetworkDefinitionCreationFlag',
    'OnnxParser', 'ParserError', 'ProfilingVerbosity', 'Runtime', 'TensorIOMode')
"""Classes whose members are recorded; of other classes only the names are."""

_LIBRARIES = ('nvinfer', 'nvinfer_plugin', 'nvonnxparser')
_UNDEFINED = re.compile(r' UND ((?:create|get|initLib)\w*(?:Infer|Nv|Plugin|Builder)\w*)')
_LISTING = """
import json, sys
import tensorrt_bindings as module
names = {'module': [n for n in dir(module) if n[0] != '_']}
for name in sys.argv[1:]:
    kind = getattr(module, name)
    names[name] = [n for n in dir(kind) if n[0] != '_']
print(json.dumps([module.__version__, names]))
"""


def main() -> None:
    """Write the names of every wheel in WHEELS."""
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    found = {}
    for wheel in WHEELS:
        with tempfile.TemporaryDirectory() as folder:
            version, names = list_names(wheel, Path(folder))
            found[version] = names
            print(f'{wheel}: {sum(map(len, names.values()))} names')
    lines = [f' {json.dumps(version)}: {{\n' + ',\n'.join(
        f'  {json.dumps(name)}: {json.dumps(members)}' for name, members in names.items())
        + '\n }' for version, names in found.items()]
    Path(sys.argv[1]).write_text('{\n' + ',\n'.join(lines) + '\n}\n', encoding='utf-8')


def list_names(wheel: str, folder: Path) -> tuple[str, dict[str, list[str]]]:
    """Return the version of a wheel's bindings and the names in it, by class."""
    subprocess.run([sys.executable, '-m', 'pip', 'download', '--quiet', '--no-deps', '--dest',
                    folder, wheel], check=True)
    with zipfile.ZipFile(next(folder.glob('*.whl'))) as archive:
        archive.extractall(folder)
    binary = folder / 'tensorrt_bindings' / 'tensorrt.so'
    (folder / 'empty.c').write_text(''.join(
        f'void *{name}(void) {{ return 0; }}\n' for name in sorted(undefined(binary))))
    for name in needed(binary):
        subprocess.run(['gcc', '-shared', '-fPIC', f'-Wl,-soname,{name}', '-o', folder / name,
                        folder / 'empty.c'], check=True)
    listing = subprocess.run(
        [sys.executable, '-c', _LISTING, *CLASSES], cwd=folder, check=True, text=True,
        stdout=subprocess.PIPE, env=os.environ | {'LD_LIBRARY_PATH': str(folder)})
    version, names = json.loads(listing.stdout)
    return version, names


def undefined(binary: Path) -> set[str]:
    """Return the functions of TensorRT that a library needs."""
    symbols = subprocess.run(['readelf', '--wide', '--dyn-syms', binary], check=True, text=True,
                             stdout=subprocess.PIPE)
    return set(_UNDEFINED.findall(symbols.stdout))


def needed(binary: Path) -> list[str]:
    """Return the names of those libraries of TensorRT that a library is linked with."""
    dynamic = subprocess.run(['readelf', '--wide', '--dynamic', binary], check=True, text=True,
                             stdout=subprocess.PIPE)
    return [name for name in re.findall(r'\[(lib\w+\.so[.\d]*)\]', dynamic.stdout)
            if name.split('.')[0].removeprefix('lib') in _LIBRARIES]


if __name__ == '__main__':
    main()
