import argparse
from pathlib import Path

import fake_cuda
import fake_tensorrt
import pytest
from cuda_on_cpu import Program, write_source

from panoptic_ros import families
from panoptic_ros.benchmarks.gpu import add_arguments, probes
from panoptic_ros.benchmarks.gpu import run as run_benchmark
from panoptic_ros.device import Device
from panoptic_ros.report import add_json_argument

BUILD = Path(__file__).parents[2] / 'build' / 'kernels'


@pytest.fixture(scope='session')
def programs():
    return [Program(source, BUILD) for source in (
        *(families.find(name).kernels / 'kernels.cu' for name in families.names()),
        write_source(BUILD, probes.KERNELS))]


@pytest.fixture
def cuda(monkeypatch, programs):
    def run(name, grid, block, arguments):
        program = next(p for p in programs if name in p.kernels)
        program.launch(name, grid, block, arguments)

    monkeypatch.setattr(probes, 'COPY_BYTES', 1 << 16)
    monkeypatch.setattr(probes, 'TURNS', 10)
    yield from fake_cuda.install(monkeypatch, kernels=run)


@pytest.fixture
def device(cuda):
    device = Device.open()
    yield device
    device.close()


@pytest.fixture
def tensorrt(monkeypatch, cuda):
    return fake_tensorrt.install(monkeypatch, cuda.machine)


@pytest.fixture
def no_tensorrt(monkeypatch):
    monkeypatch.setenv('PANOPTIC_ROS_TENSORRT', 'nothing')


@pytest.fixture
def torch_on_host(monkeypatch, cuda):
    torch = pytest.importorskip('torch')
    import torch_on_host
    torch_on_host.install(monkeypatch, cuda.machine)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def run():
    """Return a function that runs the GPU benchmark, with little to do, in this process."""
    def run(*words):
        parser = argparse.ArgumentParser()
        add_json_argument(parser)
        add_arguments(parser)
        return run_benchmark(parser.parse_args([
            '--size', '32x64', '--instances', '4', '--queries', '5', '--detections', '5',
            '--rounds', '1', '--cameras', '1', *map(str, words)]))
    return run
