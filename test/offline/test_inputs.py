"""What words name, and what the outputs are called."""

import os

import pytest

from panoptic_ros.offline import storage
from panoptic_ros.offline.inputs import find_jobs, is_bag
from panoptic_ros.offline.jobs import Job, Settings

FILES = ('a.mcap', 'b.db3', 'clip.mov', 'notes.txt', '.hidden.mcap', 'day/c_0.mcap',
         'day/c_1.mcap', 'day/metadata.yaml', 'week/d.mcap', 'week/e.mcap', 'street/0.png',
         'street/deep/1.jpg', 'out/a/a.mcap', 'out/a/metadata.yaml')


@pytest.fixture
def drives(tmp_path, monkeypatch):
    for name in FILES:
        file = tmp_path / 'drives' / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b'12345')
    monkeypatch.chdir(tmp_path)
    return tmp_path


def found(words, output='out'):
    here = f'{os.getcwd()}/'
    return {job.output.removeprefix(here): (job.kind, job.input.removeprefix(here), job.size)
            for job in find_jobs(words, output, Settings(''))}


def test_a_folder_stands_for_the_recordings_in_it(drives):
    assert found(['drives'], 'drives/out') == {
        'drives/out/a': ('bag', 'drives/a.mcap', 5), 'drives/out/b': ('bag', 'drives/b.db3', 5),
        'drives/out/clip.mp4': ('video', 'drives/clip.mov', 5),
        'drives/out/day': ('bag', 'drives/day', 15),        # one bag of two files
        'drives/out/week/d': ('bag', 'drives/week/d.mcap', 5),      # two bags
        'drives/out/week/e': ('bag', 'drives/week/e.mcap', 5),
        'drives/out/street': ('pictures', 'drives/street', 5),
        'drives/out/street/deep': ('pictures', 'drives/street/deep', 5)}


def test_a_pattern_names_outputs_by_what_stands_after_its_fixed_part(drives):
    assert set(found(['drives/*/*.mcap'])) == {'out/day/c_0', 'out/day/c_1', 'out/week/d',
                                               'out/week/e'}
    assert set(found(['drives/*.mcap', 'drives/day', f'file://{drives}/drives/clip.mov'])) == {
        'out/a', 'out/day', 'out/clip.mp4'}
    assert set(found(['drives/we*'])) == {'out/week/d', 'out/week/e'}


def test_a_recording_that_is_named_twice_is_one_job(drives):
    assert set(found(['drives/a.mcap', 'drives/*.mcap'])) == {'out/a'}


@pytest.mark.parametrize(('words', 'reason'), [
    (['nowhere'], 'there is no nowhere: expected a bag'),
    (['drives/*.bag'], r'nothing matches drives/\*\.bag'),
    (['drives/notes.txt'], 'notes.txt is no bag and no video: expected one'),
    (['drives/a.mcap', 'copy/a.mcap'],
     r'2 inputs have the output \S+out/a: \S+drives/a.mcap and \S+copy/a.mcap; rename one'),
])
def test_what_cannot_be_named_is_told(drives, words, reason):
    (drives / 'copy').mkdir()
    (drives / 'copy' / 'a.mcap').touch()
    with pytest.raises(ValueError, match=reason):
        find_jobs(words, 'out', Settings(''))


@pytest.mark.parametrize('name', ['a.pieces', 'a.partial', 'a.pieces/1s-00000', 'a.state.json'])
def test_what_lies_beside_an_output_is_no_output_of_another_input(drives, name):
    (drives / 'drives' / name).mkdir(parents=True)
    (drives / 'drives' / name / 'metadata.yaml').touch()
    with pytest.raises(ValueError, match=(
            rf'out/{name} of \S+drives/{name} is in the way of \S+drives/a.mcap, whose work takes '
            r'\S+out/a\.\S+: rename')):
        find_jobs(['drives'], 'out', Settings(''))
    assert f'out/{name}' in found([f'drives/{name}', 'drives/day']) or '/' in name


def test_what_lies_beside_a_video_is_no_output_of_another_input(drives):
    (drives / 'drives' / 'clip.partial.mov').touch()
    with pytest.raises(ValueError, match=(
            r'clip.partial.mp4 of \S+ is in the way of \S+clip.mov, whose work takes')):
        find_jobs(['drives'], 'out', Settings(''))


def test_no_output_lies_in_a_bag(drives):
    (drives / 'drives' / 'week.mcap').touch()
    with pytest.raises(ValueError, match=(
            r'out/week/d of \S+week/d.mcap is in the way of \S+week.mcap, whose work takes '
            r'\S+out/week: rename')):
        find_jobs(['drives'], 'out', Settings(''))


def test_what_lies_in_the_folder_of_outputs_is_said_to_be_left_out(drives):
    with pytest.raises(ValueError, match=(
            r'all recordings of drives \(\d+\) lie in \S+, the folder of -o, where nothing is '
            'read: expected an -o beside them')):
        find_jobs(['drives'], '.', Settings(''))


def test_a_listing_is_gone_through_a_few_times_for_any_number_of_recordings(monkeypatch):
    class Listing(dict):
        passes = 0

        def __iter__(self):
            self.passes += 1
            return super().__iter__()

    files = Listing({f'{number}.mcap': 1 for number in range(100)})
    monkeypatch.setattr(storage, 'listing', lambda path: files)
    assert len(find_jobs(['drives'], 'out', Settings(''))) == 100
    assert files.passes < 10


def test_metadata_beside_pictures_make_no_bag(tmp_path):
    (tmp_path / 'metadata.yaml').touch()
    assert is_bag(tmp_path)
    (tmp_path / 'a.png').touch()
    assert not is_bag(tmp_path)
    (tmp_path / 'a_0.db3.zstd').touch()
    assert is_bag(tmp_path)


def test_the_key_of_a_job_tells_results_apart_and_not_ways():
    def key(**changes):
        settings = {'model': 'm', 'model_hash': '1', **changes}
        return Job('a', 'b', 'bag', 1, Settings(**settings)).key

    assert key() == key(model='n', threads=3, device='cpu', piece=10, overwrite=True)
    assert len({key(), key(model_hash='2'), key(with_overlay=True), key(topic='/a'),
                key(options=(('deeplab.top_k', 3),)), key(with_tracking=False)}) == 6
