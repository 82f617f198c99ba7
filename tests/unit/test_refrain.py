"""What is waited for is said at once, again ever more rarely, and anew when it changes."""

from moroccron.refrain import LONGEST, Refrain


class Hand:
    """A clock that the test turns."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


def said_at(refrain: Refrain, hand: Hand, seconds: int, words: str = "x") -> list[int]:
    """When it was due, looked at every second."""
    begun, told = hand.now, []
    for second in range(seconds):
        hand.now = begun + second
        if refrain.due(words):
            told.append(second)
    hand.now = begun + seconds
    return told


def test_the_same_is_said_at_intervals_that_grow() -> None:
    hand = Hand()
    assert said_at(Refrain(clock=hand), hand, 100) == [0, 10, 30, 70]


def test_they_do_not_grow_for_ever() -> None:
    hand = Hand()
    told = said_at(Refrain(clock=hand), hand, 5000)
    assert told[-1] - told[-2] == LONGEST


def test_news_is_said_at_once_and_then_rarely_again() -> None:
    hand = Hand()
    refrain = Refrain(clock=hand)
    said_at(refrain, hand, 35)
    assert said_at(refrain, hand, 35, "y") == [0, 10, 30]


def test_what_is_over_begins_anew() -> None:
    hand = Hand()
    refrain = Refrain(clock=hand)
    assert refrain.due("x")
    assert not refrain.due("x")
    refrain.over()
    assert refrain.due("x")


def test_what_passes_within_its_grace_is_never_said() -> None:
    hand = Hand()
    refrain = Refrain(grace=3, clock=hand)
    assert said_at(refrain, hand, 3) == []
    refrain.over()
    assert said_at(refrain, hand, 20) == [3, 13]
