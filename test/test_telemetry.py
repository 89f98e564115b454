"""No library reports to anybody; ONNX Runtime's wheels would, docs/security.md."""

import os
import subprocess
import sys

import pytest

pytest.importorskip('onnxruntime')

OPEN = 'Segmenter.open({model!r})'
WAYS = {
    'library': f'from panoptic_ros import Segmenter; {OPEN}',
    'library, and then the runtime': 'from panoptic_ros import Segmenter; import onnxruntime; '
                                     + OPEN,
    'conversion': 'from pathlib import Path; from panoptic_ros.engine.precision import convert; '
                  'convert(Path({model!r}).read_bytes(), "fp16")',
    'command': 'from panoptic_ros.cli.segment import main; '
               'main([{picture!r}, "-o", "labels", "--model", {model!r}])',
}


def files_after(home, code):
    """Run Python with a home of its own; return the files that are there afterwards."""
    environment = {name: value for name, value in os.environ.items()
                   if name not in ('ORT_DISABLE_TELEMETRY', 'XDG_CACHE_HOME')}
    subprocess.run([sys.executable, '-c', code], env=environment | {'HOME': str(home)}, cwd=home,
                   check=True, capture_output=True, timeout=120)
    return [path for path in home.rglob('*') if path.is_file()]


@pytest.mark.slow
@pytest.mark.parametrize('way', WAYS)
def test_nothing_is_collected(way, tmp_path, tiny_onnx, picture):
    code = WAYS[way].format(model=str(tiny_onnx), picture=str(picture))
    files = files_after(tmp_path, code)
    assert not [file for file in files if file.parent.name != 'labels']


@pytest.fixture
def picture(tmp_path_factory):
    import cv2
    import tiny_model
    path = tmp_path_factory.mktemp('picture') / 'street.png'
    cv2.imwrite(str(path), tiny_model.scene())
    return path


def test_the_runtime_by_itself_would(tmp_path, tiny_onnx):
    """Otherwise these tests show nothing."""
    files = files_after(tmp_path, 'import onnxruntime; onnxruntime.InferenceSession('
                        f'{str(tiny_onnx)!r}, providers=["CPUExecutionProvider"])')
    if not files:
        pytest.skip('this version does not')
    assert all('Microsoft' in file.parts for file in files)
