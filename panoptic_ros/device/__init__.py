from .array import DeviceArray
from .compiler import CompileError, compile_kernels
from .cubin import KernelResources, kernel_resources
from .errors import DeviceError
from .event import Event
from .gpu import Device
from .graph import Graph
from .module import Module

__all__ = ['CompileError', 'Device', 'DeviceArray', 'DeviceError', 'Event', 'Graph',
           'KernelResources', 'Module', 'compile_kernels', 'kernel_resources']
