"""Turning exported weights back into a network that can be trained further."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from ....engine.metadata import ModelMetadata
from ...checkpoint import Checkpoint, CheckpointError
from .config import NetworkConfig
from .model import PanopticDeepLab
from .variants import preset


def unfold(path: Path, images: Iterable[npt.NDArray[np.uint8]] | None) -> Checkpoint:
    """
    Read the weights of a model that ``export`` wrote, and measure its batch statistics again.

    An export folds batch norm into the convolutions, so the statistics of the norms are lost.
    Here each norm gets the mean and the variance of the folded convolution's output on some
    images, and weights with which it changes nothing.  So the network computes what the file does,
    and can be trained from there.

    Parameters
    ----------
    path
        The ONNX file.
    images
        Images of the kind that the network was trained for, uint8 (H, W, 3) BGR; None for a
        network that is not trained further, only exported again.

    Raises
    ------
    CheckpointError
        The file is not an export of one of this package's networks, or there are no images.

    """
    from onnx import numpy_helper

    model, metadata, config = _read(path)
    network = PanopticDeepLab(config, len(metadata.label_space)).eval()
    found = {i.name: torch.from_numpy(numpy_helper.to_array(i).copy())
             for i in model.graph.initializer}
    norms = _take_over(network, found, path)
    if images is not None:
        _measure(network, norms, images)
    return Checkpoint(config, metadata.label_space, network.state_dict(),
                      {'unfolded_from': path.name, **metadata.training}, {})


def unfolded(path: Path) -> NetworkConfig:
    """
    Return the network that ``unfold`` gives, without the images.

    Raises
    ------
    CheckpointError
        As for ``unfold``.

    """
    return _read(path)[2]


def _read(path: Path) -> tuple[Any, ModelMetadata, NetworkConfig]:
    import onnx

    model = onnx.load(str(path))
    metadata = ModelMetadata.from_properties({p.key: p.value for p in model.metadata_props},
                                             str(path))
    if metadata.family != NetworkConfig.family:
        raise CheckpointError(
            f'{path} is an export of network {metadata.network!r} of family '
            f'{metadata.family!r}: the batch norms that an export folds are found again only in '
            f'those of family {NetworkConfig.family!r}; give the checkpoint, .pt, from which it '
            'was exported')
    try:
        return model, metadata, preset(metadata.network)
    except ValueError as error:
        raise CheckpointError(f'{path}: {error}') from error


def _take_over(network: PanopticDeepLab, found: dict[str, Tensor],
               path: Path) -> list[nn.BatchNorm2d]:
    """Fill in the weights; each norm adds the bias that was folded into its convolution."""
    norms = []
    modules = dict(network.named_modules())
    with torch.no_grad():
        for name, module in modules.items():
            if not isinstance(module, nn.Conv2d):
                continue
            folded = None
            if module.bias is None:     # older files have the second name
                folded = found.get(f'{name}.bias', found.get(f'{name}.weight_bias'))
            parts = {'weight': found.get(f'{name}.weight'), 'bias': found.get(f'{name}.bias')}
            for part, value in parts.items():
                target = getattr(module, part)
                if target is None:
                    continue
                if value is None or value.shape != target.shape:
                    raise CheckpointError(
                        f'{path} has no {name}.{part} of shape {tuple(target.shape)}: expected '
                        f'an export of network {network.config.name!r}')
                target.copy_(value)
            if folded is not None:
                norm = modules[f'{name.rpartition(".")[0]}.1']
                assert isinstance(norm, nn.BatchNorm2d)
                norm.running_mean = torch.zeros_like(folded)
                norm.running_var = torch.full_like(folded, 1 - norm.eps)
                norm.weight.fill_(1)
                norm.bias.copy_(folded)
                norms.append(norm)
    return norms


@torch.no_grad()
def _measure(network: PanopticDeepLab, norms: list[nn.BatchNorm2d],
             images: Iterable[npt.NDArray[np.uint8]]) -> None:
    """Give each norm the statistics of its input, and weights that undo them."""
    sums = [torch.zeros(2, norm.num_features, dtype=torch.float64) for norm in norms]
    counts = [0] * len(norms)

    def watch(index: int) -> torch.utils.hooks.RemovableHandle:
        def add(_: nn.Module, inputs: tuple[Tensor, ...]) -> None:
            values = inputs[0].double().transpose(0, 1).flatten(1)
            sums[index] += torch.stack([values.sum(1), values.square().sum(1)])
            counts[index] += values.shape[1]
        return norms[index].register_forward_pre_hook(add)

    handles = [watch(index) for index in range(len(norms))]
    for image in images:
        network(torch.from_numpy(np.ascontiguousarray(image))[None])
    for handle in handles:
        handle.remove()
    for norm, total, count in zip(norms, sums, counts, strict=True):
        if not count:
            raise CheckpointError('no images to measure the batch statistics on: give some')
        mean = total[0] / count
        variance = (total[1] / count - mean.square()).clamp(min=0)
        norm.running_mean, norm.running_var = mean.float(), variance.float()
        norm.weight.copy_((variance + norm.eps).sqrt().float())
        norm.bias.add_(mean.float())
