"""The steps of the GPU benchmark that need the device open."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from ...device import Device, Module
from ...streets import FIRST_HELD_OUT_SEED, Drive
from . import kernel_cases, probes
from .decoder import TYPES, DecoderBench, Rival, growth, torch_decoder
from .drawn import DRAW
from .engine import open_engine
from .machine import describe_machine
from .path import PathBench
from .steps import FailedError, Report
from .stopwatch import Stopwatch


class Measurement:
    """
    The steps that measure; each uses the results of earlier steps.

    Parameters
    ----------
    device
        The GPU, opened by this thread.
    args
        The options of ``benchmark gpu``.
    report
        Receives the figures, also those of a step that is ended early.
    save
        Writes the report to disk.

    """

    def __init__(self, device: Device, args: argparse.Namespace, report: Report,
                 save: Callable[[], None]) -> None:
        self._device, self._args = device, args
        self._report, self._save = report, save
        self._kernels: dict[str, Module]
        self._probes: probes.Probes
        self._stopwatch: Stopwatch
        self._path: PathBench
        self._images: list[npt.NDArray[np.uint8]]

    def machine(self) -> str:
        """Describe the machine."""
        self._report['machine'] = describe_machine(self._device)
        return self._device.name

    def compile(self) -> str:
        """Compile the kernels of each family for this GPU."""
        cubins = kernel_cases.compile_all(self._device.target)
        self._kernels = {name: self._device.load(cubin) for name, cubin in cubins.items()}
        sizes = ', '.join(f'{name} {len(cubin) / 1024:.0f} KiB' for name, cubin in cubins.items())
        return f'{sizes} for {self._device.target}'

    def kernels(self) -> str:
        """Compare the kernels with the reference."""
        rows = self._report['kernels'] = []
        for row in kernel_cases.check(self._device, self._kernels):
            rows.append(row)
        wrong = [row for row in rows if row['pixels_differing']]
        if wrong:
            raise FailedError('pixels differ from the reference: ' + ', '.join(
                f'{row["pixels_differing"]} of {row["case"]}' for row in wrong))
        return f'{len(rows)} cases, no pixel differs from the reference'

    def copies(self) -> str:
        """Measure how fast memory is copied on the device."""
        self._probes = probes.Probes(self._device)
        self._stopwatch = Stopwatch(self._device, self._probes.hold, min(5, self._args.rounds))
        bandwidth = self._probes.bandwidth(self._stopwatch, self._args.rounds)
        self._report['copy'] = {'bytes': probes.COPY_BYTES,
                                'gigabytes_per_second': bandwidth / 1e6}
        return f'{bandwidth / 1e6:.4g} GB/s, read and written'

    def decoder(self) -> str:
        """Measure the decoder of heads, beside PyTorch's if PyTorch is installed."""
        rival, reason = torch_decoder(self._device, self._args.gpu)
        count = self._decode('deeplab', 'decoder', self._args.instances, rival)
        return f'{count} cases' + (f', without PyTorch: {reason}' if reason else '')

    def queries(self) -> str:
        """Measure the decoder of queries."""
        return f'{self._decode("masks", "queries", self._args.queries, None)} cases'

    def detections(self) -> str:
        """Measure the decoder of detections."""
        return f'{self._decode("fpn", "detections", self._args.detections, None)} cases'

    def _decode(self, family: str, part: str, counts: Sequence[int], rival: Rival | None) -> int:
        """Measure a family's decoder for a part of the report; return how many cases there are."""
        args = self._args
        bench = DecoderBench(self._device, self._kernels[family], self._probes, self._stopwatch,
                             self._report['copy']['gigabytes_per_second'] * 1e6, rival)
        cases = self._report[part] = []
        for count in counts:
            for kind in TYPES:
                print(f'  {family}, {count}, {kind} ...', file=sys.stderr, flush=True)
                drawn = DRAW[family](args.size, count, kind)
                cases.append(bench.measure(drawn, count, args.rounds))
                self._report[f'{part}_growth'] = growth(cases)
                self._save()
        differing = sum(case['pixels_differing']['ours'] for case in cases)
        if differing:
            raise FailedError(f'{differing} pixels differ from the reference')
        return len(cases)

    def engine(self) -> str:
        """Open the engine, and render images for it."""
        engine, kernels, weights = open_engine(self._device, self._args,
                                               self._kernels['deeplab'])
        self._path = PathBench(self._device, engine, kernels, self._stopwatch, self._args.rounds)
        drive = Drive(seed=FIRST_HELD_OUT_SEED,
                      size=self._args.camera or engine.metadata.input_size)
        self._images = [drive.frame(index / 10)[0] for index in range(max(self._args.cameras))]
        self._report['engine'] = {
            'description': engine.description, 'network': engine.metadata.network,
            'weights': weights, 'input_size': list(engine.metadata.input_size),
            'batch': engine.batch}
        return engine.description

    def path(self) -> str:
        """Measure one camera's path from image to labels."""
        path = self._report['path'] = self._path.path(self._images[0])
        if path['pixels_differing']:
            raise FailedError(f'{path["pixels_differing"]} pixels differ from the reference')
        return f'{path["ms"]["whole"]:.4g} ms from image to labels'

    def cameras(self) -> str:
        """Measure batches of cameras."""
        rows = self._report['cameras'] = self._path.cameras(self._images, self._args.cameras)
        return f'{len(rows)} batches'
