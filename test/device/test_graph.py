import numpy as np
import pytest

from panoptic_ros.device import Device, DeviceError

COUNT = 300
ALLOCATIONS = ('cuMemAlloc', 'cuMemHostAlloc', 'cuEventCreate', 'cuStreamCreate',
               'cuModuleLoadDataEx', 'cuModuleGetFunction', 'cuGraphInstantiate')


class Chain:
    """A copy in, two kernels and a copy out, on memory that stays."""

    def __init__(self, device, cubin):
        self.device, self.module = device, device.load(cubin)
        self.given, self.result = (device.pinned((COUNT,), np.float32) for _ in range(2))
        self.arrays = [device.empty((COUNT,), np.float32) for _ in range(3)]
        self.given[:], self.result[:] = np.arange(COUNT), -1

    def enqueue(self, step=None):
        self.device.upload(self.arrays[0], self.given)
        for source, target in zip(self.arrays, self.arrays[1:], strict=False):
            self.module.launch('scale', (2, 1, 1), (256, 1, 1), source, target, np.float32(3),
                               np.int32(COUNT))
        if step is not None:
            step()
        self.device.download(self.arrays[-1], self.result)

    @property
    def expected(self):
        return (self.given * 3 + 1) * 3 + 1


@pytest.fixture
def chain(device, cubin):
    return Chain(device, cubin)


def test_replay_gives_what_direct_work_gives(device, chain):
    chain.enqueue()
    device.synchronize()
    direct = chain.result.copy()
    assert (direct == chain.expected).all()
    chain.result[:] = -1
    with device.capture() as graph:
        chain.enqueue()
    device.synchronize()
    assert (chain.result == -1).all(), 'what is captured must not be executed'
    for change in (0, 5):
        chain.given += change
        graph.launch()
        device.synchronize()
        assert (chain.result == chain.expected).all()
    assert (chain.result != direct).all()


def test_launches_keep_the_order_of_the_stream(device, chain):
    with device.capture() as graph:
        chain.enqueue()
    copies = [device.pinned((COUNT,), np.float32) for _ in range(2)]
    graph.launch()
    device.download(chain.arrays[0], copies[0])
    device.zero(chain.arrays[0])
    device.download(chain.arrays[0], copies[1])
    device.synchronize()
    assert (copies[0] == chain.given).all()
    assert not copies[1].any()


def test_thousand_frames_allocate_nothing(cuda, device, chain):
    with device.capture() as graph:
        chain.enqueue()
    before = {name: cuda.machine.calls[name] for name in ALLOCATIONS}
    held, free = cuda.machine.held(), device.memory()
    for frame in range(1000):
        chain.given[:] = frame
        graph.launch()
        device.synchronize()
        assert chain.result[-1] == 9 * frame + 4
    assert {name: cuda.machine.calls[name] for name in ALLOCATIONS} == before
    assert (cuda.machine.held(), device.memory()) == (held, free)
    assert cuda.machine.calls['cuLaunchKernel'] == 2


def test_events_in_a_graph_are_taken_at_each_launch(device, chain):
    start, end = device.event(), device.event()
    with device.capture() as graph:
        start.record()
        chain.enqueue()
        end.record()
    outside = device.event()
    for _ in range(3):
        outside.record()
        graph.launch()
        device.synchronize()
        assert end.elapsed_since(start) > 0
        assert start.elapsed_since(outside) >= 0


@pytest.mark.parametrize('forbidden', ['empty', 'synchronize', 'free', 'load', 'elapsed'])
def test_what_cannot_be_captured_says_so(cuda, device, chain, cubin, forbidden):
    spare, event = device.empty((1,), np.uint8), device.event()
    steps = {'empty': lambda: device.empty((1,), np.uint8), 'synchronize': device.synchronize,
             'free': spare.free, 'load': lambda: device.load(cubin),
             'elapsed': lambda: event.elapsed_since(event)}
    with pytest.raises(DeviceError, match='before the capture') as raised, \
            device.capture() as graph:
        chain.enqueue(steps[forbidden])
    assert not raised.value.sticky
    with pytest.raises(RuntimeError, match='holds no work'):
        graph.launch()
    assert not device.capturing
    chain.enqueue()
    device.synchronize()
    assert (chain.result == chain.expected).all()
    with device.capture() as graph:
        chain.enqueue()
    assert cuda.machine.calls['cuGraphInstantiate'] == 1


def test_spoilt_capture_is_noticed_at_its_end(device, chain):
    def hide():
        with pytest.raises(DeviceError, match='capturing'):
            device.synchronize()
    with pytest.raises(DeviceError, match='previous error during capture'), device.capture():
        chain.enqueue(hide)
    with pytest.raises(DeviceError, match='previous error during capture'), device.capture():
        hide()


def test_pageable_memory_is_refused_in_a_capture(device, chain):
    for copy in (device.upload, device.download):
        arrays = [chain.arrays[0], np.zeros(COUNT, np.float32)]
        with pytest.raises(ValueError, match=r'allocate it with Device\.pinned'), \
                device.capture():
            copy(*arrays)
    with device.capture():      # a part of page-locked memory will do
        device.upload(chain.arrays[0].part(0, 5), chain.given[20:25])


def test_capture_within_a_capture_is_refused(device, chain):
    with device.capture() as graph:
        chain.enqueue()
        with pytest.raises(DeviceError, match='invalid argument'), device.capture():
            raise AssertionError('the block must not run')
    graph.launch()
    device.synchronize()
    assert (chain.result == chain.expected).all()


def test_exception_in_the_block_is_the_one_that_comes_out(cuda, device, chain):
    def fail():
        raise KeyError('mine')
    with pytest.raises(KeyError, match='mine'), device.capture():
        chain.enqueue(fail)
    assert cuda.machine.calls['cuGraphDestroy'] == 1
    assert not device.capturing


@pytest.mark.parametrize(('call', 'status'), [('cuStreamBeginCapture', 1),
                                              ('cuGraphInstantiate', 2)])
def test_failures_of_the_driver(cuda, device, chain, call, status):
    cuda.machine.fail(call, status)
    with pytest.raises(DeviceError), device.capture() as graph:
        chain.enqueue()
    if call == 'cuGraphInstantiate':
        assert cuda.machine.calls['cuGraphDestroy'] == 1
        with pytest.raises(RuntimeError, match='holds no work'):
            graph.launch()


def test_launch_that_fails(cuda, device, chain):
    with device.capture() as graph:
        chain.enqueue()
    cuda.machine.fail('cuGraphLaunch', 2)
    with pytest.raises(DeviceError, match=r'launching a graph on Host GPU: .*out of memory'):
        graph.launch()
    graph.launch()
    device.synchronize()
    assert (chain.result == chain.expected).all()


def test_closed_graphs_and_devices(cuda, cubin):
    device = Device.open()
    chain = Chain(device, cubin)
    graphs = []
    for _ in range(2):
        with device.capture() as graph:
            chain.enqueue()
        graphs.append(graph)
    graphs[0].close()
    graphs[0].close()
    device.disown(graphs[0])
    device.close()
    assert cuda.machine.calls['cuGraphExecDestroy'] == 2
    for graph in graphs:
        with pytest.raises(RuntimeError, match='holds no work'):
            graph.launch()


def test_memory_that_a_graph_still_uses(device, chain):
    """The double notices; the real device reads garbage or dies."""
    with device.capture() as graph:
        chain.enqueue()
    chain.arrays[1].free()
    graph.launch()
    with pytest.raises(DeviceError, match='illegal memory access') as raised:
        device.synchronize()
    assert raised.value.sticky
