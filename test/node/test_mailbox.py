from itertools import pairwise
from threading import Event, Thread

from panoptic_ros.node.mailbox import Mailbox


def test_the_newest_item_wins():
    mailbox = Mailbox()
    assert [mailbox.put('front', item) for item in range(3)] == [False, True, True]
    assert mailbox.take() == [2]
    assert not mailbox.put('front', 3)


def test_each_sender_has_a_slot_of_its_own():
    mailbox = Mailbox()
    assert not mailbox.put('front', 1)
    assert not mailbox.put('rear', 2)
    assert mailbox.put('front', 3)
    assert sorted(mailbox.take(5)) == [2, 3]


def test_no_sender_starves():
    """However often one sends, the others have their turns: those served longest ago first."""
    mailbox, taken = Mailbox(), []
    for number in range(12):
        for sender in 'abcde':
            mailbox.put(sender, (sender, number))
        taken += [sender for sender, _ in mailbox.take(2)]
    turns = {sender: [turn for turn, s in enumerate(taken) if s == sender] for sender in 'abcde'}
    assert all(len(places) in (4, 5) for places in turns.values()), turns
    assert all(b - a == 5 for places in turns.values() for a, b in pairwise(places)), turns


def test_one_that_was_silent_goes_first():
    mailbox = Mailbox()
    for _ in range(3):
        mailbox.put('busy', 'busy')
        mailbox.take()
    mailbox.put('busy', 'busy')
    mailbox.put('quiet', 'quiet')
    assert mailbox.take() == ['quiet']
    assert mailbox.take() == ['busy']


def test_the_taker_waits_and_leaves_when_it_is_closed():
    mailbox, taken, came = Mailbox(), [], Event()

    def take():
        while (items := mailbox.take()) is not None:
            taken.extend(items)
            came.set()

    thread = Thread(target=take)
    thread.start()
    mailbox.put('front', 'frame')
    assert came.wait(10)
    mailbox.close()
    thread.join(10)
    assert not thread.is_alive()
    assert taken == ['frame']


def test_drain_throws_away_and_waits_for_the_taker():
    mailbox, working, free = Mailbox(), Event(), Event()

    def take():
        while mailbox.take() is not None:
            working.set()
            free.wait(10)

    thread = Thread(target=take)
    thread.start()
    mailbox.put('front', 1)
    working.wait(10)
    mailbox.put('front', 2)
    assert mailbox.drain(0) == (['front'], False)
    free.set()
    assert mailbox.drain(10) == ([], True)
    mailbox.close()
    thread.join(10)


def test_a_closed_mailbox_keeps_nothing():
    mailbox = Mailbox()
    mailbox.put('front', 1)
    mailbox.close()
    assert mailbox.take() is None


def test_a_sender_whose_item_is_away_waits_for_it():
    mailbox = Mailbox()
    mailbox.put('slow', 1)
    mailbox.put('quick', 1)
    assert mailbox.take() == [1]
    assert mailbox.send_away('slow')
    assert not mailbox.put('slow', 2)
    assert mailbox.put('slow', 3), 'only its newest waits meanwhile'
    mailbox.put('quick', 2)
    assert mailbox.take(5) == [2]
    mailbox.put('quick', 3)
    mailbox.bring_back('slow', 'first')
    assert mailbox.take(5) == ['first', 3], 'its turn was before'
    assert mailbox.take(5) == [3], 'then its newest'


def test_what_is_away_is_thrown_away_as_well():
    mailbox = Mailbox()
    mailbox.put('slow', 1)
    mailbox.take()
    mailbox.send_away('slow')
    mailbox.put('slow', 2)
    assert mailbox.drain(0) == (['slow', 'slow'], False), 'the taker is still busy'
    assert mailbox.drain(0) == ([], False), 'each counts once'
    mailbox.put('slow', 3)
    mailbox.bring_back('slow', 1)
    assert mailbox.take() == [3], 'nobody wants the one that was away'


def test_what_is_back_is_thrown_away_as_well():
    mailbox = Mailbox()
    mailbox.put('slow', 1)
    mailbox.take()
    mailbox.send_away('slow')
    mailbox.bring_back('slow', 1)
    mailbox.put('slow', 2)
    assert mailbox.drain(0)[0] == ['slow', 'slow']
    mailbox.put('slow', 3)
    assert mailbox.take(2) == [3]


def test_nothing_goes_away_while_all_is_thrown_away():
    mailbox = Mailbox()
    mailbox.put('slow', 1)
    mailbox.take()
    mailbox.drain(0)
    assert not mailbox.send_away('slow')
    mailbox.put('slow', 2)
    assert mailbox.take() == [2]
    assert mailbox.send_away('slow')
