"""
Every TensorRT name that the code uses exists in TensorRT 10 and 11 and in TensorRT-RTX.

tensorrt_names.json holds what the bindings of TensorRT offer; `tools/tensorrt_names.py` recorded
it from them.  It is kept, rather than made by the test, as that takes a network and a compiler.
"""

import ast
import json
from pathlib import Path

import pytest

from panoptic_ros import engine

FOLDER = Path(engine.__file__).parent
FILES = sorted(path for path in FOLDER.glob('*.py')
               if path.stem in ('tensorrt', 'timing_cache', 'monitor')
               or 'from .tensorrt import' in path.read_text())
RECORDED = json.loads(Path(__file__).with_name('tensorrt_names.json').read_text())

# What the code calls TensorRT's objects, with or without an underscore before it.
CLASSES = {
    'tensorrt': 'module', 'builder': 'Builder', 'network': 'INetworkDefinition',
    'layer': 'ILayer', 'tensor': 'ITensor', 'parser': 'OnnxParser', 'config': 'IBuilderConfig',
    'profile': 'IOptimizationProfile', 'cache': 'ITimingCache', 'runtime': 'Runtime',
    'engine': 'ICudaEngine', 'context': 'IExecutionContext', 'inspector': 'EngineInspector',
    'kinds': 'LayerType', 'severity': 'Severity', 'e': 'ParserError'}
# Asked for with hasattr before they are used.
RTX_ONLY = {('module', 'ComputeCapability'), ('IBuilderConfig', 'num_compute_capabilities'),
            ('IBuilderConfig', 'set_compute_capability')}
DUNDER = {'__name__', '__version__', '__init__'}     # of Python's


def uses_of(path: Path) -> set[tuple[str, str]]:
    """(class, member) of every attribute of an object of TensorRT in a file."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ClassDef):      # the methods that a subclass is called by
            found |= {(base.attr, item.name) for base in node.bases
                      if isinstance(base, ast.Attribute)
                      for item in node.body if isinstance(item, ast.FunctionDef)
                      if not item.name.startswith('_')}
        if not isinstance(node, ast.Attribute):
            continue
        value = node.value
        if isinstance(value, ast.Attribute):        # tensorrt.Class.MEMBER, or self._object.member
            owner = value.attr
            if isinstance(value.value, ast.Name) and value.value.id == 'tensorrt':
                if node.attr not in DUNDER:
                    found.add((owner, node.attr))
                continue
        elif isinstance(value, ast.Name):
            owner = value.id
        elif isinstance(value, ast.Call) and isinstance(value.func, ast.Attribute):
            owner = {'get_input': 'tensor', 'get_output': 'tensor', 'get_layer': 'layer'}.get(
                value.func.attr, '')
        else:
            continue
        kind = CLASSES.get(owner.lstrip('_'))
        if kind is not None and node.attr not in DUNDER:
            found.add((kind, node.attr))
    return found


def offers(names: dict[str, list[str]], kind: str, member: str) -> bool:
    if kind == 'Severity':      # its members are copied to its owner
        kind = 'ILogger'
    return member in names.get(kind, ())


USES = sorted({use for path in FILES for use in uses_of(path)} - RTX_ONLY)


def test_the_uses_are_found():
    assert {('module', 'Builder'), ('Builder', 'build_serialized_network'), ('DataType', 'HALF'),
            ('NetworkDefinitionCreationFlag', 'STRONGLY_TYPED'), ('ITensor', 'dtype'),
            ('OnnxParser', 'parse'), ('IBuilderConfig', 'progress_monitor'),
            ('Runtime', 'deserialize_cuda_engine'), ('LayerType', 'CONVOLUTION'),
            ('ILogger', 'Severity'), ('ILogger', 'log'), ('IProgressMonitor', 'phase_start'),
            ('ITimingCache', 'serialize')} <= set(USES)


@pytest.mark.parametrize('version', RECORDED)
def test_tensorrt_has_every_name(version):
    names = RECORDED[version]
    unknown = {kind for kind, _ in USES} - set(names) - {'Severity'}
    assert not unknown, 'add them to CLASSES of tools/tensorrt_names.py and run it'
    assert not [use for use in USES if not offers(names, *use)]


@pytest.mark.parametrize('version', RECORDED)
def test_what_is_asked_for_by_hasattr_is_not_in_tensorrt(version):
    assert not [use for use in RTX_ONLY if offers(RECORDED[version], *use)]


@pytest.mark.build
def test_tensorrt_rtx_has_every_name():
    module = pytest.importorskip('tensorrt_rtx', reason='pip install tensorrt-rtx')
    names = {'module': dir(module)} | {
        kind: dir(getattr(module, kind)) for kind, _ in [*USES, *RTX_ONLY]
        if hasattr(module, kind)}
    names['ILogger'] = dir(module.ILogger)
    assert not [use for use in [*USES, *RTX_ONLY] if not offers(names, *use)]


def test_a_name_that_is_gone_would_be_found(tmp_path):
    """FP16 left with TensorRT 11, max_workspace_size with 10: both are seen as missing."""
    path = tmp_path / 'old.py'
    path.write_text('config.set_flag(tensorrt.BuilderFlag.FP16)\n'
                    'self._config.max_workspace_size = 1\n')
    uses = uses_of(path)
    assert uses == {('BuilderFlag', 'FP16'), ('IBuilderConfig', 'max_workspace_size'),
                    ('IBuilderConfig', 'set_flag'), ('module', 'BuilderFlag')}
    missing = {version: {member for kind, member in uses if not offers(names, kind, member)}
               for version, names in RECORDED.items()}
    assert missing == {'10.3.0': {'max_workspace_size'}, '10.13.3.9': {'max_workspace_size'},
                       '11.4.0.106': {'FP16', 'max_workspace_size'}}
