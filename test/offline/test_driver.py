"""Jobs until each is done, failed or set aside: here, and in processes that are killed."""

import json
import os
import signal
import time
from collections import Counter
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from examples import examples
from hypothesis import given, settings
from hypothesis import strategies as st
from stub_jobs import Stub, job

from panoptic_ros.offline import driver, states
from panoptic_ros.offline.driver import DEATHS, ORPHANED, TRIES, UnableError
from panoptic_ros.offline.jobs import Job, Outcome, Settings
from panoptic_ros.offline.local import Here, Processes

Driver = partial(driver.Driver, pause=0.0)


def names(outcomes):
    return sorted((of.job if isinstance(of, Outcome) else of).output.rpartition('/')[2]
                  for of in outcomes)


def test_a_second_run_does_what_is_missing(tmp_path):
    jobs = [job(tmp_path, name) for name in ('a', 'b', 'bad', 'odd')]
    report = Driver(Here(Stub())).run(jobs)
    assert names(report.done) == ['a', 'b', 'odd']
    assert [(outcome.job, outcome.reason) for outcome in report.failed] == [
        (jobs[2], 'it is damaged')]
    state = json.loads((tmp_path / 'out' / 'bad.state.json').read_text())
    assert (state['state'], state['reason'], state['input']) == (
        'failed', 'it is damaged', jobs[2].input)
    again = Driver(Here(Stub()))
    assert names(again.run([*jobs, job(tmp_path, 'c')]).done) == ['c']
    assert (names(again.report.known), names(again.report.failed)) == (['a', 'b', 'odd'], ['bad'])
    assert again.progress.done == 4


def test_an_output_of_another_job_is_not_taken_for_this_one(tmp_path):
    first = job(tmp_path, 'a')
    Driver(Here(Stub())).run([first])
    other = Job(first.input, first.output, 'bag', 1, Settings('no model', with_overlay=True))
    assert not states.is_done(other, states.read(other))
    with pytest.raises(FileExistsError, match=r'out/a exists and was labelled from \S+in/a '
                                              'otherwise: write into another folder'):
        states.begin(other)
    (tmp_path / 'out' / 'foreign').touch()
    with pytest.raises(FileExistsError, match='exists and has no state beside it'):
        states.begin(job(tmp_path, 'foreign'))


def test_what_a_worker_wrote_just_before_it_ended_is_done(tmp_path):
    killed = job(tmp_path, 'a')
    states.begin(killed)
    Path(killed.output).touch()         # it was renamed, and the state was not written any more
    assert states.begin(killed).state == 'done'


def test_an_output_that_was_there_before_is_not_taken_for_the_new_one(tmp_path):
    first = job(tmp_path, 'a')
    Driver(Here(Stub())).run([first])
    over = replace(first, settings=Settings('no model', with_overlay=True, overwrite=True))
    for _ in range(3):
        assert states.begin(over).state == 'partial'
        states.note(Outcome(over, 'partial', 'it was stopped'))
    states.note(Outcome(over, 'lost'), deaths=1)
    assert (states.begin(over).state, states.begin(over).deaths) == ('partial', 1)


def test_pictures_and_uploads_appear_one_by_one(tmp_path):
    """A folder that is there is not whole for that."""
    pictures = replace(job(tmp_path, 'a'), kind='pictures')
    states.begin(pictures)
    labels = Path(pictures.output) / '0_panoptic.png'
    labels.parent.mkdir()
    labels.touch()
    assert states.begin(pictures).state == 'partial'
    assert not states.begin(pictures).replaces


def test_pictures_are_labelled_into_a_folder_in_which_other_outputs_lie(tmp_path):
    """As those of a recording beside them do; what lies there of pictures is not replaced."""
    states.begin(job(tmp_path, 'day/front'))
    pictures = replace(job(tmp_path, 'day'), kind='pictures')
    other = replace(pictures, input='other')
    assert not states.begin(pictures).replaces
    assert not states.is_done(pictures, replace(states.read(pictures), state='done'))
    (tmp_path / 'out' / 'day' / '0_overlay.jpg').touch()
    assert states.is_done(pictures, replace(states.read(pictures), state='done'))
    with pytest.raises(FileExistsError, match=r'out/day exists and was labelled from \S+in/day'):
        states.begin(other)
    Path(states.path_of(pictures)).unlink()
    with pytest.raises(FileExistsError, match='out/day exists and has no state beside it'):
        states.begin(pictures)


def test_workers_that_cannot_work_end_the_command(tmp_path):
    with pytest.raises(UnableError, match='no model'):
        Driver(Here(Stub())).run([job(tmp_path, f'unable{number}') for number in range(9)])


class Machines:
    """The machine 'lame' has no model and answers first; the others do nothing for long."""

    window, patience = 100, 3

    def __init__(self, names, first=0):
        self._names, self._able, self._jobs = names, first, []

    def submit(self, job, avoid):
        self._jobs.append(job)

    def finished(self, timeout):
        jobs, self._jobs = self._jobs, []
        able, self._able = self._able, 0
        done = [Outcome(job, 'done', node='sound') for job in jobs[:able]]
        return done + [Outcome(job, 'hindered', 'no model', node='lame', about_worker=True)
                       for job in jobs[able:]]

    def frames(self):
        return {}

    def machines(self):
        return set(self._names)

    def stop(self):
        pass


def test_one_machine_that_cannot_work_ends_no_command_and_all_of_them_do(tmp_path):
    jobs = [job(tmp_path, str(number)) for number in range(9)]
    report = Driver(Machines(['lame', 'busy'])).run(jobs)
    assert {outcome.reason for outcome in report.failed} == {f'no model (tried {TRIES} times)'}
    ended = Driver(Machines(['lame']))
    with pytest.raises(UnableError, match='no model'):
        ended.run(jobs)
    assert {job.output for job in ended.report.stopped} == {job.output for job in jobs}
    assert len(ended.report.stopped) == len(jobs)


def test_frames_of_a_job_at_work_show_that_workers_can_work(tmp_path):
    class Busy(Machines):
        def frames(self):
            return {'at work': 1}

    jobs = [job(tmp_path, str(number)) for number in range(9)]
    lame = Busy(['lame'])
    lame.patience = 10      # it answers nine times before it is known how far the job at work is
    assert len(Driver(lame).run(jobs).failed) == 9


def test_a_piece_that_is_done_shows_that_workers_can_work(tmp_path):
    bag = job(tmp_path, 'a')
    pieces = bag.cut([(number, number + 1) for number in range(9)])
    assert len(Driver(Machines(['lame'], first=1)).run(pieces).failed) == 8


def test_a_command_stops_while_it_reads_the_states(tmp_path, monkeypatch):
    jobs = [job(tmp_path, str(number)) for number in range(9)]
    read = []
    monkeypatch.setattr(states, 'read', read.append)
    report = Driver(Here(Stub()), stopped=lambda: len(read) >= 3).run(jobs)
    assert (len(read), names(report.stopped)) == (3, [*'012345678'])


def test_of_a_folder_of_pieces_only_those_of_the_bag_are_removed(tmp_path):
    bag = job(tmp_path, 'a')
    folder = Path(bag.pieces_folder)
    whole = replace(bag, settings=Settings('', piece=9))
    ours = [*bag.cut([(0, 1), (1, 2)]), *whole.cut([(0, 2)])]
    other = replace(bag, output=f'{folder}/9s-00007', input='of another')
    for piece in (*ours, replace(other, part=(0, 1))):
        states.begin(piece)
        Path(piece.output).mkdir()
    (folder / 'metadata.yaml').write_text('precious')
    states.remove_pieces(bag)
    assert sorted(path.name for path in folder.iterdir()) == [
        '9s-00007', '9s-00007.state.json', 'metadata.yaml']
    for path in (folder / 'metadata.yaml', Path(states.path_of(other))):
        path.unlink()
    (folder / '9s-00007').rmdir()
    states.begin(ours[0])
    states.remove_pieces(bag)
    assert not folder.exists()


@pytest.mark.slow
def test_a_process_that_is_killed_costs_its_own_recording_at_most(tmp_path):
    jobs = [job(tmp_path, name) for name in ('a', 'kill', 'b', 'once', 'full', 'c')]
    with Processes(2, Stub) as processes:
        report = Driver(processes).run(jobs)
        assert names(report.done) == ['a', 'b', 'c', 'once']
        assert names(report.aside) == ['kill']
        assert report.tries[jobs[1].output] == DEATHS
        (full,) = report.failed
        assert full.reason == f'the disk is full (tried {TRIES} times)'
        assert json.loads((tmp_path / 'out' / 'kill.state.json').read_text())['deaths'] == 2
        again = Driver(processes).run(jobs)
        assert (names(again.aside), again.tries[jobs[1].output]) == (['kill'], 0)
        third = Driver(processes, retry=True).run([jobs[1]])
        assert (names(third.aside), third.tries[jobs[1].output]) == (['kill'], DEATHS)


@pytest.mark.slow
def test_processes_stop_after_the_frame_at_which_they_are(tmp_path):
    jobs = [job(tmp_path, name) for name in ('slow', 'slow2', 'slow3')]
    with Processes(1, Stub) as processes:
        seen = Counter()
        stopping = Driver(processes, lambda progress: seen.update(progress.running),
                          lambda: bool(seen))
        assert names(stopping.run(jobs).stopped) == ['slow', 'slow2', 'slow3']
    assert states.read(jobs[0]).state == 'partial'


@pytest.mark.slow
def test_a_process_that_ends_between_two_jobs_costs_none(tmp_path):
    with Processes(1, Stub) as processes:
        (first,) = Driver(processes).run([job(tmp_path, 'a')]).done
        os.kill(int(first.worker), signal.SIGKILL)
        time.sleep(0.5)     # until the pool knows
        report = Driver(processes).run([job(tmp_path, 'b')])
        assert (names(report.done), report.tries.total()) == (['b'], 1)


def test_a_worker_that_ends_when_the_command_is_to_stop_is_not_held_against_its_job(tmp_path):
    """Such as by a signal to all processes, which this one knows as soon as the outcome."""
    stopped = []

    class Ended(Machines):
        def finished(self, timeout):
            jobs, self._jobs = self._jobs, []
            stopped.extend(jobs)
            return [Outcome(job, 'lost', 'its worker was ended') for job in jobs]

    jobs = [job(tmp_path, name) for name in 'ab']
    report = Driver(Ended(['n']), stopped=lambda: bool(stopped)).run(jobs)
    assert (names(report.stopped), report.failed, report.aside) == (['a', 'b'], [], [])
    assert states.read(jobs[0]) is None


class Scripted:
    """Workers that answer as a script says, in any order."""

    window = patience = 3

    def __init__(self, script, pick):
        self._script, self._pick = script, pick
        self._flying = []
        self.submitted = Counter()
        self.together = Counter()

    def submit(self, job, avoid):
        self._flying.append(job)
        self.submitted[job] += 1
        assert len(self._flying) <= self.window
        self.together.update(Counter(job.output for job in self._flying))
        assert len({job.output for job in self._flying}) == len(self._flying), 'at once, twice'

    def finished(self, timeout):
        if not self._flying:
            return []
        job = self._flying.pop(self._pick(len(self._flying)))
        if job.input.startswith('long') and job.part is None and not job.pieces:
            return [Outcome(job, 'cut', parts=((0, 1), (1, 2), (2, 3)))]
        answers = self._script.get(job.output, [])
        state = answers.pop(0) if answers else 'done'
        return [Outcome(job, state, 'as the script says', frames=1, node='n')]

    def frames(self):
        return {}

    def machines(self):
        return {'n'}

    def stop(self):
        pass


@settings(max_examples=examples(100))
@given(data=st.data())
def test_whatever_happens_every_job_ends_once(data, tmp_path_factory):
    """And within the bounds of its tries; pieces are joined when all are done, else never."""
    folder = str(tmp_path_factory.mktemp('out'))
    inputs = data.draw(st.lists(st.sampled_from(['a', 'b', 'c', 'long1', 'long2']),
                                unique=True))
    jobs = [Job(name, f'{folder}/{name}', 'bag', 1, Settings('')) for name in inputs]
    outputs = [job.output for job in jobs] + [
        piece.output for job in jobs for piece in job.cut([(0, 1)] * 3)]
    states_of = st.lists(st.sampled_from(['hindered', 'lost', 'orphaned', 'failed']), max_size=4)
    script = data.draw(st.fixed_dictionaries(dict.fromkeys(outputs, states_of)))
    workers = Scripted(script, lambda count: data.draw(st.integers(0, count - 1)))
    report = Driver(workers).run(jobs)
    ends = [outcome.job.input for outcome in (*report.done, *report.failed, *report.aside)]
    assert sorted(ends) == sorted(inputs)
    assert max(workers.submitted.values(), default=0) <= TRIES + DEATHS + ORPHANED
    joined = {job.input for job in workers.submitted if job.pieces}
    assert {outcome.job.input for outcome in report.done if 'long' in outcome.job.input} <= joined
    for outcome in (*report.failed, *report.aside):
        assert states.read(outcome.job).state in ('failed', 'aside')
