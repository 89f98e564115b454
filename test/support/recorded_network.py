"""Weights and images by recipe, so that few numbers can stand for a whole network's output."""

import json
import math
import zlib
from pathlib import Path

import numpy as np
import torch

FOLDER = Path(__file__).parents[1] / 'network' / 'recorded'


def fill(network):
    """
    Give every entry of the state a value that depends on its name and shape alone.

    The draws are numpy's legacy ones, which never change.  The ranges keep activations of deep
    networks near 1, where no bias drowns.
    """
    with torch.no_grad():
        for name, tensor in network.state_dict().items():
            if not tensor.is_floating_point():
                tensor.zero_()
                continue
            draws = np.random.RandomState(zlib.crc32(name.encode())).random_sample(tensor.shape)
            if tensor.ndim > 1:
                draws = (draws - 0.5) * math.sqrt(6 / tensor[0].numel())
            elif name.endswith(('running_var', 'weight')):
                draws = draws + 0.5
            else:
                draws = (draws - 0.5) * 0.6
            tensor.copy_(torch.from_numpy(draws))
    return network.eval()


def pixels(height, width):
    """Return noise as a backbone gets it: float [1, 3, H, W], about normalised."""
    draws = np.random.RandomState(0).random_sample((1, 3, height, width))
    return torch.from_numpy(draws * 4 - 2).float()


def samples(tensor, count=8):
    """Return values spread over a tensor, and the largest magnitude, to compare them with."""
    flat = tensor.flatten()
    at = torch.linspace(0, len(flat) - 1, count, dtype=torch.float64).long()
    return {'shape': list(tensor.shape), 'largest': round(flat.abs().max().item(), 5),
            'values': [round(value, 5) for value in flat[at].tolist()]}


def recorded(name):
    """Read what was recorded under a name."""
    return json.loads((FOLDER / f'{name}.json').read_text())
