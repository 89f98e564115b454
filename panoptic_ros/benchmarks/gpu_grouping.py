"""The grouping on a GPU beside PyTorch's and the floor, on the same heads in device memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any, cast

import numpy as np

from ..device import Device, Graph, Module
from ..families import deeplab
from ..families.deeplab.cuda import CudaGrouping, DeviceHeads
from ..families.deeplab.heads import Heads
from ..labels import LabelSpace
from .gpu_probes import Probes, forget, record
from .gpu_stopwatch import Side, Stopwatch
from .gpu_taps import KernelTap
from .heads import make_heads

TorchGroup = Callable[[DeviceHeads, LabelSpace], Any]
"""
Groups heads in device memory by PyTorch, on the device's stream; returns a tensor of labels.

It raises MemoryError where the device has too little.
"""
TYPES = {'float32': np.float32, 'float16': np.float16}


@dataclass(frozen=True)
class GroupingBench:
    """
    What the cases have in common.

    Parameters
    ----------
    device, kernels
        The GPU, and the kernels of ``grouping`` on it.
    probes, stopwatch
        What measures.
    bandwidth
        Bytes a millisecond that a copy on the device moves.
    torch_group
        The other side, if there is one.

    """

    device: Device
    kernels: Module
    probes: Probes
    stopwatch: Stopwatch
    bandwidth: float
    torch_group: TorchGroup | None
    label_space: LabelSpace = field(default_factory=lambda: LabelSpace.load('cityscapes'))

    def measure(self, size: tuple[int, int], instances: int, kind: str, rounds: int
                ) -> dict[str, Any]:
        """
        Measure one case: heads of a size with so many instances, 'float32' or 'float16'.

        Raises
        ------
        DeviceError
            The GPU fails.

        """
        made = make_heads(self.label_space, size, instances)
        semantic, center, offset = (
            a.astype(TYPES[kind]) for a in (made.semantic, made.center, made.offset))
        heads = Heads(semantic, center, offset, made.stride)
        with self._on_device(heads) as on_device:
            tap = KernelTap(self.kernels)
            work = CudaGrouping(self.device, cast('Module', tap), on_device, self.label_space,
                                [size], deeplab.Options())
            work.enqueue()
            work.enqueue_download()
            self.device.synchronize()
            found = work.result(0)
            names = tap.names
            graphs = self._record(work, tap)
            graphs['launches'] = self.probes.chain(len(names) + 1)  # and the fill with zeros
            sides: dict[str, Side] = {name: graph.launch for name, graph in graphs.items()}
            theirs, lacking = self._try_torch(on_device)
            if theirs is not None:
                sides['torch'] = theirs
            times = self.stopwatch.medians(sides, rounds, slow=('torch',))
            forget(self.device, *graphs.values())
            work.close()
            reference = deeplab.decode(heads, self.label_space, method='reference')
            differing = {'ours': int((found.labels != reference.labels).sum())}
            if theirs is not None:
                labels = theirs()
                self.device.synchronize()       # PyTorch copies on a stream of its own
                differing['torch'] = int((labels.cpu().numpy() != reference.labels).sum())
        return self._describe(heads, size, instances, kind, names, times) | {
            'found_instances': len(found.things), 'pixels_differing': differing} | lacking

    def _record(self, work: CudaGrouping, kernels: KernelTap) -> dict[str, Graph]:
        """Record the grouping, and its first few kernels."""
        graphs = {}
        for most in range(len(kernels.names) + 1):
            kernels.begin(most)
            graphs[f'first {most}'] = record(self.device, work.enqueue)
        return graphs

    def _try_torch(self, heads: DeviceHeads
                   ) -> tuple[Callable[[], Any] | None, dict[str, str]]:
        """Return PyTorch's side, or None and why it cannot be measured on these heads."""
        if self.torch_group is None:
            return None, {}
        work = partial(self.torch_group, heads, self.label_space)
        try:
            work()
        except MemoryError as error:
            return None, {'torch_not_measured': str(error)}
        return work, {}

    def _describe(self, heads: Heads, size: tuple[int, int], instances: int, kind: str,
                  names: list[str], times: dict[str, float]) -> dict[str, Any]:
        parts = [times[f'first {most}'] for most in range(len(names) + 1)]
        kernels = {'fill with zeros': parts[0]} | {
            name: after - before
            for name, before, after in zip(names, parts, parts[1:], strict=False)}
        moved = (heads.semantic.nbytes + heads.center.nbytes + heads.offset.nbytes
                 + 2 * size[0] * size[1])
        floor = {'bytes': moved, 'moving_ms': moved / self.bandwidth,
                 'launching_ms': times['launches'],
                 'ms': moved / self.bandwidth + times['launches']}
        milliseconds = {'ours': parts[-1]}
        case: dict[str, Any] = {
            'size': list(size), 'classes': len(self.label_space), 'instances': instances,
            'heads': kind, 'ms': milliseconds, 'kernels_ms': kernels, 'floor': floor,
            'times_the_floor': parts[-1] / floor['ms']}
        if 'torch' in times:
            milliseconds['torch'] = times['torch']
            case['times_faster_than_torch'] = times['torch'] / parts[-1]
        return case

    @contextmanager
    def _on_device(self, heads: Heads) -> Iterator[DeviceHeads]:
        semantic, center, offset = (self.device.put(a) for a in (
            heads.semantic[None], heads.center[None, None], heads.offset[None]))
        yield DeviceHeads(semantic, center, offset, heads.grid)
        for array in (semantic, center, offset):
            array.free()


def growth(cases: list[dict[str, Any]]) -> dict[str, dict[str, float]]:
    """Return by which factor the fewest instances become slower with the most, by heads."""
    factors = {}
    for kind in TYPES:
        of_kind = sorted((c for c in cases if c['heads'] == kind), key=lambda c: c['instances'])
        if len(of_kind) > 1:
            few, many = of_kind[0], of_kind[-1]
            factors[kind] = {'from_instances': few['instances'],
                             'to_instances': many['instances'],
                             'factor': many['ms']['ours'] / few['ms']['ours']}
    return factors
