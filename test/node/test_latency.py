import pytest

from panoptic_ros.node.latency import STAGES, LatencyWindow


def test_percentiles_are_values_that_were_measured():
    window = LatencyWindow()
    for milliseconds in range(1, 101):
        window.record({'network': milliseconds / 1000, 'total': 1.0})
    network = window.summary()['network']
    assert (network.p50, network.p99, network.max) == (0.05, 0.099, 0.1)


def test_a_window_forgets():
    window = LatencyWindow(frames=3)
    for seconds in (9.0, 1.0, 2.0, 3.0):
        window.record({'total': seconds})
    assert len(window) == 3
    assert window.summary()['total'].max == 3


def test_stages_that_were_not_measured_are_absent_and_others_in_order():
    window = LatencyWindow()
    assert window.summary() == {}
    window.record({'total': 2.0, 'wait': 1.0})
    window.record({'total': 2.0, 'unknown': 1.0})
    assert list(window.summary()) == ['wait', 'total']
    assert window.summary()['wait'].max == pytest.approx(1)
    assert {'wait', 'total'} < set(STAGES)
