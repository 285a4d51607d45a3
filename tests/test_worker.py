"""Facts about mailboxes and workers."""

import threading

import pytest

from streamseg.worker import Mailbox, Worker

WAIT_S = 10  # far longer than anything here takes


def test_items_come_out_in_order_through_a_small_mailbox():
    """Ten thousand items through a capacity of three: none lost, none twice."""
    mailbox, seen = Mailbox(3), []
    worker = Worker("w", mailbox, seen.extend, lambda: None)
    worker.start()
    for item in range(10_000):
        assert mailbox.put(item)
    worker.stop(WAIT_S)
    assert seen == list(range(10_000))
    assert mailbox.dropped == 0


def test_a_full_mailbox_holds_the_sender_back():
    """Without a rule for dropping, put waits until there is room."""
    mailbox = Mailbox(1)
    mailbox.put("first")
    sender = threading.Thread(target=mailbox.put, args=("second",), daemon=True)
    sender.start()
    sender.join(0.05)
    assert sender.is_alive()
    assert mailbox.take_all() == ["first"]
    sender.join(WAIT_S)
    assert not sender.is_alive()


def test_the_oldest_item_that_may_go_makes_room_and_is_counted():
    """What must not be dropped stays, in its place."""
    mailbox = Mailbox(3, may_displace=lambda new, old: isinstance(old, int))
    for item in ("keep", 1, 2, 3, 4):
        mailbox.put(item)
    assert mailbox.take_all() == ["keep", 3, 4]
    assert mailbox.dropped == 2


def test_closing_lets_both_sides_go():
    """Nobody waits for a closed mailbox, and what is inside can still be taken."""
    mailbox = Mailbox(1)
    mailbox.put("left")
    mailbox.close()
    assert not mailbox.put("too late")
    assert mailbox.take_all() == ["left"]
    assert mailbox.take_all() == []


def test_an_error_ends_the_worker_and_frees_its_senders():
    """The error is kept, on_error is called, and put says that nobody reads any more."""
    called = threading.Event()

    def fail(items):
        raise OSError("broken")

    mailbox = Mailbox(1)
    worker = Worker("w", mailbox, fail, called.set)
    worker.start()
    mailbox.put("poison")
    assert called.wait(WAIT_S)
    assert not mailbox.put("nobody reads")
    worker.stop(WAIT_S)
    assert isinstance(worker.error, OSError)


def test_a_mailbox_of_no_room_is_refused():
    """The error says what was expected."""
    with pytest.raises(ValueError, match="at least 1, got 0"):
        Mailbox(0)


def test_a_mailbox_says_how_much_is_waiting():
    """What was taken or dropped does not wait any more."""
    mailbox = Mailbox(2, may_displace=lambda new, old: True)
    for item in range(3):
        mailbox.put(item)
    assert mailbox.waiting == 2
    mailbox.take_all()
    assert mailbox.waiting == 0


def test_lingering_gathers_what_comes_a_little_later():
    """One item does not set it going at once: those that follow soon come with it."""
    mailbox, seen = Mailbox(10), []
    worker = Worker("w", mailbox, lambda items: seen.append(list(items)), lambda: None, 0.5)
    worker.start()
    for item in range(3):
        mailbox.put(item)
    worker.stop(WAIT_S)
    assert seen == [[0, 1, 2]]


def test_lingering_ends_when_it_gets_full():
    """Half a mailbox is worth a run, however long it may linger."""
    mailbox, seen = Mailbox(10), threading.Event()
    worker = Worker("w", mailbox, lambda items: seen.set(), lambda: None, 1000.0)
    worker.start()
    for item in range(6):
        mailbox.put(item)
    assert seen.wait(WAIT_S)
    worker.stop(WAIT_S)


def test_a_mailbox_says_when_senders_had_better_wait():
    """From a fifth on it is crowded."""
    mailbox = Mailbox(10)
    for item in range(2):
        mailbox.put(item)
    assert not mailbox.crowded
    mailbox.put(2)
    assert mailbox.crowded
    mailbox.take_all()
    assert not mailbox.crowded


def test_only_what_is_asked_for_makes_a_crowd():
    """Files fill a mailbox up to its end, and live sources must not wait for that."""
    mailbox = Mailbox(10, lambda new, old: old < 0, crowds=lambda item: item < 0)
    for item in range(8):
        mailbox.put(item)
    assert not mailbox.crowded
    mailbox.put(-1)
    mailbox.put(-2)
    assert not mailbox.crowded
    mailbox.put(-3)  # in place of another one
    assert not mailbox.crowded
    mailbox.take_all()
    for item in (-1, -2, -3):
        mailbox.put(item)
    assert mailbox.crowded
