import re
import shutil

import pytest

from panoptic_ros.device import CompileError, compile_kernels, compiler, kernel_resources
from panoptic_ros.device.cubin import architecture, parameter_sizes

pytestmark = pytest.mark.compile

TARGETS = ('sm_75', 'sm_80', 'sm_86', 'sm_87', 'sm_89', 'sm_90', 'sm_100', 'sm_110', 'sm_120')


def through_nvrtc(folder, target):
    return compile_kernels(folder, target)


def through_nvcc(folder, target):
    return compiler._compile_with_nvcc(shutil.which('nvcc'), folder / 'kernels.cu', target)


COMPILERS = [
    pytest.param(through_nvrtc, id='nvrtc', marks=pytest.mark.skipif(
        compiler._find_nvrtc() is None, reason='pip install nvidia-cuda-nvrtc cuda-bindings')),
    pytest.param(through_nvcc, id='nvcc', marks=pytest.mark.skipif(
        shutil.which('nvcc') is None, reason='no CUDA toolkit'))]
nvrtc_only = COMPILERS[0].marks[0]


@pytest.mark.parametrize('target', TARGETS)
@pytest.mark.parametrize('compile_it', COMPILERS)
def test_cubin_for_every_architecture(kernel_folder, compile_it, target):
    cubin = compile_it(kernel_folder, target)
    assert architecture(cubin) == target
    assert parameter_sizes(cubin) == {'scale': (8, 8, 4, 4), 'shuffle': (8, 4),
                                      'keep': (8, 4, 4)}
    resources = kernel_resources(cubin)
    print(target, resources)
    assert set(resources) == {'scale', 'shuffle', 'keep'}
    assert all(0 < kernel.registers <= 255 for kernel in resources.values())
    assert [resources[name].shared for name in ('scale', 'shuffle', 'keep')] == [0, 1024, 0]
    assert resources['keep'].local >= 1200
    assert resources['scale'].local == 0


@nvrtc_only
@pytest.mark.parametrize('target', TARGETS)
def test_resources_are_those_that_the_compiler_reports(kernel_folder, monkeypatch, target):
    """ptxas says them in its log; the cubin is read without it."""
    nvrtc, logs = compiler._find_nvrtc(), []
    options = [f'--gpu-architecture={target}', *compiler.OPTIONS, '--ptxas-options=-v',
               f'-I{kernel_folder}']
    source = (kernel_folder / 'kernels.cu').read_bytes()
    program = compiler._take(nvrtc.nvrtcCreateProgram(source, b'kernels.cu', 0, [], []))
    compiler._take(nvrtc.nvrtcCompileProgram(program, len(options),
                                             [option.encode() for option in options]))
    log = bytearray(compiler._take(nvrtc.nvrtcGetProgramLogSize(program)))
    compiler._take(nvrtc.nvrtcGetProgramLog(program, log))
    nvrtc.nvrtcDestroyProgram(program)
    for part in log.decode().split('Compiling entry function')[1:]:
        shared = re.search(r'(\d+) bytes smem', part)
        logs.append((re.search(r"'(\w+)'", part)[1], (
            int(re.search(r'Used (\d+) registers', part)[1]), int(shared[1]) if shared else 0,
            int(re.search(r'(\d+) bytes stack frame', part)[1]))))
    assert len(logs) == 3
    assert dict(logs) == kernel_resources(compile_kernels(kernel_folder, target))


@pytest.mark.parametrize('compile_it', COMPILERS)
def test_no_contraction(tmp_path, compile_it):
    """One instruction more than a fused multiply-add, in every place where there could be one."""
    (tmp_path / 'kernels.cu').write_text(
        'extern "C" __global__ void f(float* p) {\n'
        '#ifdef FUSED\n p[0] = fmaf(p[1], p[2], p[3]);\n'
        '#else\n p[0] = p[1] * p[2] + p[3];\n#endif\n}\n')
    fused = tmp_path / 'fused'
    fused.mkdir()
    (fused / 'kernels.cu').write_text('#define FUSED\n#include "../kernels.cu"\n')
    plain, one = (compile_it(folder, 'sm_89') for folder in (tmp_path, fused))
    assert instructions(plain) != instructions(one)


def instructions(cubin):
    from panoptic_ros.device.cubin import _sections
    return _sections(cubin)['.text.f'].data


@pytest.mark.parametrize('compile_it', COMPILERS)
def test_errors_end_with_the_compilers_words(tmp_path, compile_it):
    (tmp_path / 'kernels.cu').write_text('extern "C" __global__ void f() { nothing(); }\n')
    with pytest.raises(CompileError, match=r'(?s)kernels\.cu does not compile for sm_89 with .*'
                                           r'kernels\.cu\(1\): error: .*"nothing" is undefined'):
        compile_it(tmp_path, 'sm_89')


@pytest.mark.parametrize('compile_it', COMPILERS)
def test_unknown_target(kernel_folder, compile_it):
    with pytest.raises(CompileError, match=r'(?s)compile for sm_12 with .*gpu.architecture'):
        compile_it(kernel_folder, 'sm_12')


@pytest.mark.parametrize('compile_it', COMPILERS)
def test_working_directory_does_not_matter(kernel_folder, monkeypatch, tmp_path, compile_it):
    cubin = compile_it(kernel_folder, 'sm_89')
    (tmp_path / 'helper.cuh').write_text('#error the wrong one\n')
    monkeypatch.chdir(tmp_path)
    assert compile_it(kernel_folder, 'sm_89') == cubin
    assert str(kernel_folder).encode() not in cubin


def test_folder_without_kernels(tmp_path):
    with pytest.raises(FileNotFoundError, match=r'no .*kernels\.cu: reinstall'):
        compile_kernels(tmp_path, 'sm_89')


def test_nvcc_serves_where_nvrtc_is_missing(kernel_folder, monkeypatch, tmp_path):
    """The nvcc is one of ours: it records how it is called, and where it was found."""
    home = tmp_path / 'cuda'
    (home / 'bin').mkdir(parents=True)
    (home / 'bin/nvcc').write_text(
        '#!/bin/sh\nwhile [ "$1" != -o ]; do printf "%s\\n" "$1"; shift; done >"$2.options"\n'
        f'cp "$2.options" {tmp_path}/options; echo cubin >"$2"\n'.replace('$2.', f'{tmp_path}/x.'))
    (home / 'bin/nvcc').chmod(0o755)
    monkeypatch.setattr(compiler, '_find_nvrtc', lambda: None)
    monkeypatch.setattr(compiler.shutil, 'which', only_below(home))
    monkeypatch.setenv('CUDA_HOME', str(home))
    assert compile_kernels(kernel_folder, 'sm_87', (home,)) == b'cubin\n'
    options = (tmp_path / 'options').read_text().splitlines()
    assert options == ['--cubin', '--gpu-architecture=sm_87', '--std=c++17', '--fmad=false',
                       f'-I{kernel_folder}', f'-I{home}']


def only_below(home):
    """Return a ``shutil.which`` that finds nothing on PATH."""
    find = shutil.which
    return lambda name, path=None: find(name, path=path) if path == f'{home}/bin' else None


def test_no_compiler_at_all(kernel_folder, monkeypatch):
    monkeypatch.setattr(compiler, '_find_nvrtc', lambda: None)
    monkeypatch.setattr(compiler.shutil, 'which', lambda name, path=None: None)
    with pytest.raises(ImportError, match=(
            r'`pip install nvidia-cuda-nvrtc cuda-bindings`, or the CUDA toolkit')):
        compile_kernels(kernel_folder, 'sm_89')


def test_bindings_without_their_library(kernel_folder, monkeypatch):
    nvrtc = pytest.importorskip('cuda.bindings.nvrtc')

    def fail():
        raise RuntimeError('Failed to dlopen libnvrtc.so.13')
    monkeypatch.setattr(nvrtc, 'nvrtcVersion', fail)
    assert compiler._find_nvrtc() is None
    monkeypatch.setattr(compiler.shutil, 'which', lambda name, path=None: None)
    with pytest.raises(ImportError, match=r'needs NVRTC, whose bindings are installed and cannot '
                       r'be used \(Failed to dlopen libnvrtc\.so\.13\): `pip install'):
        compile_kernels(kernel_folder, 'sm_89')


@nvrtc_only
def test_nvrtc_that_fails_itself(kernel_folder, monkeypatch):
    nvrtc = compiler._find_nvrtc()
    monkeypatch.setattr(nvrtc, 'nvrtcGetCUBINSize', lambda program: (
        nvrtc.nvrtcResult.NVRTC_ERROR_OUT_OF_MEMORY, 0))
    with pytest.raises(CompileError, match='NVRTC_ERROR_OUT_OF_MEMORY: reinstall'):
        compile_kernels(kernel_folder, 'sm_89')


@pytest.mark.parametrize('read', [architecture, kernel_resources, parameter_sizes])
def test_what_is_no_cubin_is_refused(read, cubin):
    for wrong in (b'', b'PTX', b'\x7fELF', b'\0' * 100):
        with pytest.raises(ValueError, match=r'not a cubin'):
            read(wrong)
    if read is not architecture:
        for length in (100, len(cubin) // 2, len(cubin) - 1):
            with pytest.raises(ValueError, match='truncated cubin'):
                read(cubin[:length])


def test_older_format_keeps_the_architecture_elsewhere():
    """CUDA 12 writes version 7."""
    header = bytearray(64)
    header[:4], header[8], header[48:52] = b'\x7fELF', 7, (0x00560556).to_bytes(4, 'little')
    assert architecture(bytes(header)) == 'sm_86'
