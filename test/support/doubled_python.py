"""
Python on a machine with a doubled GPU: ``doubled_python.py -m MODULE``, ``-c TEXT`` or a file.

CUDA, TensorRT and the kernels are those of the test doubles, and the tests that take long on a
real GPU do less.  Where PANOPTIC_ROS_TENSORRT is 'nothing', PyTorch takes TensorRT's place.
"""

from __future__ import annotations

import atexit
import os
import runpy
import sys
from pathlib import Path

SUPPORT = Path(__file__).parent
sys.path[:0] = [str(SUPPORT.parents[1]), str(SUPPORT)]

import compiled_kernels  # noqa: E402
import effort  # noqa: E402
import fake_cuda  # noqa: E402
import fake_tensorrt  # noqa: E402
import gpu_machine  # noqa: E402
import gpu_plans  # noqa: E402
import pytest  # noqa: E402
import tiny_model  # noqa: E402
from cuda_on_cpu import BUILD, Launcher, Program, write_source  # noqa: E402

from panoptic_ros import families  # noqa: E402
from panoptic_ros.benchmarks.gpu import kernel_cases, probes  # noqa: E402
from panoptic_ros.benchmarks.gpu import programs as gpu_programs  # noqa: E402


def make_plan(folder, device):
    plan = folder / 'tiny.plan'
    if not plan.is_file():
        onnx = tiny_model.build(folder / 'tiny.onnx', gpu_machine.INPUT_SIZE)
        gpu_plans.make_plan(plan, onnx, (1, gpu_machine.MOST_IMAGES))
    return plan


def main() -> None:
    patch = pytest.MonkeyPatch()
    launcher = Launcher(*(Program(source, BUILD) for source in (
        *(families.find(name).kernels / 'kernels.cu' for name in families.names()),
        write_source(BUILD, probes.KERNELS))))
    compiled_kernels.install(patch)
    doubles = fake_cuda.install(patch, kernels=launcher)
    cuda = next(doubles)
    if os.environ.get('PANOPTIC_ROS_TENSORRT') == 'nothing':
        import torch
        import torch_on_host
        torch.set_num_threads(1)
        torch_on_host.install(patch, cuda.machine)
    else:
        fake_tensorrt.install(patch, cuda.machine)
    probes.COPY_BYTES, probes.TURNS = 1 << 16, 10
    kernel_cases.CASES = (((64, 128), 10, 'float16'),)
    kernel_cases.CAMERAS = ((64, 128), (67, 131))
    effort.FRAMES, effort.OPENINGS, effort.EXAMPLES, effort.SCALE = 6, 5, 20, 4
    gpu_machine.PYTHON = gpu_programs.PYTHON = [sys.executable, __file__]
    gpu_machine.build_plan = make_plan

    def report() -> None:
        left = cuda.machine.left_behind()
        if left:
            print('left behind:', left, file=sys.stderr)

    atexit.register(report)
    kind, sys.argv = sys.argv[1], sys.argv[1:]
    if kind == '-m':
        sys.argv = sys.argv[1:]
        if sys.argv[0] == kernel_cases.__name__:    # runpy would run another, with all the cases
            sys.exit(kernel_cases.main())
        runpy.run_module(sys.argv[0], run_name='__main__', alter_sys=True)
    elif kind == '-c':
        exec(compile(sys.argv[1], '<text>', 'exec'), {'__name__': '__main__'})
    else:
        runpy.run_path(sys.argv[0], run_name='__main__')


if __name__ == '__main__':
    main()
