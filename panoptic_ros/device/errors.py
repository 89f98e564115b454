"""CUDA's errors, with their cures."""

from __future__ import annotations

_DRIVER = 'the GPU driver and the libraries in use do not fit: reboot after a driver update, or ' \
          'install the driver that this CUDA asks for'
_REOPEN = ('the context and everything in it are lost: close the device and open it again '
           '(the node: cleanup, then configure)')
OUT_OF_MEMORY = 2
CURES = {
    OUT_OF_MEMORY: 'end other programs on the GPU (`nvidia-smi` lists them), or run a smaller '
                   'model, a lower precision or fewer cameras',
    36: _DRIVER,
    46: 'another program has the GPU for itself: end it, or `nvidia-smi -c DEFAULT`',
    100: 'check that `nvidia-smi` lists a GPU and that CUDA_VISIBLE_DEVICES does not hide it; '
         'start containers with `--gpus all`',
    101: 'check that `nvidia-smi` lists that GPU and that CUDA_VISIBLE_DEVICES does not hide it',
    802: 'the GPU is not ready yet: start nvidia-fabricmanager, or wait for it',
    803: _DRIVER,
    804: _DRIVER,
    900: 'this cannot be part of a captured graph: do it before the capture',
    901: 'this cannot be part of a captured graph: do it before the capture',
}
"""What to do, by CUresult."""
STICKY = {
    214: 'uncorrectable ECC error', 220: 'uncorrectable NVLink error', 226: 'contained error',
    700: 'illegal address', 702: 'launch timeout', 709: 'context destroyed',
    710: 'assertion on the device', 714: 'hardware stack error', 715: 'illegal instruction',
    716: 'misaligned address', 717: 'invalid address space', 718: 'invalid program counter',
    719: 'launch failed', 721: 'tensor memory leak', 999: 'unknown error'}
"""CUresults after which every call in the context fails."""
CURES |= dict.fromkeys(STICKY, _REOPEN)


class DeviceError(RuntimeError):
    """
    CUDA cannot do what was asked; the message names the cure.

    Parameters
    ----------
    message
        What failed and what to do.
    sticky
        The context is lost: the device must be closed and opened again.

    """

    def __init__(self, message: str, sticky: bool = False) -> None:
        super().__init__(message)
        self.sticky = sticky
