"""Recordings in object stores: in memory, by URL, and on an S3 server of this machine."""

import os

import drives
import pytest

from panoptic_ros.cli import segment
from panoptic_ros.offline import storage
from panoptic_ros.offline.states import ENDING

pytestmark = pytest.mark.fleet
fsspec = pytest.importorskip('fsspec', reason='needs requirements/fleet.txt')


@pytest.fixture(scope='module')
def s3():
    """The URL of a bucket, on a server of this machine."""
    server_module = pytest.importorskip('moto.server', reason='needs requirements/fleet.txt')
    pytest.importorskip('s3fs', reason='needs requirements/fleet.txt')
    server = server_module.ThreadedMotoServer(ip_address='127.0.0.1', port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    with pytest.MonkeyPatch.context() as patch:
        for name, value in (('AWS_ENDPOINT_URL', f'http://{host}:{port}'),
                            ('AWS_ACCESS_KEY_ID', 'test'), ('AWS_SECRET_ACCESS_KEY', 'test'),
                            ('AWS_DEFAULT_REGION', 'us-east-1'), ('NO_PROXY', '*')):
            patch.setenv(name, value)
        fsspec.filesystem('s3').mkdir('drives')
        yield 's3://drives'
        fsspec.filesystem('s3').clear_instance_cache()
    server.stop()


@pytest.fixture
def store(request, tmp_path):
    """The URL of a store, by the name of its kind."""
    if request.param == 's3':
        return request.getfixturevalue('s3')
    if request.param == 'file':
        return f'file://{tmp_path}/store'
    fsspec.filesystem('memory').store.clear()
    fsspec.filesystem('memory').pseudo_dirs[:] = ['']
    return 'memory://store'


@pytest.fixture(scope='module')
def recorded(tmp_path_factory):
    return drives.write(tmp_path_factory.mktemp('recorded'))


def run(*words):
    try:
        segment.main([str(word) for word in words])
    except SystemExit as end:
        return end.code
    return 0


@pytest.mark.parametrize('store', ['memory', 'file', 's3'], indirect=True)
def test_recordings_of_a_store_are_labelled_into_it(store, recorded, tmp_path, tiny_onnx, capsys):
    files, inner = fsspec.core.url_to_fs(store)
    files.put(f'{recorded}/', f'{inner}/in/', recursive=True)
    words = (f'{store}/in', '-o', f'{store}/out', '--model', tiny_onnx, '--staging',
             tmp_path / 'staging')
    assert run(*words) == 0
    assert run(recorded, '-o', tmp_path / 'here', '--model', tiny_onnx) == 0
    if not storage.is_remote(store):
        assert drives.contents(storage.local(f'{store}/out')) == drives.contents(tmp_path / 'here')
        return
    found = {name: files.cat_file(f'{inner}/out/{name}') for name in storage.listing(
        f'{store}/out') if not name.endswith(ENDING)}
    assert found == drives.contents(tmp_path / 'here')
    assert os.listdir(tmp_path / 'staging') == []
    capsys.readouterr()
    assert run(f'{store}/in/*', '-o', f'{store}/out', '--model', tiny_onnx) == 0
    assert '5 of 5 recordings done (5 of them before): 0 frames' in capsys.readouterr().out


@pytest.mark.parametrize('store', ['memory'], indirect=True)
def test_room_for_copies_is_bounded(store, recorded, tiny_onnx, tmp_path, capsys):
    files, inner = fsspec.core.url_to_fs(store)
    files.put(f'{recorded}/a/', f'{inner}/in/a/', recursive=True)
    assert run(f'{store}/in/a', '-o', f'{store}/out', '--model', tiny_onnx, '--staging-size',
               '1e-6') == 1
    said = capsys.readouterr().err
    assert 'bytes of the disk with its output: expected at most 1073; let a worker have' in said


@pytest.mark.parametrize('store', ['memory'], indirect=True)
def test_an_upload_that_breaks_off_is_done_again(store, recorded, tiny_onnx, capsys, monkeypatch):
    """There is no state that says done until all files are there."""
    from panoptic_ros.offline import driver
    monkeypatch.setattr(driver.Driver.__init__, '__defaults__',
                        (*driver.Driver.__init__.__defaults__[:-1], 0.0))
    files, inner = fsspec.core.url_to_fs(store)
    files.put(f'{recorded}/a/', f'{inner}/in/a/', recursive=True)
    real, left = type(files).put_file, [3]

    def put_file(self, *words, **options):
        if left[0]:
            left[0] -= 1
            if left[0] != 1:        # the first try stops at its second file
                raise ConnectionError('the network is down')
        return real(self, *words, **options)

    monkeypatch.setattr(type(files), 'put_file', put_file)
    assert run(f'{store}/in/a', '-o', f'{store}/out', '--model', tiny_onnx) == 0
    assert left == [0]
    assert '"state": "done"' in storage.read(f'{store}/out/a{ENDING}')
    assert {'metadata.yaml', 'a.mcap'} == set(storage.listing(f'{store}/out/a'))


@pytest.mark.parametrize('store', ['memory'], indirect=True)
def test_what_is_no_output_is_not_written_over(store, recorded, tiny_onnx, capsys):
    files, inner = fsspec.core.url_to_fs(store)
    files.put(f'{recorded}/a/', f'{inner}/in/a/', recursive=True)
    files.pipe({f'{inner}/out/a/precious.txt': b'precious', f'{inner}/out/a/old.mcap': b'old'})
    words = (f'{store}/in/a', '-o', f'{store}/out', '--model', tiny_onnx, '--overwrite')
    assert run(*words) == 1
    assert 'exists and is no bag (it holds precious.txt)' in capsys.readouterr().err
    assert files.cat_file(f'{inner}/out/a/precious.txt') == b'precious'
    files.rm(f'{inner}/out/a/precious.txt')
    assert run(*words) == 0
    assert set(storage.listing(f'{store}/out/a')) == {'a.mcap', 'metadata.yaml'}


def test_a_scheme_without_its_package_is_told(recorded, tiny_onnx):
    assert 'expected a path, or a URL such as s3://BUCKET/NAME' in run(
        'nonsense://a/b', '-o', 'out', '--model', tiny_onnx)
    assert 'gs:// needs gcsfs, which is not installed: `pip install gcsfs`' in run(
        'gs://a/b', '-o', 'out', '--model', tiny_onnx)
