import re
import subprocess
import sys
import threading
from types import SimpleNamespace

import fake_cuda
import numpy as np
import pytest
from fake_cuda_machine import GARBAGE, TEXTS, Machine

from panoptic_ros.device import Device, DeviceError, compile_kernels
from panoptic_ros.device.driver import Driver
from panoptic_ros.device.errors import CURES, STICKY


def launch(device, module, count=8, grid=(1, 1, 1), block=(256, 1, 1)):
    """Enqueue ``scale`` on new arrays; return where its result will be."""
    source, target = (device.empty((count,), np.float32) for _ in range(2))
    device.zero(source)
    module.launch('scale', grid, block, source, target, np.float32(2), np.int32(count))
    return target


class TestOpening:
    def test_says_what_it_is(self, device):
        assert (device.name, device.capability, device.target) == ('Host GPU', (8, 9), 'sm_89')
        assert device.stream_handle
        assert device.memory() == (1 << 30, 1 << 30)

    def test_no_gpu(self, monkeypatch):
        for _ in fake_cuda.install(monkeypatch, Machine(gpus=())):
            with pytest.raises(DeviceError, match=r'no CUDA-capable device.*nvidia-smi.*--gpus'):
                Device.open()

    def test_index_out_of_range(self, cuda):
        with pytest.raises(DeviceError, match=r'no GPU 3: expected 0 to 0; .*CUDA_VIS'):
            Device.open(3)
        with pytest.raises(DeviceError, match=r'no GPU -1'):
            Device.open(-1)

    @pytest.mark.parametrize(('call', 'status', 'cure'), [
        ('cuInit', 803, 'reboot'), ('cuInit', 802, 'fabricmanager'), ('cuInit', 999, 'nvidia_uvm'),
        ('cuDevicePrimaryCtxRetain', 46, 'end it'), ('cuDevicePrimaryCtxRetain', 2, 'end other'),
        ('cuDevicePrimaryCtxRetain', 719, 'restart it'),
        ('cuCtxPushCurrent', 201, 'dmesg'), ('cuStreamCreate', 2, 'end other'),
        ('cuEventCreate', 719, 'restart it')])
    def test_refusal_names_the_cure_and_leaves_nothing(self, cuda, call, status, cure):
        cuda.machine.fail(call, status)
        with pytest.raises(DeviceError, match=rf'{re.escape(TEXTS[status])}: .*{cure}'):
            Device.open()
        assert not cuda.machine.left_behind()
        Device.open().close()

    def test_without_pycuda(self, monkeypatch):
        monkeypatch.setitem(sys.modules, 'pycuda', None)
        with pytest.raises(DeviceError, match='needs PyCUDA: `pip install pycuda`'):
            Device.open()

    @pytest.mark.parametrize(('raised', 'expected'), [
        ("ImportError('libcuda.so.1: cannot open shared object file: No such file or directory')",
         r'no CUDA driver on this machine \(libcuda\.so\.1.*install the NVIDIA driver.*--gpus'),
        ("ImportError('libcurand.so.10: cannot open shared object file')",
         r'libcurand.*force-reinstall'),
        ("ModuleNotFoundError('No module named pytools', name='pytools')",
         'pip install pytools')])
    def test_pycuda_that_cannot_be_imported(self, monkeypatch, tmp_path, raised, expected):
        """The texts are those of the real PyCUDA and of the dynamic linker."""
        (tmp_path / 'pycuda').mkdir()
        (tmp_path / 'pycuda/__init__.py').write_text('')
        (tmp_path / 'pycuda/driver.py').write_text(f'raise {raised}')
        monkeypatch.syspath_prepend(tmp_path)
        for name in ('pycuda', 'pycuda.driver'):
            monkeypatch.delitem(sys.modules, name, raising=False)
        with pytest.raises(DeviceError, match=expected):
            Device.open()

    def test_driver_too_old_for_graphs(self, cuda, monkeypatch):
        def load():
            raise AttributeError('libcuda.so.1: undefined symbol: cuGraphInstantiateWithFlags')
        monkeypatch.setattr('panoptic_ros.device.libcuda.load_libcuda', load)
        with pytest.raises(DeviceError, match=r'undefined symbol.*CUDA 11\.4 or newer'):
            Device.open()

    def test_two_devices_of_a_thread_close_in_any_order(self, cuda):
        for order in ((0, 1), (1, 0)):
            devices = [Device.open(), Device.open()]
            arrays = [device.empty((4,), np.uint8) for device in devices]
            devices[order[0]].close()
            devices[order[1]].zero(arrays[order[1]])
            devices[order[1]].synchronize()
            devices[order[1]].close()
            assert not cuda.machine.stack

    def test_two_gpus_need_two_threads(self, monkeypatch):
        gpus = (('A', (8, 6)), ('B', (9, 0)))
        for _ in fake_cuda.install(monkeypatch, Machine(gpus=gpus)):
            first = Device.open(0)
            with pytest.raises(RuntimeError, match='has GPU 0 open and asks for GPU 1'):
                Device.open(1)
            first.close()
            second = Device.open(1)
            assert second.target == 'sm_90'
            second.close()


class TestMemory:
    def test_new_memory_is_garbage_and_zero_clears_it(self, device):
        array, host = device.empty((2, 3), np.uint16), device.pinned((2, 3), np.uint16)
        assert (array.nbytes, array.shape, array.dtype) == (12, (2, 3), np.uint16)
        device.download(array, host)
        device.synchronize()
        assert (host == GARBAGE * 257).all()
        device.zero(array)
        device.download(array, host)
        device.synchronize()
        assert not host.any()

    def test_copies_are_asynchronous(self, device):
        array = device.empty((4,), np.float16)
        host, back = device.pinned((4,), np.float16), device.pinned((4,), np.float16)
        host[:], back[:] = 1, 0
        device.upload(array, host)
        device.download(array, back)
        host[:] = 2     # the copy has not begun
        assert not back.any()
        device.synchronize()
        assert (back == 2).all()

    def test_pageable_memory_is_copied_at_once(self, device):
        array, host = device.empty((4,), np.float32), np.ones(4, np.float32)
        device.upload(array, host)
        host[:] = 0
        device.download(array, host)
        assert (host == 1).all()

    def test_records_travel(self, device):
        kind = np.dtype({'names': ['a', 'b'], 'formats': ['u1', '<u8'], 'offsets': [0, 8],
                         'itemsize': 24})
        host = device.pinned((3,), kind)
        assert host.dtype == kind
        host['a'], host['b'] = 7, 1 << 40
        array, back = device.empty((3,), kind), np.zeros(3, kind)
        device.upload(array, host)
        device.download(array, back)
        assert (back['b'] == 1 << 40).all()
        assert (back['a'] == 7).all()

    def test_parts_are_in_place(self, device):
        array, host = device.empty((4, 2, 3), np.uint8), np.arange(24, dtype=np.uint8)
        host = host.reshape(4, 2, 3)
        for index in range(4):
            assert array[index].shape == (2, 3)
            device.upload(array[index], host[index])
        back = np.zeros((2, 2, 3), np.uint8)
        device.download(array.part(1, 3), back)
        assert (back == host[1:3]).all()
        for wrong in (lambda: array[4], lambda: array[-1], lambda: array.part(2, 2),
                      lambda: array.part(3, 5), lambda: array[0][0][0].part(0, 1)):
            with pytest.raises(IndexError, match='expected a part of'):
                wrong()
        with pytest.raises(ValueError, match='part of another'):
            array[0].free()

    def test_is_shared_by_the_cuda_array_interface(self, device):
        array = device.empty((2, 5), np.float16)
        assert array.__cuda_array_interface__ == {
            'shape': (2, 5), 'typestr': '<f2', 'data': (array.pointer, False), 'version': 3,
            'strides': None, 'stream': device.stream_handle}

    @pytest.mark.parametrize('shape', [(0,), (3, 0), (-1,), (-2, -2)])
    def test_empty_arrays_are_refused(self, device, shape):
        for allocate in (device.empty, device.pinned):
            with pytest.raises(ValueError, match='expected lengths of at least 1'):
                allocate(shape, np.uint8)

    def test_copies_between_different_forms_are_refused(self, device):
        array = device.empty((4, 2), np.uint8)
        for host in (np.zeros((4, 2), np.int8), np.zeros((2, 4), np.uint8),
                     np.zeros((2, 4), np.uint8).T):
            with pytest.raises(ValueError, match=r'expected uint8 \(4, 2\), contiguous'):
                device.upload(array, host)
            with pytest.raises(ValueError, match=r'expected uint8 \(4, 2\), contiguous'):
                device.download(array, host)

    @pytest.mark.slow
    def test_out_of_memory_says_how_much(self, device):
        kept = device.empty((1000, 1 << 20), np.uint8)
        with pytest.raises(DeviceError, match=(
                r'allocating 100\.0 MiB of GPU memory for float32 \(25, 1048576\) on Host GPU: .*'
                r'out of memory \(24 of 1024 MiB are free\): end other programs')) as raised:
            device.empty((25, 1 << 20), np.float32)
        assert not raised.value.sticky
        kept.free()
        device.empty((25, 1 << 20), np.float32)

    def test_host_memory_that_cannot_be_locked(self, cuda, device):
        cuda.machine.fail('cuMemHostAlloc', 2)
        with pytest.raises(DeviceError, match=r'locking 1\.0 MiB of host memory.*raise'):
            device.pinned((1 << 20,), np.uint8)

    def test_freed_once(self, device):
        array, host = device.empty((8,), np.uint8), device.pinned((8,), np.uint8)
        free = device.memory()[0]
        array.free()
        device.free(host)
        assert device.memory()[0] == free + 8
        for again in (array.free, lambda: device.free(array), lambda: device.free(host),
                      lambda: device.free(np.zeros(3))):
            with pytest.raises(ValueError, match='not one that this device holds'):
                again()
        with pytest.raises(DeviceError, match='invalid argument'):
            device.zero(array)

    def test_freeing_waits_for_work(self, device, cubin):
        result, host = launch(device, device.load(cubin)), device.pinned((8,), np.float32)
        device.download(result, host)
        result.free()
        device.synchronize()
        assert (host == 1).all()


class TestKernels:
    def test_runs_when_somebody_waits(self, cuda, device, cubin):
        result, host = launch(device, device.load(cubin)), device.pinned((8,), np.float32)
        device.download(result, host)
        assert not cuda.machine.calls['kernel']
        device.synchronize()
        assert (host == 1).all()

    def test_arguments_are_checked_against_the_kernel(self, device, cubin):
        module = device.load(cubin)
        array = device.empty((4,), np.float32)
        with pytest.raises(ValueError, match=r'of \(8, 8, 4\) bytes: expected \(8, 8, 4, 4\)'):
            module.launch('scale', (1,), (32,), array, array, np.int32(1))
        with pytest.raises(ValueError, match=r'of \(8, 8, 8, 4\) bytes: expected \(8, 8, 4, 4\)'):
            module.launch('scale', (1,), (32,), array, array, np.float64(1), np.int32(1))
        for wrong in (1, 1.0, np.zeros(3), None):
            with pytest.raises(TypeError, match='expected a DeviceArray or a NumPy scalar'):
                module.launch('scale', (1,), (32,), array, array, np.float32(1), wrong)

    def test_unknown_kernel(self, device, cubin):
        with pytest.raises(DeviceError, match=r'kernel grow .*expected one of keep, scale, shuff'):
            device.load(cubin).launch('grow', (1,), (32,))

    def test_launch_that_the_gpu_cannot_do(self, device, cubin):
        module = device.load(cubin)
        for changes in ({'block': (2048, 1, 1)}, {'grid': (0, 1, 1)}):
            with pytest.raises(DeviceError, match='more than this GPU has') as raised:
                launch(device, module, **changes)
            assert not raised.value.sticky
        launch(device, module)
        device.synchronize()

    @pytest.mark.compile
    def test_kernels_for_another_gpu(self, device, kernel_folder):
        with pytest.raises(DeviceError, match=(
                r'loading kernels for sm_90 on Host GPU: .*no kernel image.*this GPU, Host GPU, is'
                ' sm_89: build the plan again')):
            device.load(compile_kernels(kernel_folder, 'sm_90'))

    def test_sizes_may_be_short_and_of_numpy(self, device, cubin):
        result = launch(device, device.load(cubin), grid=(np.int64(1),), block=(np.int32(32),))
        host = np.zeros(8, np.float32)
        device.download(result, host)
        assert (host == 1).all()

    @pytest.mark.parametrize('damage', [lambda c: b'', lambda c: b'not a cubin' * 9,
                                        lambda c: c[:200], lambda c: c[:len(c) // 2]])
    def test_damaged_kernels(self, device, cubin, damage):
        with pytest.raises(DeviceError, match=r'cubin: build the plan again'):
            device.load(damage(cubin))

    def test_modules_end_with_the_device(self, cuda, cubin):
        device = Device.open()
        module = device.load(cubin)
        launch(device, module)
        device.close()
        with pytest.raises(DeviceError, match='open'):
            module.launch('shuffle', (1,), (32,), np.uintp(0), np.int32(1))


class TestEvents:
    def test_time_passes(self, device, cubin):
        start, end = device.event(), device.event()
        module = device.load(cubin)
        start.record()
        launch(device, module)
        end.record()
        assert end.elapsed_since(start) > 0

    def test_event_that_was_not_recorded(self, device):
        start, end = device.event(), device.event()
        end.record()
        with pytest.raises(DeviceError, match='invalid resource handle'):
            end.elapsed_since(start)


class TestThreads:
    def test_another_thread_is_refused(self, device):
        problems = []

        def use():
            for call in (device.synchronize, device.memory, device.close, device.event,
                         lambda: device.empty((1,), np.uint8)):
                try:
                    call()
                except RuntimeError as error:
                    problems.append(str(error))
        thread = threading.Thread(target=use, name='other')
        thread.start()
        thread.join()
        assert len(problems) == 5
        assert all('opened by thread MainThread and is used by other' in p for p in problems)
        device.synchronize()

    def test_each_thread_has_its_own(self, cuda, device):
        free = []

        def use():
            own = Device.open()
            own.empty((1 << 20,), np.uint8)
            free.append(own.memory()[0])
            own.close()
        thread = threading.Thread(target=use)
        thread.start()
        thread.join()
        assert free == [(1 << 30) - (1 << 20)]
        assert device.memory()[0] == 1 << 30


class TestClosing:
    def test_frees_everything_and_can_be_opened_again(self, cuda, cubin):
        for _ in range(3):
            device = Device.open()
            device.pinned((9,), np.uint8)
            launch(device, device.load(cubin))
            device.event().record()
            array = device.empty((1,), np.uint8)
            with device.capture():
                device.zero(array)
            device.close()
            device.close()
            assert not cuda.machine.left_behind()
        with pytest.raises(DeviceError, match=r'closed .*open a Device again'):
            device.empty((1,), np.uint8)

    def test_what_it_owns_is_closed_first_and_last_in_first_out(self, cuda):
        device, order = Device.open(), []
        array = device.empty((4,), np.uint8)

        def owned(name):
            return SimpleNamespace(close=lambda: (device.zero(array), order.append(name)))
        resources = [device.own(owned(name)) for name in 'abc']
        device.disown(resources[1])
        device.close()
        assert order == ['c', 'a']

    def test_forgotten_devices_are_closed_at_exit(self):
        """PyCUDA would abort the process."""
        program = ("import sys; sys.path.insert(0, 'test/support')\n"
                   'import atexit, fake_cuda, pytest\n'
                   'patch = pytest.MonkeyPatch()\n'
                   'cuda = next(installed := fake_cuda.install(patch))\n'
                   "atexit.register(lambda: print('left', cuda.machine.left_behind()))\n"
                   'from panoptic_ros.device import Device\n'
                   "Device.open().empty((9,), 'u1')\n")
        done = subprocess.run([sys.executable, '-c', program], capture_output=True, text=True,
                              check=False)
        assert (done.stdout, done.returncode) == ('left []\n', 0), done.stderr


class TestStickyErrors:
    @pytest.mark.parametrize('status', [700, 702, 715, 716, 719])
    def test_lost_context_is_reported_closed_and_opened_again(self, cuda, cubin, status):
        device = Device.open()
        module, array = device.load(cubin), device.empty((8,), np.float32)
        with device.capture() as graph:
            module.launch('scale', (1,), (32,), array, array, np.float32(2), np.int32(8))
        cuda.machine.fail('kernel', status)
        graph.launch()
        with pytest.raises(DeviceError, match=rf'{TEXTS[status]}: the context .*open it again'
                           ) as raised:
            device.synchronize()
        assert raised.value.sticky
        assert device.lost
        for call in (graph.launch, device.synchronize, lambda: device.pinned((1,), np.uint8)):
            with pytest.raises(DeviceError, match='lost to an earlier error') as raised:
                call()
            assert raised.value.sticky
        device.close()
        assert cuda.machine.calls['cuDevicePrimaryCtxReset'] == 1
        assert not cuda.machine.left_behind()

        again = Device.open()
        result, host = launch(again, again.load(cubin)), again.pinned((8,), np.float32)
        again.download(result, host)
        again.synchronize()
        assert (host == 1).all()
        again.close()

    def test_error_that_shows_at_close(self, cuda, cubin):
        device = Device.open()
        launch(device, device.load(cubin))
        cuda.machine.fail('kernel', 719)
        device.close()
        assert cuda.machine.calls['cuDevicePrimaryCtxReset'] == 1

    def test_kernel_at_a_freed_address(self, device, cubin):
        module, array = device.load(cubin), device.empty((4,), np.float32)
        array.free()
        module.launch('scale', (1,), (32,), array, array, np.float32(1), np.int32(4))
        with pytest.raises(DeviceError, match='illegal memory access') as raised:
            device.synchronize()
        assert raised.value.sticky

    def test_every_sticky_error_is_told_from_its_text(self, cuda):
        driver = Driver()
        for status in CURES:
            error = driver.cuda.LogicError(f'cuX failed: {TEXTS[status]} - detail')
            assert driver.code(error) == status
        assert driver.code(driver.cuda.LogicError('cuX failed: invalid argument')) == 0
        assert set(STICKY) <= set(CURES)

