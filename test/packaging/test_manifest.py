"""package.xml, setup.py and the cli modules tell the same story."""

import ast
import importlib
import re
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


class SetupFile:
    """What setup.py says, read without running it."""

    def __init__(self) -> None:
        self.tree = ast.parse((ROOT / 'setup.py').read_text(encoding='utf-8'))
        call = next(node for node in ast.walk(self.tree)
                    if isinstance(node, ast.Call) and getattr(node.func, 'id', '') == 'setup')
        self.arguments = {keyword.arg: keyword.value for keyword in call.keywords}

    def constant(self, name: str):
        for node in self.tree.body:
            if isinstance(node, ast.Assign) and node.targets[0].id == name:
                return ast.literal_eval(node.value)
        raise KeyError(name)


@pytest.fixture(scope='module')
def setup() -> SetupFile:
    return SetupFile()


@pytest.fixture(scope='module')
def manifest() -> ElementTree.Element:
    return ElementTree.parse(ROOT / 'package.xml').getroot()


def test_names_versions_and_words_agree(setup, manifest):
    assert manifest.get('format') == '3'
    assert manifest.findtext('name') == setup.constant('PACKAGE')
    for tag, argument in (('version', 'version'), ('license', 'license'),
                          ('maintainer', 'maintainer')):
        assert manifest.findtext(tag) == ast.literal_eval(setup.arguments[argument])
    assert manifest.find('maintainer').get('email') == ast.literal_eval(
        setup.arguments['maintainer_email'])
    assert manifest.findtext('export/build_type') == 'ament_python'


def test_the_changelog_knows_the_version(manifest):
    headings = re.findall(r'^(\S+).*\n[-=]{3,}$', (ROOT / 'CHANGELOG.rst').read_text(), re.M)
    assert {manifest.findtext('version'), 'Forthcoming'} & set(headings)


def test_every_executable_has_a_main(setup):
    missing = [name for name in setup.constant('EXECUTABLES')
               if not (ROOT / 'panoptic_ros' / 'cli' / f'{name}.py').is_file()]
    assert not missing, f'setup.py promises {missing}, cli has no such module'
    for name in setup.constant('EXECUTABLES'):
        assert callable(importlib.import_module(f'panoptic_ros.cli.{name}').main), name


def test_every_command_is_an_executable(setup):
    commands = {path.stem for path in (ROOT / 'panoptic_ros' / 'cli').glob('*.py')
                if 'def main(' in path.read_text(encoding='utf-8')}
    assert commands == set(setup.constant('EXECUTABLES'))


ROSDEP = {'cv2': 'python3-opencv', 'yaml': 'python3-yaml', 'numpy': 'python3-numpy',
          'rich': 'python3-rich', 'numba': 'python3-numba', 'llvmlite': 'python3-numba'}
# No rosdep key that a released package may use: imported where needed, with an install line.
OPTIONAL = {'onnxruntime', 'onnx', 'onnxscript', 'torch', 'rosbags', 'av', 'tensorrt', 'pycuda',
            'tensorrt_rtx', 'torchvision', 'cuda', 'transformers', 'scipy', 'ray', 'fsspec'}


def test_package_xml_names_what_the_code_imports(manifest):
    declared = {element.text for element in manifest if element.tag.endswith('depend')}
    for path in sorted((ROOT / 'panoptic_ros').rglob('*.py')):
        for node in ast.walk(ast.parse(path.read_text(encoding='utf-8'))):
            names = ([alias.name for alias in node.names] if isinstance(node, ast.Import)
                     else [node.module or ''] if isinstance(node, ast.ImportFrom)
                     and not node.level else [])
            for top in (name.split('.')[0] for name in names):
                if top in sys.stdlib_module_names or top in OPTIONAL | {'panoptic_ros', ''}:
                    continue
                assert ROSDEP.get(top, top) in declared, f'{path.name} imports {top}'


def test_package_xml_names_what_the_launch_files_start(manifest):
    declared = {element.text for element in manifest if element.tag == 'exec_depend'}
    assert {'ros2bag', 'rosbag2_storage_default_plugins'} <= declared, 'for ros2 bag play'
    for path in (ROOT / 'launch').glob('*.launch.py'):
        tree = ast.parse(path.read_text(encoding='utf-8'))
        imported = {node.module.split('.')[0] for node in ast.walk(tree)
                    if isinstance(node, ast.ImportFrom)}
        started = {keyword.value.value for node in ast.walk(tree) if isinstance(node, ast.Call)
                   for keyword in node.keywords if keyword.arg == 'package'}
        own = {'panoptic_ros'} | sys.stdlib_module_names | {'__future__'}
        assert imported | started <= declared | own, path.name


def test_package_xml_names_what_the_layouts_of_rviz_show(manifest):
    declared = {element.text for element in manifest if element.tag == 'exec_depend'}
    assert 'compressed_image_transport' in declared, 'for image/compressed'
    for path in (ROOT / 'config').glob('*.rviz'):
        plugins = set(re.findall(r'Class: (\w+)/', path.read_text(encoding='utf-8')))
        assert plugins - {'rviz_common'} <= declared, path.name


def test_every_cuda_source_is_shipped(setup):
    root = ROOT / 'panoptic_ros'
    globs = ast.literal_eval(setup.arguments['package_data'].values[0])
    shipped = {path for pattern in globs for path in root.glob(pattern)}
    sources = {*root.rglob('*.cu'), *root.rglob('*.cuh')}
    assert sources
    assert sources <= shipped


def test_requirements_cover_setup_py(setup):
    wanted = set(ast.literal_eval(setup.arguments['install_requires']))
    for extra in ('cpu', 'bags'):
        wanted |= set(ast.literal_eval(setup.arguments['extras_require'])[extra])
    listed = {}
    for line in (ROOT / 'requirements/runtime.txt').read_text().splitlines():
        if requirement := re.match(r'([\w.-]+)([\w.,<>=]*)', line):
            listed[requirement[1].lower()] = requirement[2]
    for name, bounds in (re.match(r'([\w.-]+)(.*)', item.lower()).groups() for item in wanted):
        assert name in listed
        assert bounds in ('', listed[name]), name
