"""The decoder on a GPU beside PyTorch's and the floor, all on the same outputs on the device."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple, TypeAlias, cast

import numpy as np

from ... import families
from ...device import Device, Graph, Module
from ...families.deeplab.heads import NAMES
from ...families.family import DeviceDecoder
from . import machine
from .drawn import Drawn, DrawnEngine
from .probes import Probes, forget, record
from .stopwatch import Side, Stopwatch

TYPES = ('float32', 'float16')

Rival: TypeAlias = Callable[[DrawnEngine], Any]
"""
Decodes the outputs for one image on the device's stream; returns a tensor of labels.

It raises MemoryError if the device has too little memory.
"""


class KernelTap:
    """
    A module of kernels that launches only the first few of a sequence.

    Attributes
    ----------
    names
        The kernels of the sequence since ``begin``, in order, also those not launched.

    """

    def __init__(self, kernels: Module) -> None:
        self._kernels = kernels
        self._most: int | None = None
        self.names: list[str] = []

    def begin(self, most: int | None = None) -> None:
        """Begin a sequence and set how many kernels of it are launched; None launches all."""
        self._most, self.names = most, []

    def launch(self, name: str, *arguments: Any, **keywords: Any) -> None:
        """Launch a kernel as ``Module.launch`` does, if it is among the first ones."""
        self.names.append(name)
        if self._most is None or len(self.names) <= self._most:
            self._kernels.launch(name, *arguments, **keywords)


class DecoderBench(NamedTuple):
    """
    The fields that all cases share.

    Measuring raises DeviceError if the GPU fails.
    """

    device: Device
    kernels: Module
    """Those of the family that is measured."""
    probes: Probes
    stopwatch: Stopwatch
    bandwidth: float
    """Bytes per millisecond that a copy on the device moves."""
    rival: Rival | None

    def measure(self, drawn: Drawn, instances: int, rounds: int) -> dict[str, Any]:
        """Measure one case: drawn outputs for one image of the network's size."""
        size = drawn.metadata.input_size
        family = families.find(drawn.metadata.family)
        options, tap = family.options(), KernelTap(self.kernels)
        engine = DrawnEngine(self.device, drawn)
        work = family.device_decoder(self.device, cast('Module', tap), engine.outputs,
                                     drawn.metadata, [size], options)
        work.enqueue()
        work.enqueue_download()
        self.device.synchronize()
        found = work.result(0)
        graphs = self._record(work, tap)
        graphs['launches'] = self.probes.chain(len(tap.names) + 1)      # one for the zero fill
        sides: dict[str, Side] = {name: graph.launch for name, graph in graphs.items()}
        theirs, lacking = self._try_rival(engine)
        if theirs is not None:
            sides['torch'] = theirs
        times = self.stopwatch.medians(sides, rounds, slow=('torch',))
        labels = {'ours': found.labels}
        if theirs is not None:
            tensor = theirs()
            self.device.synchronize()       # PyTorch copies on a stream of its own
            labels['torch'] = tensor.cpu().numpy()
        forget(self.device, *graphs.values())
        work.close()
        engine.close()
        reference = drawn.reference(options, size)
        differing = {side: int((image != reference).sum()) for side, image in labels.items()}
        return {'size': list(size), 'classes': len(drawn.metadata.label_space),
                'instances': instances, 'outputs': str(next(iter(drawn.outputs.values())).dtype),
                'found_instances': len(found.things),
                'pixels_differing': differing, **self._figures(drawn, tap.names, times), **lacking}

    def _record(self, work: DeviceDecoder, tap: KernelTap) -> dict[str, Graph]:
        """Record one graph for each number of first kernels, up to the whole decoder."""
        graphs = {}
        for most in range(len(tap.names) + 1):
            tap.begin(most)
            graphs[f'first {most}'] = record(self.device, work.enqueue)
        return graphs

    def _try_rival(self, engine: DrawnEngine) -> tuple[Callable[[], Any] | None, dict[str, str]]:
        """Return PyTorch's side, or None with the reason why it cannot be measured."""
        if self.rival is None:
            return None, {}
        work = partial(self.rival, engine)
        try:
            work()
        except MemoryError as error:
            return None, {'torch_not_measured': str(error)}
        return work, {}

    def _figures(self, drawn: Drawn, names: list[str], times: dict[str, float]) -> dict[str, Any]:
        parts = [times[f'first {most}'] for most in range(len(names) + 1)]
        height, width = drawn.metadata.input_size
        moved = sum(values.nbytes for values in drawn.outputs.values()) + 2 * height * width
        floor = {'bytes': moved, 'moving_ms': moved / self.bandwidth,
                 'launching_ms': times['launches'],
                 'ms': moved / self.bandwidth + times['launches']}
        figures: dict[str, Any] = {
            'ms': {'ours': parts[-1]}, 'floor': floor, 'times_the_floor': parts[-1] / floor['ms'],
            'kernels_ms': dict(zip(('fill with zeros', *names),
                                   np.diff(parts, prepend=0).tolist(), strict=True))}
        if 'torch' in times:
            figures['ms']['torch'] = times['torch']
            figures['times_faster_than_torch'] = times['torch'] / parts[-1]
        return figures


def growth(cases: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """Return the ratio of the times with the most and the fewest instances, by type."""
    by_count = sorted(cases, key=lambda case: int(case['instances']))
    times = {kind: [case['ms']['ours'] for case in by_count if case['outputs'] == kind]
             for kind in TYPES}
    return {kind: values[-1] / values[0] for kind, values in times.items() if len(values) > 1}


def torch_decoder(device: Device, gpu: int) -> tuple[Rival | None, str]:
    """Return PyTorch's decoder, or None with the reason why there is none."""
    reason = machine.why_not_torch()
    if reason is not None:
        return None, reason
    from .. import torch_grouping
    from . import torch_engine

    def decode(engine: DrawnEngine) -> Any:
        with torch_engine.on_stream(device, gpu) as place, torch_engine.memory_errors():
            semantic, center, offset = (torch_engine.share(engine.outputs[name], place)[0]
                                        for name in NAMES)
            heads = torch_grouping.TorchHeads(semantic, center[0], offset,
                                              engine.metadata.input_size)
            return torch_grouping.group(heads, engine.metadata.label_space)
    return decode, ''
