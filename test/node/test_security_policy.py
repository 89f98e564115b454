"""The SROS2 policy that is shipped, against what the running node does."""

import xml.etree.ElementTree as ElementTree
from fnmatch import fnmatchcase

import pytest

from panoptic_ros.resources import share_directory

FILE = share_directory() / 'config' / 'sros2' / 'panoptic.policy.xml'
QUALIFIERS = {'topics': {'publish', 'subscribe'}, 'services': {'reply'}}


def granted(kind, qualifier, node='panoptic_node'):
    """The patterns of a kind, as full names."""
    profile = ElementTree.parse(FILE).getroot().find('.//profile')
    names = [entry.text for group in profile.iter(kind) if group.get(qualifier) == 'ALLOW'
             for entry in group]
    return [name.replace('~', f'/{node}', 1) if name[0] in '/~' else f'/{name}' for name in names]


def expect_exactly(client, query, patterns):
    """Every pattern for one camera is needed, and every name of the node is granted."""
    def names():
        return {name for name, _ in getattr(client.node, query)('panoptic_node', '/')}

    needed = {pattern for pattern in patterns if '*' not in pattern}
    client.wait(lambda: needed <= names(), f'use of all that the policy grants: {needed}')
    assert {name for name in names() if not any(fnmatchcase(name, p) for p in patterns)} == set()


def test_the_policy_keeps_the_form_that_sros2_reads():
    policy = ElementTree.parse(FILE).getroot()
    assert (policy.tag, policy.attrib) == ('policy', {'version': '0.2.0'})
    enclave, = policy.find('enclaves')
    assert (enclave.tag, enclave.attrib) == ('enclave', {'path': '/panoptic_node'})
    profile, = enclave.find('profiles')
    assert (profile.tag, profile.attrib) == ('profile', {'ns': '/', 'node': 'panoptic_node'})
    for group in profile:
        assert set(group.attrib) <= QUALIFIERS[group.tag]
        assert set(group.attrib.values()) == {'ALLOW'}
        assert {entry.tag for entry in group} == {group.tag.removesuffix('s')}


def test_several_cameras_are_granted_what_one_is():
    for qualifier, start in (('publish', '/panoptic_node/'), ('subscribe', '/')):
        patterns = granted('topics', qualifier)
        several = {p.replace('*/', '', 1) for p in patterns if '*' in p}
        others = {'/clock', '/diagnostics', '/parameter_events', '/rosout',
                  '/panoptic_node/statistics', '/panoptic_node/transition_event'}
        assert several == {p for p in patterns if '*' not in p} - others
        assert all(p.startswith(f'{start}*/') for p in patterns if '*' in p)


@pytest.mark.ros
def test_the_policy_grants_what_the_node_does_and_no_more(client, node, camera):
    subscribed = [p.replace('/image', camera) if '*' not in p else p
                  for p in granted('topics', 'subscribe')]
    only_at_times = {f'{camera}/compressed', '/clock'}
    expect_exactly(client, 'get_subscriber_names_and_types_by_node',
                   [p for p in subscribed if p not in only_at_times])
    expect_exactly(client, 'get_publisher_names_and_types_by_node', granted('topics', 'publish'))
    expect_exactly(client, 'get_service_names_and_types_by_node', granted('services', 'reply'))
    assert client.node.get_client_names_and_types_by_node('panoptic_node', '/') == []
