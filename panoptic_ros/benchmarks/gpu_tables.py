"""The GPU benchmark's report as tables, for the terminal and for the documentation."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from ..engine.tensorrt import MODULES

_PARTS = {'whole': 'image to labels, as one graph', 'engine': 'network alone',
          'grouping': 'grouping alone', 'copies': 'both copies alone',
          'upload': 'copy of the image alone', 'download': 'copy of the results alone'}
_FIGURES = tuple('0123456789-')


class Table(NamedTuple):
    """A table whose first column is text, and what has to be known to read it."""

    title: str
    header: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]
    notes: tuple[str, ...] = ()


def tables(report: Mapping[str, Any]) -> list[Table]:
    """Return all that a report of ``benchmark gpu`` holds, be it of a run that ended early."""
    found = [_machine(report)] if 'machine' in report else []
    if report.get('grouping'):
        found += [_grouping(report), _kernels(report)]
    if 'path' in report:
        found += [_path(report), _graph(report)]
    if 'cameras' in report:
        found.append(_cameras(report))
    missing = report['not_measured']
    if missing:
        found.append(Table('Not measured', ('what', 'why'), [*missing.items()]))
    return found


def markdown(table: Table, level: int = 2) -> str:
    """Return a table in Markdown, its columns aligned so that it can be read as it is."""
    lines = [table.header, *table.rows]
    columns = range(len(table.header))
    widths = [max(len(line[column]) for line in lines) for column in columns]
    figures = [column > 0 and all(row[column][:1] in _FIGURES for row in table.rows)
               for column in columns]

    def row(cells: Iterable[str]) -> str:
        padded = [cell.rjust(width) if is_figure else cell.ljust(width)
                  for cell, width, is_figure in zip(cells, widths, figures, strict=True)]
        return f'| {" | ".join(padded)} |'

    rule = '|'.join('-' * (width + 1) + ':' if is_figure else '-' * (width + 2)
                    for width, is_figure in zip(widths, figures, strict=True))
    return '\n'.join([f'{"#" * level} {table.title}', '', row(table.header), f'|{rule}|',
                      *map(row, table.rows), *(f'\n{note}' for note in table.notes)]) + '\n'


def show(report: Mapping[str, Any]) -> None:
    """Print a report."""
    print('\n'.join(markdown(table) for table in tables(report)))


def _machine(report: Mapping[str, Any]) -> Table:
    names = {'gpu': 'GPU', 'target': 'architecture', 'memory_mib': 'memory (MiB)',
             'driver': 'driver', 'driver_cuda': 'CUDA of the driver',
             'clock_mhz': 'highest clock', 'torch_cuda': 'CUDA of PyTorch', 'torch': 'PyTorch',
             'pycuda': 'PyCUDA', 'numpy': 'NumPy', 'python': 'Python', **MODULES}
    rows = [(names.get(name, name), str(value)) for name, value in report['machine'].items()]
    if 'copy' in report:
        rows += [('copy on the device, read and written',
                  f'{report["copy"]["gigabytes_per_second"]:.4g} GB/s'),
                 ('size of that copy', f'{report["copy"]["bytes"] / 2**20:.4g} MiB')]
    return Table('Machine', ('what', 'value'), rows)


def _grouping(report: Mapping[str, Any]) -> Table:
    cases = report['grouping']
    rows = []
    for case in cases:
        floor, differing, times = case['floor'], case['pixels_differing'], case['ms']
        rows.append((
            f'{case["instances"]}, {case["heads"]}', str(case['found_instances']),
            _ms(times['ours']), _ms(times.get('torch')),
            _times(case.get('times_faster_than_torch')), _ms(floor['ms']),
            f'{_ms(floor["moving_ms"])} + {_ms(floor["launching_ms"])}',
            f'{floor["bytes"] / 1e6:.4g}', _times(case['times_the_floor']),
            str(differing['ours']), str(differing.get('torch', '-'))))
    growths = [f'With {kind} heads {g["to_instances"]} instances take {g["factor"]:.3g} times as '
               f'long as {g["from_instances"]}.'
               for kind, g in report.get('grouping_growth', {}).items()]
    unmeasured = [f'PyTorch was not measured with {case["instances"]} instances, '
                  f'{case["heads"]}: {case["torch_not_measured"]}.'
                  for case in cases if 'torch_not_measured' in case]
    first = cases[0]
    return Table(
        f'Grouping at {_size(first["size"])}, {first["classes"]} classes',
        ('instances, heads', 'found', 'ours ms', 'torch ms', 'faster', 'floor ms',
         'moving + launching', 'MB moved', 'of the floor', 'pixels differ', "torch's differ"),
        rows,
        (f'Device memory to device memory, medians of {report["rounds"]} rounds (PyTorch: of '
         'every fifth), sides in turns, by CUDA events. PyTorch executes the public semantics in '
         'plain operations on the same heads. The floor is the time to read the heads and write '
         'the labels at the bandwidth of a copy measured in the same run, plus a graph of as '
         'many kernels that do nothing. Between the rounds the heads may stay in the L2 cache, as '
         'they do behind a network, while the floor reads them from memory: times the floor '
         'flatter. Pixels differ: from the NumPy reference.',
         *growths, *unmeasured))


def _kernels(report: Mapping[str, Any]) -> Table:
    cases = report['grouping']
    names = list(dict.fromkeys(
        name.removesuffix('_float').removesuffix('_half').removesuffix('_any')
        for case in cases for name in case['kernels_ms']))
    rows = []
    for name in names:
        cells = []
        for case in cases:
            taken = [value for kernel, value in case['kernels_ms'].items()
                     if kernel in (name, f'{name}_float', f'{name}_half', f'{name}_any')]
            cells.append(_ms(taken[0]) if taken else '-')
        rows.append((name, *cells))
    return Table('Grouping, kernel by kernel (ms)',
                 ('kernel', *(f'{case["instances"]}, {case["heads"]}' for case in cases)), rows,
                 ('By how much the graph of the first few kernels grows with each.',))


def _path(report: Mapping[str, Any]) -> Table:
    path, engine = report['path'], report['engine']
    return Table(
        f'Whole path, camera of {_size(path["camera"])}', ('part', 'ms'),
        [(text, _ms(path['ms'][name])) for name, text in _PARTS.items()],
        (f'{engine["description"]}: {engine["network"]} at {_size(engine["input_size"])}, '
         f'weights: {engine["weights"]}; at most {engine["batch"]} images at once; '
         f'{path["heads"]} heads, {path["found_instances"]} instances found, '
         f'{path["pixels_differing"]} pixels differ from the reference on the same heads.',
         f'From page-locked image to page-locked labels it takes '
         f'{100 * path["over_engine_and_copies"]:.3g} % more than the network and the two '
         'copies alone.'))


def _graph(report: Mapping[str, Any]) -> Table:
    graph = report['path']['graph']
    return Table(
        'With and without a CUDA graph', ('ms a frame', 'graph', 'enqueued anew', 'ratio'),
        [(text, _ms(graph[name]['graph']), _ms(graph[name]['anew']), _times(graph[ratio]))
         for text, name, ratio in (
             ('on the device, from the first call on', 'device_ms', 'device_ratio'),
             ('on the host, image to Panoptic', 'frame_ms', 'frame_ratio'))])


def _cameras(report: Mapping[str, Any]) -> Table:
    rows, notes = [], []
    for row in report['cameras']:
        count = str(row['cameras'])
        if 'not_measured' in row:
            notes.append(f'{count} cameras were not measured: {row["not_measured"]}.')
        else:
            rows.append((count, _ms(row['batch_ms']), _ms(row['camera_ms']),
                         _ms(row['engine_ms']), f'{row["frames_per_second"]:.4g}'))
    return Table('Batches of cameras',
                 ('cameras', 'ms a batch', 'ms a camera', 'network alone', 'images/s'), rows,
                 tuple(notes))


def _ms(value: float | None) -> str:
    return '-' if value is None else f'{value:.4g}'


def _times(value: float | None) -> str:
    return '-' if value is None else f'{value:.3g}x'


def _size(size: Sequence[int]) -> str:
    return f'{size[0]}x{size[1]}'
