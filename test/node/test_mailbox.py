from threading import Event, Thread

from panoptic_ros.node.mailbox import Mailbox


def test_the_newest_item_wins():
    mailbox = Mailbox()
    assert [mailbox.put(item) for item in range(3)] == [False, True, True]
    assert mailbox.take() == 2
    assert not mailbox.put(3)


def test_the_taker_waits_and_leaves_when_it_is_closed():
    mailbox, taken, came = Mailbox(), [], Event()

    def take():
        while (item := mailbox.take()) is not None:
            taken.append(item)
            came.set()

    thread = Thread(target=take)
    thread.start()
    mailbox.put('frame')
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
    mailbox.put(1)
    working.wait(10)
    mailbox.put(2)
    assert mailbox.drain(0) == (True, False)
    free.set()
    assert mailbox.drain(10) == (False, True)
    mailbox.close()
    thread.join(10)


def test_a_closed_mailbox_keeps_nothing():
    mailbox = Mailbox()
    mailbox.put(1)
    mailbox.close()
    assert mailbox.take() is None
