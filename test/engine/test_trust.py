"""Files of others, of the wrong size or with links to elsewhere are not taken."""

import grp
import os
import pwd
from types import SimpleNamespace

import engines
import numpy as np
import onnx
import pytest
import tiny_model

from panoptic_ros.engine import onnx_file, plan
from panoptic_ros.engine.build import BuildOptions, build_engine
from panoptic_ros.engine.metadata import ModelError
from panoptic_ros.engine.plan import PlanError, cubin_path, read_cubin, read_plan, sidecar_path
from panoptic_ros.engine.plan_info import PlanInfo
from panoptic_ros.engine.timing_cache import load_timings, save_timings
from panoptic_ros.trust import UntrustedError, open_lock, write_private

SOMEBODY = 12345


@pytest.fixture
def path(tmp_path):
    folder = tmp_path / 'plans'
    path = folder / 'model.plan'
    previous = os.umask(0)      # the least careful there is
    try:
        plan.write_plan(path, b'plan', PlanInfo(
            '0' * 64, 'TensorRT 10.13.3.9', 'NVIDIA L4', 'sm_89', 'fp16', (1, 1, 1), '0' * 64, {}),
            b'cubin')
    finally:
        os.umask(previous)
    return path


def read(path):
    return read_plan(path)[0], read_cubin(path)


def give_away(file, monkeypatch):
    """Let a file belong to somebody else, also where the tests run as root."""
    if os.geteuid() == 0:
        os.chown(file, SOMEBODY, -1)
    else:
        monkeypatch.setattr(os, 'geteuid', lambda: SOMEBODY)


def test_what_was_written_under_any_umask_is_read(path):
    assert read(path) == (b'plan', b'cubin')
    assert {file.stat().st_mode & 0o777 for file in path.parent.iterdir()} == {0o644}


@pytest.mark.parametrize('which', [lambda p: p, sidecar_path, cubin_path, lambda p: p.parent])
@pytest.mark.parametrize('mode', [0o664, 0o646])
def test_what_others_may_write_is_refused(path, which, mode, monkeypatch):
    members(monkeypatch, 'robots', ['somebody'])
    place = which(path)
    place.chmod(mode | (0o111 if place.is_dir() else 0))
    with pytest.raises(PlanError, match=rf'{place.name} may be written by others \(mode .*, and '
                       rf'plans are executed; if you trust it, `chmod go-w {place}`'):
        read(path)
    place.chmod(0o755)
    assert read(path) == (b'plan', b'cubin')


@pytest.mark.parametrize('which', [lambda p: p, sidecar_path, cubin_path, lambda p: p.parent])
def test_what_belongs_to_somebody_else_is_refused(path, which, monkeypatch):
    give_away(which(path), monkeypatch)
    with pytest.raises(PlanError, match=r'belongs to user \d+, this is \d+, .*`sudo chown'):
        read(path)


def members(monkeypatch, name, members):
    group = grp.struct_group((name, 'x', os.getegid(), members))
    monkeypatch.setattr(grp, 'getgrgid', lambda number: group)


def test_a_group_of_this_user_alone_may_write(path, monkeypatch):
    """As everything is by default where each user has a group, and the umask is 002."""
    user = pwd.getpwuid(os.geteuid()).pw_name
    path.parent.chmod(0o775)
    path.chmod(0o664)
    members(monkeypatch, user, [])
    assert read(path) == (b'plan', b'cubin')
    members(monkeypatch, user, [user, 'somebody'])
    with pytest.raises(PlanError, match='may be written by others'):
        read(path)


def test_a_folder_in_which_only_owners_replace_files_will_do(path):
    path.parent.chmod(0o1777)       # like /tmp
    assert read(path) == (b'plan', b'cubin')


def test_a_link_is_judged_by_where_it_leads(path, tmp_path):
    link = tmp_path / 'link.plan'
    for place in (lambda p: p, sidecar_path, cubin_path):
        place(link).symlink_to(place(path))
    assert read(link) == (b'plan', b'cubin')
    path.parent.chmod(0o777)
    with pytest.raises(PlanError, match='plans may be written by others'):
        read(link)


def test_a_sidecar_of_any_size_is_not_read(path):
    with sidecar_path(path).open('r+b') as file:
        file.truncate(1 << 40)      # sparse: it takes no space
    with pytest.raises(PlanError, match=r'has 1099511627776 bytes: expected 4194304 at most'):
        read(path)


def test_an_onnx_file_of_any_size_is_not_read(tmp_path):
    file = tmp_path / 'large.onnx'
    with file.open('wb') as stream:
        stream.truncate(1 << 40)
    with pytest.raises(ModelError, match=rf'bytes: an ONNX file has {onnx_file.LARGEST} at most'):
        engines.read(file)


def outside(tiny_onnx, folder, where):
    """A model one of whose tensors is in a file beside the model's folder."""
    model = onnx.load(tiny_onnx)
    tensor = onnx.TensorProto(name='secret', data_type=1, dims=[1], data_location=1)
    for key, value in (('location', '../secret.bin'), ('offset', '0'), ('length', '4')):
        tensor.external_data.add(key=key, value=value)
    constant = onnx.helper.make_node('Constant', [], ['secret'], value=tensor)
    output = onnx.helper.make_tensor_value_info('secret', 1, [1])
    if where == 'weight':
        model.graph.initializer.append(tensor)
    elif where == 'constant':
        model.graph.node.insert(0, constant)
    elif where == 'function':
        model.functions.append(onnx.helper.make_function(
            'local', 'Read', [], ['secret'], [constant], model.opset_import))
        model.opset_import.append(onnx.helper.make_opsetid('local', 1))
        model.graph.node.insert(0, onnx.helper.make_node('Read', [], ['secret'], domain='local'))
    else:
        branch = onnx.helper.make_graph([constant], 'branch', [], [output])
        truth = onnx.helper.make_node('Constant', [], ['truth'], value=onnx.helper.make_tensor(
            'truth', onnx.TensorProto.BOOL, [], [True]))
        model.graph.node.insert(0, truth)
        model.graph.node.insert(1, onnx.helper.make_node(
            'If', ['truth'], ['leak'], then_branch=branch, else_branch=branch))
    if where != 'branch':
        model.graph.node.append(onnx.helper.make_node('Identity', ['secret'], ['leak']))
    model.graph.output.append(onnx.helper.make_tensor_value_info('leak', 1, [1]))
    (folder / 'secret.bin').write_bytes(bytes(4))
    path = folder / 'models' / 'model.onnx'
    path.parent.mkdir()
    path.write_bytes(model.SerializeToString())
    return path


@pytest.mark.parametrize('where', ['weight', 'constant', 'branch', 'function'])
def test_a_model_that_reads_other_files_is_refused(tiny_onnx, tmp_path, where):
    path = outside(tiny_onnx, tmp_path, where)
    with pytest.raises(ModelError, match='keeps its weights in another file: expected one file'):
        engines.read(path)
    with pytest.raises(ModelError, match='not a model that ONNX Runtime can load: it keeps a '
                       r"tensor in '\.\./secret\.bin', which is outside its folder"):
        engines.load(path)


def test_a_folder_that_will_not_do_is_told_before_the_build(rtx, tiny_onnx, tmp_path):
    folder = tmp_path / 'shared'
    folder.mkdir()
    folder.chmod(0o777)
    with pytest.raises(PlanError, match=f'shared may be written .* `chmod go-w {folder}`'):
        build_engine(engines.read(tiny_onnx), folder / 'tiny.plan', BuildOptions('fp16', 'sm_89'),
                     kernels=tmp_path, compile=lambda *_: pytest.fail('it builds'))


def test_what_is_written_never_follows_a_link(tmp_path):
    precious = tmp_path / 'precious'
    precious.write_text('as it was')
    link = tmp_path / 'link.partial'
    link.symlink_to(precious)
    with pytest.raises(OSError, match='symbolic link'):
        write_private(link, b'a plan')
    assert precious.read_text() == 'as it was'


@pytest.mark.parametrize('wait', ['link', 'writable', 'foreign', 'folder'])
def test_a_lock_that_somebody_else_laid_out_is_refused(tmp_path, monkeypatch, wait):
    """Its owner could hold it for good; what a link leads to would be made or opened."""
    lock, elsewhere = tmp_path / 'model.lock', tmp_path / 'elsewhere'
    if wait == 'link':
        lock.symlink_to(elsewhere)
    elif wait == 'folder':
        lock.mkdir()
    else:
        lock.touch(0o600)
    if wait == 'writable':
        lock.chmod(0o666)
    if wait == 'foreign':
        give_away(lock, monkeypatch)
    with pytest.raises((UntrustedError, OSError), match=r'model\.lock'):
        open_lock(lock, 'plans are executed')
    assert not elsewhere.exists()


def test_a_lock_of_ours_is_opened_again(tmp_path):
    for _ in range(2):
        os.close(open_lock(tmp_path / 'model.lock', 'plans are executed'))


class Config:
    """What a build is configured with, as far as timings go."""

    def create_timing_cache(self, content):
        self.content = content
        return self

    def set_timing_cache(self, cache, ignore_mismatch):
        assert cache is self


@pytest.mark.parametrize('place', ['file', 'folder'])
def test_timings_of_somebody_else_are_measured_anew(tmp_path, caplog, monkeypatch, place):
    folder = tmp_path / 'plans'
    folder.mkdir()
    file, config = folder / 'L4.timings', Config()
    write_private(file, b'measured')
    load_timings(config, file)
    assert config.content == b'measured'
    assert not caplog.messages
    give_away(file if place == 'file' else folder, monkeypatch)
    load_timings(config, file)
    assert config.content == b''
    line, = caplog.messages
    assert line.startswith('TensorRT measures anew: ')
    assert 'belongs to user' in line


def test_a_pipe_in_the_place_of_a_file_does_not_block(path):
    sidecar_path(path).unlink()
    os.mkfifo(sidecar_path(path))
    with pytest.raises(PlanError, match='is no regular file'):
        read(path)


@pytest.mark.parametrize('link', [False, True])
def test_what_is_in_the_models_folder_is_read_and_no_link_out_of_it(tiny_onnx, tmp_path, link):
    model = onnx.load(tiny_onnx)
    scene = tiny_model.scene()
    expected = engines.heads(engines.load(tiny_onnx), scene[np.newaxis])[0]
    folder = tmp_path / 'models'
    folder.mkdir()
    onnx.save(model, folder / 'model.onnx', save_as_external_data=True, location='weights',
              size_threshold=64)
    if link:
        (folder / 'weights').rename(tmp_path / 'weights')
        (folder / 'weights').symlink_to('../weights')
        with pytest.raises(ModelError, match="keeps a tensor in 'weights', which is outside"):
            engines.load(folder / 'model.onnx')
    else:
        heads = engines.heads(engines.load(folder / 'model.onnx'), scene[np.newaxis])[0]
        assert np.array_equal(heads.semantic, expected.semantic)


def test_timings_that_cannot_be_kept_cost_no_build(tmp_path, caplog):
    (tmp_path / 'plans').write_text('a file')
    kept = SimpleNamespace(get_timing_cache=lambda: SimpleNamespace(serialize=lambda: b'measured'))
    save_timings(kept, tmp_path / 'plans' / 'L4.timings')
    line, = caplog.messages
    assert line.startswith("TensorRT's measurements are not kept in ")
