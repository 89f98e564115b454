"""
Tells whether two checkouts give the same results, after a change that must not alter results.

    python tools/compare_results.py BEFORE AFTER --bag demo/DRIVE

Each checkout runs in its own `.venv`.  Three kinds of results are compared.  The first is the bag
that `segment` writes of a drive, byte for byte.  The second is labels, tables and confidence of 20
rendered streets.  The third is the same for heads that the decoder's property tests draw, with
both methods.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

STREETS = 20
CASES = 1000

PROBE = """
import hashlib, json, pickle, sys
from dataclasses import fields
from pathlib import Path
import cv2
from panoptic_ros import LabelSpace, Segmenter
try:
    from panoptic_ros.families import deeplab
    decode, Heads, Options = deeplab.decode, deeplab.Heads, deeplab.Options
except ImportError:         # a checkout from before there were families
    from panoptic_ros.grouping import GroupingOptions as Options, group as decode
    from panoptic_ros.heads import Heads

def digest(panoptic):
    found = hashlib.sha256(panoptic.labels.tobytes())
    for column in fields(panoptic.segments):
        values = getattr(panoptic.segments, column.name)
        found.update(f'{column.name} {values.dtype} {values.shape}'.encode() + values.tobytes())
    found.update(panoptic.confidence.tobytes())
    return found.hexdigest()

inputs, model = Path(sys.argv[1]), sys.argv[2]
digests = {}
segmenter = Segmenter.open(model)
for path in sorted(inputs.glob('*.png')):
    digests[f'street {path.stem}'] = digest(segmenter(cv2.imread(str(path)), confidence=True))
for path in sorted(inputs.glob('*.pickle')):
    heads, space, size, options = pickle.loads(path.read_bytes())
    for method in ('cpu', 'reference'):
        result = decode(Heads(*heads), LabelSpace.from_dict(space), size, method,
                        Options(**options), confidence=True)
        digests[f'heads {path.stem}, {method}'] = digest(result)
print(json.dumps(digests))
"""

DRAW = """
import pickle, sys
from dataclasses import asdict
from pathlib import Path
import cv2
from hypothesis import HealthCheck, given, settings
sys.path.insert(0, 'test/support')
from grouping_cases import cases
from panoptic_ros import LabelSpace
from panoptic_ros.benchmarks.heads import make_heads
from panoptic_ros.families import deeplab
from panoptic_ros.streets import Drive, FIRST_HELD_OUT_SEED

folder, streets, most = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
for number in range(streets):
    image, _ = Drive(seed=FIRST_HELD_OUT_SEED + number, size=(512, 1024)).frame(0)
    cv2.imwrite(str(folder / f'{number:02d}.png'), image)

def keep(name, heads, space, size, options):
    arrays = (heads.semantic, heads.center, heads.offset, heads.stride, heads.align_corners,
              heads.size)
    (folder / f'{name}.pickle').write_bytes(
        pickle.dumps((arrays, space.to_dict(), size, asdict(options))))

drawn = []

@settings(derandomize=True, database=None, max_examples=most, deadline=None,
          suppress_health_check=list(HealthCheck))
@given(cases())
def draw(case):
    keep(f'{len(drawn):04d}', *case)
    drawn.append(None)

draw()
space = LabelSpace.load('cityscapes')
for things in (5, 28, 159):
    for size in ((512, 1024), (480, 640)):
        heads = make_heads(space, (512, 1024), things)
        keep(f'large-{things}-{size[0]}x{size[1]}', heads, space, size, deeplab.Options())
"""


def main() -> None:
    """Compare two checkouts; the exit status is 1 if a result differs."""
    parser = argparse.ArgumentParser(description=__doc__.split('\n\n')[0])
    parser.add_argument('before', type=Path, help='a checkout with its .venv')
    parser.add_argument('after', type=Path, help='another, which also draws the inputs')
    parser.add_argument('--bag', type=Path, help='recording to label')
    parser.add_argument('--frames', type=int, default=STREETS, help='streets to render')
    parser.add_argument('--cases', type=int, default=CASES, help='heads to draw')
    args = parser.parse_args()
    sides = {'before': args.before.resolve(), 'after': args.after.resolve()}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _run(sides['after'], '-c', DRAW, name, str(args.frames), str(args.cases))
        model = str(sides['before'] / 'models' / 'streets.onnx')
        found = {side: json.loads(_run(root, '-c', PROBE, name, model).splitlines()[-1])
                 for side, root in sides.items()}
        if args.bag:
            for side, root in sides.items():
                found[side] |= _label(root, args.bag.resolve(), folder / side, model)
    different = [key for key in sorted(found['before'] | found['after'])
                 if found['before'].get(key) != found['after'].get(key)]
    for key in different:
        print(f'differs: {key}')
    print(f'{len(found["before"])} results, {len(different)} differ')
    sys.exit(bool(different))


def _label(root: Path, bag: Path, output: Path, model: str) -> dict[str, Any]:
    """Label a bag with a checkout; return the digest of every file of the result."""
    _run(root, '-m', 'panoptic_ros.cli.segment', str(bag), '-o', str(output / 'labelled'),
         '--model', model, '--overlay')
    return {f'bag {path.relative_to(output)}': hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(output.rglob('*')) if path.is_file()}


def _run(root: Path, *words: str) -> str:
    done = subprocess.run([root / '.venv/bin/python', *words], cwd=root, text=True,
                          stdout=subprocess.PIPE, check=False)
    if done.returncode:
        sys.exit(f'{root}: {words[:2]} ended with {done.returncode}')
    return done.stdout


if __name__ == '__main__':
    main()
