"""``benchmark gpu``: the GPU path in one run."""

from .benchmark import add_arguments, run

__all__ = ['add_arguments', 'run']
