"""The arrows between the rooms, as docs/architecture.md draws them."""

import ast
import shutil
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

import panoptic_ros
from panoptic_ros import families

PACKAGE = Path(panoptic_ros.__file__).parent
BASE = {'resources', 'libraries', 'plain_data', 'trust', 'labels', 'panoptic', 'tensors', 'steps',
        'processes'}
CORE = BASE | {'device', 'segments', 'families', 'engine', 'pipelines', 'images', 'segmenter',
               'overlay'}

# A room may import itself and these.
ALLOWED = {
    'resources': set(),
    'report': {'images'},
    'arguments': set(),
    'libraries': set(),
    'plain_data': set(),
    'trust': set(),
    'labels': {'resources', 'plain_data'},
    'device': set(),
    'images': set(),
    'memory': {'resources'},
    'panoptic': {'labels'},
    'tensors': set(),
    'steps': set(),
    'processes': set(),
    'overlay': BASE,
    'sheets': BASE,
    'segments': BASE | {'device'},
    'families': BASE | {'device', 'segments'},
    'engine': BASE | {'device', 'segments', 'images'},
    'pipelines': BASE | {'device', 'segments', 'families', 'engine'},
    'segmenter': BASE | {'families', 'engine', 'pipelines'},
    'messages': BASE | {'images'},
    'pictures': BASE | {'images', 'overlay', 'segmenter'},
    '__init__': CORE,
    'tracking': BASE | {'segments'},
    'node': CORE | {'memory', 'messages', 'tracking'},
    'bags': CORE | {'messages', 'pictures', 'tracking'},
    'streets': BASE | {'segments'},
    'datasets': BASE | {'images'},
    'evaluation': BASE | {'segments', 'families', 'engine', 'images', 'datasets', 'streets',
                          'tracking'},
    'network': BASE | {'images', 'datasets', 'engine', 'families', 'streets'},
    'benchmarks': CORE | {'arguments', 'memory', 'messages', 'report', 'node', 'datasets',
                          'streets', 'evaluation', 'network', 'bags', 'demo', 'offline'},
    'demo': CORE | {'memory', 'messages', 'report', 'bags', 'sheets', 'streets', 'evaluation',
                    'videos'},
    'videos': CORE | {'pictures', 'tracking'},
    'offline': CORE | {'bags', 'pictures', 'tracking', 'videos'},
    'cli': CORE | {'arguments', 'report', 'pictures', 'sheets', 'node', 'bags', 'datasets',
                   'streets', 'evaluation', 'network', 'benchmarks', 'demo', 'videos', 'offline'},
}
# Who knows a family beside its own folders; all others ask `families.find`.
FAMILIAR = {'deeplab': ('evaluation/deeplab/', 'benchmarks/', 'cli/networks.py', 'cli/train.py',
                        'cli/export.py'),
            'fpn': ('benchmarks/', 'cli/networks.py'),
            'masks': ('benchmarks/', 'cli/networks.py')}
# Outside libraries that only these rooms may import.
CONFINED = {
    'torch': {'network', 'benchmarks'},
    'transformers': {'network'},
    'scipy': {'network'},
    'rclpy': {'node', 'bags', 'demo', 'benchmarks'},
    'vision_msgs': {'node', 'bags', 'demo'},
    'onnxruntime': {'engine'},
    'numba': {'segments', 'streets', 'evaluation'},
    'rosbags': {'bags', 'demo'},
    'av': {'videos'},
    'ray': {'offline'},
    'fsspec': {'offline'},
    'tensorrt': {'engine'},
    'tensorrt_rtx': {'engine'},
    'pycuda': {'device'},
    'cuda': {'device'},
}
# An executable starts the runtime of the room that it is the face of.
STARTED = {'cli/replay.py': {'rclpy'}, 'cli/train.py': {'torch'}}


def room_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix('.py')


@cache
def imports_of(path: Path) -> set[str]:
    """Every module that a file imports, absolute, lazily imported ones included."""
    package = ('panoptic_ros', *path.relative_to(PACKAGE).parts[:-1])
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding='utf-8'))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = '.'.join(package[:len(package) - node.level + 1]) if node.level else ''
            module = '.'.join(part for part in (base, node.module) if part)
            found |= {f'{module}.{alias.name}' for alias in node.names}
    return found


FILES = sorted(PACKAGE.rglob('*.py'))


def is_own(path: Path, family: str) -> bool:
    """Whether a file may know a family."""
    return path.relative_to(PACKAGE).as_posix().startswith(
        (f'families/{family}/', f'network/families/{family}/', *FAMILIAR[family]))


def known_families(path: Path) -> set[str]:
    """The families of whose folders a file imports something."""
    return {name for name in families.names() for module in imports_of(path)
            if f'{module}.'.startswith((f'panoptic_ros.families.{name}.',
                                        f'panoptic_ros.network.families.{name}.'))}


def forbidden(path: Path) -> Iterator[str]:
    """Say in words what a file imports against the arrows."""
    room = room_of(path)
    for module in imports_of(path):
        top, _, rest = module.partition('.')
        if top == 'panoptic_ros':
            target = rest.split('.')[0]
            if target in ALLOWED and target != room and target not in ALLOWED[room]:
                yield f'{room} must not import {target} ({path.name})'
        elif top in CONFINED and room not in CONFINED[top] and top not in STARTED.get(
                str(path.relative_to(PACKAGE)), ()):
            yield f'{room} must not import {top} ({path.name})'


def test_imports_follow_the_arrows():
    assert [words for path in FILES for words in forbidden(path)] == []


def test_a_family_is_known_to_its_own_rooms_alone():
    strangers = [f'{path} imports the family {name}: let it ask families.find'
                 for path in FILES for name in known_families(path) if not is_own(path, name)]
    assert strangers == []


def test_families_know_nothing_of_each_other_nor_of_engines():
    for name in families.names():
        for room in ('families', 'network/families'):
            for path in (PACKAGE / room / name).rglob('*.py'):
                assert known_families(path) <= {name}, path


def test_networks_share_the_names_of_outputs_alone_with_the_families():
    shared = {module for path in (PACKAGE / 'network').rglob('*.py')
              for module in imports_of(path) if module.startswith('panoptic_ros.families')}
    assert shared
    assert not [module for module in shared if not module.endswith('.NAMES')]


@pytest.mark.slow
@pytest.mark.parametrize('name', families.names())
def test_without_a_family_all_other_rooms_stand(name, tmp_path):
    """Taking away its folder breaks what is its own, and a model of it is refused by name."""
    rooms = [path for path in FILES if room_of(path) not in ('network', 'benchmarks')]
    said = import_without(name, rooms, tmp_path)
    assert said.count(f'family is {name!r}: expected one of') == 1


@pytest.mark.torch
@pytest.mark.parametrize('name', families.names())
def test_without_a_family_all_other_networks_stand(name, tmp_path):
    pytest.importorskip('torch', reason='networks need PyTorch')
    said = import_without(name, FILES, tmp_path, 'panoptic_ros.network.families')
    assert said.count(f'family is {name!r}: expected one of') == 2


def import_without(name: str, files: list[Path], folder: Path, *finders: str) -> str:
    """Import files of a package without a family's folders; return what the search for it says."""
    copy = folder / 'panoptic_ros'
    shutil.copytree(PACKAGE, copy, ignore=shutil.ignore_patterns('__pycache__'))
    for room in ('families', 'network/families'):
        shutil.rmtree(copy / room / name, ignore_errors=True)
    modules = ['.'.join(('panoptic_ros', *path.relative_to(PACKAGE).with_suffix('').parts))
               .removesuffix('.__init__') for path in files if not is_own(path, name)]
    done = subprocess.run(
        [sys.executable, '-c', WITHOUT, name, 'panoptic_ros.families', *finders, '--', *modules],
        text=True, cwd=copy.parent, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


WITHOUT = """
import sys
from importlib import import_module
sys.path.insert(0, '')
name, *arguments = sys.argv[1:]
for module in arguments[arguments.index('--') + 1:]:
    import_module(module)
for finder in arguments[:arguments.index('--')]:
    try:
        import_module(finder).find(name)
    except ValueError as error:
        print(error)
"""


@pytest.mark.slow
def test_one_place_imports_onnx_runtime_first():
    """By then the package has told it not to report to its vendor, and says what is missing."""
    importers = {str(path.relative_to(PACKAGE)) for path in FILES
                 if any(module.split('.')[0] == 'onnxruntime' for module in imports_of(path))}
    assert importers == {'engine/onnx_runtime.py', 'engine/precision.py'}


def test_one_place_starts_processes_that_work_for_this_one():
    """It tells them which signals to ignore and when to end."""
    assert [str(path.relative_to(PACKAGE)) for path in FILES if any(
        module.endswith(('.ProcessPoolExecutor', 'multiprocessing.Pool'))
        for module in imports_of(path))] == ['processes.py']


def test_the_arrows_form_no_circle():
    order = []
    while len(order) < len(ALLOWED):
        free = [room for room in ALLOWED
                if room not in order and ALLOWED[room] - {room} <= set(order)]
        assert free, f'a circle among {set(ALLOWED) - set(order)}'
        order += free


def test_every_room_has_its_arrows_listed():
    assert {room_of(path) for path in FILES} <= set(ALLOWED)


def test_files_stay_readable():
    long = {str(p.relative_to(PACKAGE)): n for p in FILES
            if (n := len(p.read_text(encoding='utf-8').splitlines())) > 300}
    assert not long, f'split these by noun: {long}'


@pytest.mark.slow
def test_no_room_needs_numba_to_be_imported():
    """A GPU needs it for nothing."""
    subprocess.run([sys.executable, '-c', 'import sys; sys.modules["numba"] = None\n'
                    'import panoptic_ros.bags.labelling, panoptic_ros.cli.evaluate\n'
                    'import panoptic_ros.node.session'], check=True)
