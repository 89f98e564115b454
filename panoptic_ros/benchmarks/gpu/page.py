"""The GPU benchmark's report as a page of tables, for the terminal and the documentation."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

from ...engine.tensorrt import MODULES

_PARTS = {'whole': 'image to labels, as one graph', 'engine': 'network alone',
          'decoder': 'decoder alone', 'copies': 'both copies alone',
          'upload': 'copy of the image alone', 'download': 'copy of the results alone'}
_NAMES = {'gpu': 'GPU', 'target': 'architecture', 'memory_mib': 'memory (MiB)',
          'driver': 'driver', 'driver_cuda': 'CUDA of the driver', 'clock_mhz': 'highest clock',
          'torch_cuda': 'CUDA of PyTorch', 'torch': 'PyTorch', 'pycuda': 'PyCUDA',
          'numpy': 'NumPy', 'python': 'Python', **MODULES}
_TITLES = {'decoder': 'Decoder', 'queries': 'Decoder of queries',
           'detections': 'Decoder of detections'}
_COUNTED = {'decoder': 'instances', 'queries': 'queries', 'detections': 'detections'}
_NOTES = {'decoder': 'PyTorch executes the public semantics in plain operations on the same '
                     'outputs.',
          'queries': 'All queries are kept, and PyTorch has no part in it.',
          'detections': 'All detections take part, and PyTorch has no part in it.'}
_FIGURES = tuple('0123456789-')


class Table(NamedTuple):
    """A table whose first column is text, with notes that explain it."""

    title: str
    header: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]
    notes: tuple[str, ...] = ()

    def markdown(self) -> str:
        """Return the table in Markdown, with aligned columns, so that a terminal can show it."""
        lines = [[_cell(text) for text in line] for line in (self.header, *self.rows)]
        columns = [*zip(*lines, strict=True)]
        widths = [max(map(len, column)) for column in columns]
        figures = [index > 0 and all(text[:1] in _FIGURES for text in column[1:])
                   for index, column in enumerate(columns)]

        def row(cells: Iterable[str]) -> str:
            padded = [cell.rjust(width) if is_figure else cell.ljust(width)
                      for cell, width, is_figure in zip(cells, widths, figures, strict=True)]
            return f'| {" | ".join(padded)} |'

        rule = '|'.join('-' * (width + 1) + ':' if is_figure else '-' * (width + 2)
                        for width, is_figure in zip(widths, figures, strict=True))
        first, *others = lines
        return '\n'.join([f'## {self.title}', '', row(first), f'|{rule}|', *map(row, others),
                          *(f'\n{note}' for note in self.notes)]) + '\n'


def page(report: Mapping[str, Any]) -> str:
    """Return the page of a report, which may be that of a run that ended early."""
    found = [_steps(report)] + [table(report) for key, table in _TABLES if report.get(key)]
    return ('# Measured on a GPU\n\nWritten by `ros2 run panoptic_ros benchmark gpu` on '
            f'{report["written"]}; every figure was measured in that run, on the machine below.'
            '\n\n' + '\n'.join(table.markdown() for table in found))


def _steps(report: Mapping[str, Any]) -> Table:
    return Table('What ran', ('step', 'outcome', 'seconds', 'in words'), [
        (name, step['outcome'], f'{step["seconds"]:g}', step['detail'])
        for name, step in report['steps'].items()])


def _machine(report: Mapping[str, Any]) -> Table:
    rows = [(_NAMES.get(name, name), str(value)) for name, value in report['machine'].items()]
    if 'copy' in report:
        rows += [('copy on the device, read and written',
                  f'{report["copy"]["gigabytes_per_second"]:.4g} GB/s'),
                 ('size of that copy', f'{report["copy"]["bytes"] / 2**20:.4g} MiB')]
    return Table('Machine', ('what', 'value'), rows)


def _decoder(report: Mapping[str, Any], part: str = 'decoder') -> Table:
    cases = report[part]
    rows = []
    for case in cases:
        floor, differing, times = case['floor'], case['pixels_differing'], case['ms']
        rows.append((
            f'{case["instances"]}, {case["outputs"]}', str(case['found_instances']),
            _ms(times['ours']), _ms(times.get('torch')),
            _times(case.get('times_faster_than_torch')), _ms(floor['ms']),
            f'{_ms(floor["moving_ms"])} + {_ms(floor["launching_ms"])}',
            f'{floor["bytes"] / 1e6:.4g}', _times(case['times_the_floor']),
            str(differing['ours']), str(differing.get('torch', '-'))))
    growths = [f'With {kind} outputs the most instances take {factor:.3g} times as long as the '
               'fewest.' for kind, factor in report[f'{part}_growth'].items()]
    unmeasured = [f'PyTorch was not measured with {case["instances"]} instances, '
                  f'{case["outputs"]}: {case["torch_not_measured"]}.'
                  for case in cases if 'torch_not_measured' in case]
    first = cases[0]
    return Table(
        f'{_TITLES[part]} at {_size(first["size"])}, {first["classes"]} classes',
        (f'{_COUNTED[part]}, outputs', 'found', 'ours ms', 'torch ms', 'faster', 'floor ms',
         'moving + launching', 'MB moved', 'of the floor', 'pixels differ', "torch's differ"),
        rows,
        (f'Device memory to device memory, medians of {report["rounds"]} rounds (PyTorch: of '
         f'every fifth), sides in turns, by CUDA events. {_NOTES[part]} The floor is the time to '
         'read the outputs and write the labels at the bandwidth of a copy measured in the same '
         'run, plus a graph of as many kernels that do nothing. Between the rounds the outputs '
         'may stay in the L2 cache, as they do behind a network, while the floor reads them from '
         'memory, so that "of the floor" flatters. Pixels differ: from the NumPy reference.',
         *growths, *unmeasured))


def _kernels(report: Mapping[str, Any], part: str = 'decoder') -> Table:
    cases = report[part]
    times = [{name.removesuffix('_float').removesuffix('_half'): taken
              for name, taken in case['kernels_ms'].items()} for case in cases]
    return Table(f'{_TITLES[part]}, kernel by kernel (ms)',
                 ('kernel', *(f'{case["instances"]}, {case["outputs"]}' for case in cases)),
                 [(name, *(_ms(of.get(name)) for of in times)) for name in times[0]],
                 ('By how much the graph of the first few kernels grows with each.',))


def _path(report: Mapping[str, Any]) -> Table:
    path, engine, frame = report['path'], report['engine'], report['path']['frame_ms']
    return Table(
        f'Whole path, camera of {_size(path["camera"])}', ('part', 'ms'),
        [(text, _ms(path['ms'][name])) for name, text in _PARTS.items()],
        (f'{engine["description"]}: {engine["network"]} at {_size(engine["input_size"])}, '
         f'weights: {engine["weights"]}; at most {engine["batch"]} images at once; '
         f'{path["outputs"]} outputs, {path["found_instances"]} instances found, '
         f'{path["pixels_differing"]} pixels differ from the reference on the same outputs.',
         f'From page-locked image to page-locked labels it takes '
         f'{100 * path["over_engine_and_copies"]:.3g} % more than the network and the two '
         'copies alone.',
         f'From an image in any memory to its Panoptic, on the host, it takes '
         f'{_ms(frame["graph"])} ms; where the work is enqueued anew for each frame, without a '
         f'CUDA graph, {_ms(frame["anew"])} ms.'))


def _cameras(report: Mapping[str, Any]) -> Table:
    rows = [(str(row['cameras']), _ms(row['batch_ms']), _ms(row['camera_ms']),
             _ms(row['engine_ms']), f'{row["frames_per_second"]:.4g}')
            for row in report['cameras'] if 'not_measured' not in row]
    notes = [f'{row["cameras"]} cameras were not measured: {row["not_measured"]}.'
             for row in report['cameras'] if 'not_measured' in row]
    return Table('Batches of cameras',
                 ('cameras', 'ms a batch', 'ms a camera', 'network alone', 'images/s'), rows,
                 tuple(notes))


def _memory(report: Mapping[str, Any]) -> Table:
    return Table('Memory over many frames', ('memory', 'value'), [*report['memory'].items()])


_TABLES: Sequence[tuple[str, Callable[[Mapping[str, Any]], Table]]] = (
    ('machine', _machine), ('decoder', _decoder), ('decoder', _kernels),
    ('queries', partial(_decoder, part='queries')), ('queries', partial(_kernels, part='queries')),
    ('detections', partial(_decoder, part='detections')),
    ('detections', partial(_kernels, part='detections')),
    ('path', _path), ('cameras', _cameras), ('memory', _memory))
"""The tables in order, each with the part of the report that it shows."""


def _cell(text: str) -> str:
    return ' '.join(text.split()).replace('|', '\\|')


def _ms(value: float | None) -> str:
    return '-' if value is None else f'{value:.4g}'


def _times(value: float | None) -> str:
    return '-' if value is None else f'{value:.3g}x'


def _size(size: Sequence[int]) -> str:
    return f'{size[0]}x{size[1]}'
