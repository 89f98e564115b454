"""The ROS domain of a demo, and how its processes talk there."""

import os
import tempfile
from unittest import mock

import pytest

from panoptic_ros.demo.domain import DOMAINS, private_domain
from panoptic_ros.demo.stages import set_up_dds
from panoptic_ros.memory import PROFILE_VARIABLES, TRANSPORT_VARIABLES


@pytest.fixture(autouse=True)
def locks(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, 'tempdir', str(tmp_path))
    return tmp_path


def test_two_demos_have_two_domains():
    with private_domain() as one, private_domain() as two:
        assert (one, two) == (DOMAINS[-1], DOMAINS[-2])
    with private_domain() as again:
        assert again == one


def test_a_lock_that_cannot_be_opened_costs_its_domain_only(locks):
    (locks / f'panoptic_ros_domain_{DOMAINS[-1]}.lock').mkdir()     # as another user's would be
    with private_domain() as domain:
        assert domain == DOMAINS[-2]


def test_without_a_free_domain_the_locks_are_named(locks):
    for domain in DOMAINS:
        (locks / f'panoptic_ros_domain_{domain}.lock').mkdir()
    with pytest.raises(OSError, match=r'all in use: .* remove .*/panoptic_ros_domain_\*\.lock'), \
            private_domain():
        pass


@pytest.mark.parametrize('chosen', [None, 'FASTDDS_BUILTIN_TRANSPORTS'])
def test_a_transport_that_the_user_chose_is_kept(chosen):
    with mock.patch.dict(os.environ):
        for name in TRANSPORT_VARIABLES:
            os.environ.pop(name, None)
        if chosen is not None:
            os.environ[chosen] = 'UDPv4'
        set_up_dds(77, is_private=True)
        assert os.environ['ROS_DOMAIN_ID'] == '77'
        assert os.environ['ROS_AUTOMATIC_DISCOVERY_RANGE'] == 'LOCALHOST'
        assert [name in os.environ for name in PROFILE_VARIABLES] == [chosen is None] * 2
