"""
A machine with GPUs whose memory is the host's, as strict as the CUDA driver is.

Work on a stream waits until somebody waits for it; while a stream is captured it is kept for the
graph instead.  New device memory is full of garbage.  An address that nobody holds, a second free,
a call from a thread without a context, an allocation during a capture are errors, each with the
number that the driver gives.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np

GARBAGE, POISON = 0xA5, 0xDD
TEXTS = {
    1: 'invalid argument', 2: 'out of memory', 3: 'initialization error',
    36: 'API call is not supported in the installed CUDA driver',
    46: 'CUDA-capable device(s) is/are busy or unavailable',
    100: 'no CUDA-capable device is detected', 101: 'invalid device ordinal',
    200: 'device kernel image is invalid', 201: 'invalid device context',
    209: 'no kernel image is available for execution on the device',
    214: 'uncorrectable ECC error encountered',
    220: 'uncorrectable NVLink error detected during the execution',
    226: 'Invalid access of peer GPU memory over nvlink or a hardware error',
    400: 'invalid resource handle', 500: 'named symbol not found',
    700: 'an illegal memory access was encountered',
    702: 'the launch timed out and was terminated',
    709: 'context is destroyed', 710: 'device-side assert triggered', 714: 'hardware stack error',
    715: 'an illegal instruction was encountered', 716: 'misaligned address',
    717: 'operation not supported on global/shared address space',
    718: 'invalid program counter', 719: 'unspecified launch failure',
    721: 'tensor memory not completely freed', 802: 'system not yet initialized',
    803: 'system has unsupported display driver / cuda driver combination',
    804: 'forward compatibility was attempted on non supported HW',
    900: 'operation not permitted when stream is capturing',
    901: 'operation failed due to a previous error during capture',
    907: 'operation not permitted on an event last recorded in a capturing stream',
    999: 'unknown error'}


class DriverError(Exception):
    """A call that the driver refuses: its name and the CUresult."""

    def __init__(self, name: str, status: int, detail: str = '') -> None:
        super().__init__(f'{name} failed: {TEXTS[status]}{detail}')
        self.status = status


class KernelError(Exception):
    """A kernel that goes wrong while it runs; ``status`` is what the context dies of."""

    def __init__(self, status: int) -> None:
        super().__init__(TEXTS[status])
        self.status = status


class Block:
    """A piece of memory, aligned as the driver's allocations are."""

    def __init__(self, nbytes: int) -> None:
        self._memory = np.full(nbytes + 256, GARBAGE, np.uint8)
        start = -self._memory.ctypes.data % 256
        self.bytes = self._memory[start:start + nbytes]
        self.address, self.nbytes = self.bytes.ctypes.data, nbytes

    def part(self, address: int, nbytes: int) -> np.ndarray | None:
        """Return the bytes at an address, if all of them are in the block."""
        start = address - self.address
        return self.bytes[start:start + nbytes] if 0 <= start <= self.nbytes - nbytes else None


class Primary:
    """One life of a GPU's primary context, with all that is in it."""

    def __init__(self, index: int) -> None:
        self.index, self.retained, self.kept = index, 0, 0
        self.alive, self.sticky = True, 0
        self.blocks: dict[int, Block] = {}
        self.locked: dict[int, Block] = {}
        self.handles: dict[int, object] = {}
        """Streams, events, modules, graphs and executable graphs, by handle."""

    def held(self) -> Counter[str]:
        """Count what has not been released."""
        return Counter({'device memory': len(self.blocks), 'page-locked memory': len(self.locked)}
                       ) + Counter(type(handle).__name__ for handle in self.handles.values())


class Queue:
    """Work on a stream that nobody has waited for yet."""

    def __init__(self) -> None:
        self.work: list[Callable[[], None]] = []
        self.recording: Recording | None = None


class Recording:
    """What a stream captured; ``thread`` may do nothing unsafe until it ends."""

    def __init__(self) -> None:
        self.work: list[Callable[[], None]] = []
        self.thread = threading.get_ident()
        self.valid = True


class Executable:
    """A graph that can be launched."""

    def __init__(self, recording: Recording) -> None:
        self.work = tuple(recording.work)


class Moment:
    """An event that takes the time."""

    def __init__(self) -> None:
        self.taken: float | None = None
        self.stream: int | None = None
        self.captured = False
        """Recorded in a graph without being told that it is to be taken at each launch."""

    def take(self) -> None:
        self.taken = now()


class Machine:
    """
    The driver and the GPUs of a machine.

    Parameters
    ----------
    gpus
        (name, (major, minor)) of each.
    memory
        Bytes of memory of each GPU.

    """

    def __init__(self, gpus: Sequence[tuple[str, tuple[int, int]]] = (('Host GPU', (8, 9)),),
                 memory: int = 1 << 30) -> None:
        self.gpus, self.memory = tuple(gpus), memory
        self.calls: Counter[str] = Counter()
        self.leaks: list[Counter[str]] = []
        """What was still held whenever nobody used a context in good health any more."""
        self._primaries: dict[int, Primary] = {}
        self._stacks: dict[int, list[Primary]] = {}
        self._failures: dict[tuple[str, int], int] = {}
        self._next_handle = 0x1000

    def fail(self, name: str, status: int, nth: int = 1) -> None:
        """Let the n-th call of a function from now on fail."""
        self._failures[name, self.calls[name] + nth] = status

    def enter(self, name: str, context: bool = True, unsafe: bool = False) -> None:
        """Begin a call; ``unsafe`` ones are not allowed to a thread that captures."""
        self.calls[name] += 1
        if context:
            primary = self.current(name)
            if primary.sticky:
                raise DriverError(name, primary.sticky)
            if unsafe:
                for queue in self._recording(primary):
                    queue.recording.valid = False
                    raise DriverError(name, 900)
        status = self._failures.pop((name, self.calls[name]), 0)
        if status:
            raise DriverError(name, status)

    def begin_kernel(self) -> None:
        """Count a kernel that begins to run; ``fail('kernel', ...)`` lets it go wrong."""
        self.calls['kernel'] += 1
        status = self._failures.pop(('kernel', self.calls['kernel']), 0)
        if status:
            raise KernelError(status)

    def held(self) -> Counter[str]:
        """Count what is held on all GPUs: memory, streams, events, modules and graphs."""
        return sum((primary.held() for primary in self._primaries.values()), Counter())

    def left_behind(self) -> list[str]:
        """Say what was not released in the end."""
        return [*(f'a context that nobody used held {held}' for held in self.leaks),
                *(f'thread {thread} has {len(stack)} contexts on its stack'
                  for thread, stack in self._stacks.items() if stack),
                *(f'GPU {index} is retained {primary.retained} times'
                  for index, primary in self._primaries.items()
                  if primary.retained > primary.kept)]

    # ---- contexts

    @property
    def stack(self) -> list[Primary]:
        """CUDA's stack of contexts of this thread."""
        return self._stacks.setdefault(threading.get_ident(), [])

    def current(self, name: str) -> Primary:
        if not self.stack:
            raise DriverError(name, 201)
        if not self.stack[-1].alive:
            raise DriverError(name, 709)
        return self.stack[-1]

    def retain(self, index: int) -> Primary:
        primary = self._primaries.get(index)
        if primary is None or not primary.alive:
            before, primary = primary, Primary(index)
            if before is not None:
                primary.retained, primary.kept = before.retained, before.kept
            self._primaries[index] = primary
        primary.retained += 1
        return primary

    def keep(self, index: int) -> int:
        """Retain a context for as long as the process lives; return its handle."""
        self.enter('cuDevicePrimaryCtxRetain', context=False)
        primary = self.retain(index)
        primary.kept += 1
        return id(primary)

    def release(self, index: int) -> None:
        primary = self._primaries[index]
        primary.retained -= 1
        if primary.retained == primary.kept:
            self._note_leaks(primary)
        if not primary.retained:
            self._destroy(primary)

    def reset(self, index: int) -> None:
        self._note_leaks(self._primaries[index])
        self._destroy(self._primaries[index])

    def _note_leaks(self, primary: Primary) -> None:
        if primary.alive and not primary.sticky and any(primary.held().values()):
            self.leaks.append(primary.held())

    def _destroy(self, primary: Primary) -> None:
        primary.alive = False
        for block in (*primary.blocks.values(), *primary.locked.values()):
            block.bytes[:] = POISON
        primary.blocks.clear()
        primary.locked.clear()
        primary.handles.clear()

    def add_handle(self, primary: Primary, held: object) -> int:
        self._next_handle += 0x10
        primary.handles[self._next_handle] = held
        return self._next_handle

    def find(self, name: str, handle: int, kind: type) -> object:
        """Return what a handle stands for; a stale or foreign one is an error."""
        found = self.current(name).handles.get(handle)
        if not isinstance(found, kind):
            raise DriverError(name, 400)
        return found

    # ---- memory

    def allocate(self, name: str, nbytes: int) -> Block:
        self.enter(name, unsafe=True)
        primary = self.current(name)
        if name == 'cuMemAlloc' and nbytes > self.free_bytes(primary):
            raise DriverError(name, 2)
        block = Block(nbytes)
        (primary.blocks if name == 'cuMemAlloc' else primary.locked)[block.address] = block
        return block

    def free(self, name: str, address: int) -> None:
        self.enter(name, unsafe=True)
        primary = self.current(name)
        self.drain_all(primary)         # the real one waits for work that may use the memory
        block = (primary.blocks if name == 'cuMemFree' else primary.locked).pop(address, None)
        if block is None:
            raise DriverError(name, 1)
        block.bytes[:] = POISON

    def free_bytes(self, primary: Primary) -> int:
        return self.memory - sum(block.nbytes for block in primary.blocks.values())

    def view(self, primary: Primary, address: int, nbytes: int) -> np.ndarray:
        """Return device memory, for work that is being executed."""
        for block in primary.blocks.values():
            part = block.part(address, nbytes)
            if part is not None:
                return part
        raise KernelError(700)

    def check_address(self, name: str, address: int, nbytes: int) -> None:
        try:
            self.view(self.current(name), address, nbytes)
        except KernelError:
            raise DriverError(name, 1) from None

    def is_locked(self, address: int, nbytes: int) -> bool:
        return any(block.part(address, nbytes) is not None
                   for block in self.current('cuPointerGetAttribute').locked.values())

    # ---- streams

    def enqueue(self, name: str, handle: int, work: Callable[[], None]) -> None:
        queue = self.find(name, handle, Queue)
        if queue.recording is not None:
            if not queue.recording.valid:
                raise DriverError(name, 901)
            queue.recording.work.append(work)
        else:
            queue.work.append(work)

    def drain_all(self, primary: Primary) -> None:
        for queue in [q for q in primary.handles.values() if isinstance(q, Queue)]:
            self._drain(primary, queue)

    def drain(self, name: str, handle: int) -> None:
        """Execute what waits on a stream; what went wrong stays with the context."""
        primary = self.current(name)
        self._drain(primary, self.find(name, handle, Queue))
        if primary.sticky:
            raise DriverError(name, primary.sticky)

    def _drain(self, primary: Primary, queue: Queue) -> None:
        while queue.work and not primary.sticky:
            work = queue.work.pop(0)
            try:
                work()
            except KernelError as fault:
                primary.sticky = fault.status
                queue.work.clear()

    def _recording(self, primary: Primary) -> list[Queue]:
        return [q for q in primary.handles.values() if isinstance(q, Queue)
                and q.recording is not None and q.recording.thread == threading.get_ident()]

    # ---- graphs

    def begin_capture(self, handle: int, mode: int) -> None:
        self.enter('cuStreamBeginCapture')
        queue = self.find('cuStreamBeginCapture', handle, Queue)
        if queue.recording is not None or mode not in (0, 1, 2):
            raise DriverError('cuStreamBeginCapture', 1)
        queue.recording = Recording()

    def end_capture(self, handle: int) -> int:
        self.enter('cuStreamEndCapture')
        queue = self.find('cuStreamEndCapture', handle, Queue)
        recording, queue.recording = queue.recording, None
        if recording is None or not recording.valid:
            raise DriverError('cuStreamEndCapture', 901 if recording else 1)
        return self.add_handle(self.current('cuStreamEndCapture'), recording)

    def instantiate(self, graph: int) -> int:
        self.enter('cuGraphInstantiate')
        recording = self.find('cuGraphInstantiate', graph, Recording)
        return self.add_handle(self.current('cuGraphInstantiate'), Executable(recording))

    def launch_graph(self, executable: int, stream: int) -> None:
        self.enter('cuGraphLaunch')
        work = self.find('cuGraphLaunch', executable, Executable).work
        for step in work:
            self.enqueue('cuGraphLaunch', stream, step)

    def destroy(self, name: str, handle: int, kind: type) -> None:
        self.enter(name)
        self.find(name, handle, kind)
        del self.current(name).handles[handle]


    # ---- events

    def create_event(self) -> int:
        self.enter('cuEventCreate')
        return self.add_handle(self.current('cuEventCreate'), Moment())

    def record_event(self, handle: int, stream: int, flags: int) -> None:
        name = 'cuEventRecord'
        self.enter(name)
        moment, queue = self.find(name, handle, Moment), self.find(name, stream, Queue)
        if flags and queue.recording is None:
            raise DriverError(name, 1)      # "external" is for graphs only
        moment.captured = queue.recording is not None and not flags
        moment.stream, moment.taken = stream, None
        self.enqueue(name, stream, moment.take)

    def wait_for_event(self, handle: int) -> None:
        self.enter('cuEventSynchronize', unsafe=True)
        moment = self.find('cuEventSynchronize', handle, Moment)
        if moment.captured:
            raise DriverError('cuEventSynchronize', 907)
        if moment.stream is not None:
            self.drain('cuEventSynchronize', moment.stream)

    def time_between(self, start: int, end: int) -> float:
        name = 'cuEventElapsedTime'
        self.enter(name)
        first, last = self.find(name, start, Moment), self.find(name, end, Moment)
        if first.taken is None or last.taken is None:
            raise DriverError(name, 400)
        return last.taken - first.taken


def now() -> float:
    """Return milliseconds."""
    return time.perf_counter() * 1e3
