"""The processes that train one network together, as torchrun starts them."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, distributed, nn
from torch.nn.parallel import DistributedDataParallel

from .shared_norm import share_norms


def own_device(name: str) -> str:
    """
    Return the device of this process for what a person asked for.

    Parameters
    ----------
    name
        ``auto`` is ``cuda`` if there is a GPU, else ``cpu``.  With ``cuda``, each of several
        processes on a machine takes a GPU of its own.

    Raises
    ------
    ValueError
        There is no such device, or the machine has fewer GPUs than processes.

    """
    if name == 'auto':
        name = 'cuda' if torch.cuda.is_available() else 'cpu'
    if not re.fullmatch(r'cpu|cuda(:\d+)?', name):
        raise ValueError(f'device is {name!r}: expected auto, cpu, cuda or cuda:N')
    if name == 'cpu':
        return name
    rank = os.environ.get('LOCAL_RANK') if name == 'cuda' else None
    number, found = int(rank or name.partition(':')[2] or 0), torch.cuda.device_count()
    if number >= found:
        cure = 'give another --device' if rank is None or not found else \
            f'give torchrun --nproc_per_node {found}'
        raise ValueError(f'no GPU {number} on this machine: PyTorch finds {found}; {cure}')
    return name if rank is None else f'cuda:{number}'


@contextmanager
def joined(device: str) -> Iterator[Processes]:
    """
    Join the processes that torchrun started; without torchrun, this process is alone.

    After an error the group is left as it is.  The other processes may be waiting for this one,
    and torchrun ends them.
    """
    if int(os.environ.get('WORLD_SIZE', '1')) == 1:
        yield ALONE
        return
    cuda = device.startswith('cuda')
    if cuda:
        torch.cuda.set_device(device)
    distributed.init_process_group('nccl' if cuda else 'gloo')
    yield Processes(distributed.get_rank(), distributed.get_world_size())
    distributed.destroy_process_group()


@dataclass(frozen=True)
class Processes:
    """The processes that train together, seen from one of them."""

    rank: int = 0
    count: int = 1

    @property
    def leads(self) -> bool:
        """Tell whether this process is the one that prints and writes."""
        return self.rank == 0

    def wait(self) -> None:
        """Wait until every process is here."""
        if self.count > 1:
            distributed.barrier()

    def largest(self, *values: float, device: torch.device) -> list[float]:
        """Return the largest of each value over the processes."""
        if self.count == 1:
            return list(values)
        shared = torch.tensor(values, dtype=torch.float64, device=device)
        distributed.all_reduce(shared, distributed.ReduceOp.MAX)
        return [float(value) for value in shared]

    def gather(self, values: Tensor) -> Tensor:
        """
        Join the values of the processes along the first axis, in the order of their ranks.

        Gradients reach this process's own values only.
        """
        if self.count == 1:
            return values
        parts = [torch.empty_like(values) for _ in range(self.count)]
        distributed.all_gather(parts, values.detach())
        parts[self.rank] = values
        return torch.cat(parts)

    def share_norms(self, network: nn.Module, device: torch.device) -> None:
        """Let the batch norms of the network see the batches of all processes."""
        if self.count > 1:
            share_norms(network, device)

    def parallel(self, network: nn.Module, device: torch.device) -> nn.Module:
        """Return the network as one whose backward pass averages the processes' gradients."""
        if self.count == 1:
            return network
        return DistributedDataParallel(network, [device] if device.type == 'cuda' else None)


ALONE = Processes()
"""The only process of a training that has one."""
