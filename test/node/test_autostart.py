"""When the node drives itself, with a node of no substance and timers that are set off by hand."""

import pytest
from rclpy.lifecycle import TransitionCallbackReturn

from panoptic_ros.node import autostart
from panoptic_ros.node.autostart import Autostart

SUCCESS, FAILURE = TransitionCallbackReturn.SUCCESS, TransitionCallbackReturn.FAILURE


class Node:
    """Lets transitions fail as it is told, and tells ``Autostart`` of each as the node does."""

    def __init__(self):
        self.state, self.works, self.activates, self.tries = 'unconfigured', True, True, 0
        self.timers = []
        self.autostart = Autostart(self, lambda: self.state, None)

    def create_timer(self, delay, callback, clock):
        self.timers.append((delay, callback))
        return self.timers[-1]

    def destroy_timer(self, timer):
        self.timers.remove(timer)

    def trigger_configure(self):
        self.tries += 1
        self.autostart.give_way()
        if self.works:
            self.state = 'inactive'
        return SUCCESS if self.works else FAILURE

    def trigger_activate(self):
        self.autostart.give_way()
        if self.activates:
            self.state = 'active'
        return SUCCESS if self.activates else FAILURE

    def lose(self):
        self.state = 'unconfigured'
        self.autostart.recover()

    def fire(self):
        (delay, callback), = self.timers
        callback()
        return delay


@pytest.fixture
def node():
    return Node()


def test_a_start(node):
    node.autostart.start()
    assert node.fire() == 0
    assert node.state == 'active'
    assert not node.timers


def test_a_first_start_that_fails_is_not_repeated(node):
    node.works = False
    node.autostart.start()
    node.fire()
    assert node.state == 'unconfigured'
    assert not node.timers
    assert node.autostart.outlook('configure again') == 'configure again'


def test_a_start_gives_way_to_who_was_earlier(node):
    node.autostart.start()
    node.trigger_configure()
    assert not node.timers


def test_a_loss_is_recovered_from_at_growing_intervals(node):
    node.works = False
    node.lose()
    assert node.autostart.outlook('') == 'next try in 2 s'
    assert [node.fire() for _ in range(8)] == [1, 2, 4, 8, 16, 32, 60, 60]
    node.works = True
    node.fire()
    assert node.state == 'active'
    assert not node.timers


def test_a_try_that_raises_is_one_that_failed(node, monkeypatch):
    def raise_error():
        raise RuntimeError('no transition is possible')

    monkeypatch.setattr(node, 'trigger_configure', raise_error)
    node.lose()
    with pytest.raises(RuntimeError):       # for the executor, which tells it
        node.fire()
    monkeypatch.undo()
    assert node.fire() == 2
    assert node.state == 'active'


def test_what_is_configured_is_only_activated_again(node):
    node.activates = False
    node.lose()
    node.fire()
    assert node.state == 'inactive'
    node.activates = True
    assert node.fire() == 2
    assert (node.state, node.tries) == ('active', 1)


@pytest.mark.parametrize(('segmented', 'seconds', 'delay'), [
    (0, 1.0, 2.0), (1, 1.0, 1.0), (0, 61.0, 1.0)])
def test_delays_are_short_again_after_a_recovery_that_lasts(node, monkeypatch, segmented, seconds,
                                                            delay):
    now = [100.0]
    monkeypatch.setattr(autostart.time, 'monotonic', lambda: now[0])
    node.lose()
    node.fire()
    now[0] += seconds
    node.autostart.trust(segmented)
    node.lose()
    assert node.fire() == delay


def test_somebody_who_drives_ends_it(node):
    node.works = False
    node.lose()
    node.fire()
    node.trigger_configure()
    assert not node.timers
    assert node.autostart.outlook('configure again') == 'configure again'
    node.lose()
    assert node.fire() == 1, 'and it begins anew'
