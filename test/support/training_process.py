"""What torchrun starts in a test: one of the processes that train together."""

import sys
from dataclasses import replace
from pathlib import Path

import torch
from boxes import Boxes
from tiny_training import TINY, make, run

from panoptic_ros.network.distributed import ALONE, joined

CONFIG = replace(TINY, dropout=0.0)
STEPS = 4


class Damaged(Boxes):
    """Boxes whose files cannot be read."""

    def __getitem__(self, index):
        raise OSError(f'frame {index} is damaged')


def trainer_of(boxes, processes=ALONE):
    return make(boxes, STEPS, config=CONFIG, hardest=0.3, consistency=0.5, batch=8,
                processes=processes)


def main(folder, damaged_rank=None):
    """Train, and leave in ``folder`` the checkpoint after two steps, the last, and the losses."""
    torch.set_num_threads(1)
    with joined('cpu') as processes:
        boxes = Damaged() if str(processes.rank) == damaged_rank else Boxes()
        trainer = trainer_of(boxes, processes)
        losses = run(trainer, 2)
        if processes.leads:
            trainer.checkpoint().save(Path(folder) / 'half.pt')
        losses += run(trainer)
        torch.save(losses, Path(folder) / f'losses_{processes.rank}.pt')
        if processes.leads:
            trainer.checkpoint().save(Path(folder) / 'whole.pt')


if __name__ == '__main__':
    main(*sys.argv[1:])
