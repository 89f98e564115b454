"""The CUDA driver: PyCUDA, the functions that it lacks, and the errors of both in one form."""

from __future__ import annotations

import ctypes
from collections import Counter
from typing import Any

from . import libcuda
from .errors import CURES, STICKY, DeviceError

_INSTALL_DRIVER = ('install the NVIDIA driver, or start the container with `--gpus all` '
                   '(NVIDIA Container Toolkit)')
_RELOAD = 'reload the kernel module nvidia_uvm, or reboot'
_INSTALL_PYCUDA = '`pip install pycuda`, which builds with a CUDA toolkit'


class Driver:
    """
    The driver of this machine, initialised.

    Raises
    ------
    DeviceError
        There is no driver, no PyCUDA or no GPU; the message says which, and what to install.

    """

    def __init__(self) -> None:
        self.cuda = _import_pycuda()
        try:
            self._library = libcuda.load_libcuda()
        except (OSError, AttributeError) as error:
            raise DeviceError(f'the CUDA driver cannot be used ({error}): {_INSTALL_DRIVER}; '
                              'CUDA 11.4 or newer is needed') from error
        texts = {code: self._text_of(code) for code in CURES}
        shared = {text for text, count in Counter(texts.values()).items() if count > 1}
        self._code_of = {text: code for code, text in texts.items() if text not in shared}
        try:
            self.cuda.init()
        except self.cuda.Error as error:
            code = self.code(error)
            cure = _RELOAD if code in STICKY else CURES.get(code, _INSTALL_DRIVER)
            raise DeviceError(f'CUDA cannot start: {error}: {cure}') from error

    def call(self, name: str, *arguments: Any) -> None:
        """
        Call a function of the library.

        Raises
        ------
        pycuda.driver.Error
            The call fails; the text has the form of PyCUDA's own errors.

        """
        status = getattr(self._library, name)(*arguments)
        if status:
            raise self.cuda.Error(f'{name} failed: {self._text_of(status)}')

    def code(self, error: Exception) -> int:
        """Return an error's CUresult if that has a cure of its own, else 0."""
        _, _, text = str(error).partition(' failed: ')
        return self._code_of.get(text, 0) or self._code_of.get(text.partition(' - ')[0], 0)

    def _text_of(self, status: int) -> str:
        text = ctypes.c_char_p()
        self._library.cuGetErrorString(status, ctypes.byref(text))
        return (text.value or f'CUDA error {status}'.encode()).decode()


def _import_pycuda() -> Any:
    try:
        import pycuda.driver
    except ModuleNotFoundError as error:
        if error.name and error.name.partition('.')[0] != 'pycuda':
            raise DeviceError(f'PyCUDA cannot be imported ({error}): '
                              f'`pip install {error.name}`') from error
        raise DeviceError(f'the GPU needs PyCUDA: {_INSTALL_PYCUDA}') from error
    except ImportError as error:
        if 'libcuda.so' in str(error):
            raise DeviceError(f'no CUDA driver on this machine ({error}): '
                              f'{_INSTALL_DRIVER}') from error
        raise DeviceError(f'PyCUDA cannot be imported ({error}): build it for this CUDA and NumPy '
                          'with `pip install --force-reinstall --no-cache-dir '
                          'pycuda`') from error
    return pycuda.driver
