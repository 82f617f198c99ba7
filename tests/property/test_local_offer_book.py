"""The offer book: whatever is done to it, everything is in one place, and nothing is in two."""

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from moroccron.adapters.local.notation import Holding
from moroccron.adapters.local.offer_book import EMPTY, OfferBook, union, without
from moroccron.model.offer import PortRange
from moroccron.model.resources import Resources

TOTAL = Holding(
    Resources(cpus=4000, mem=100, disk=100, gpus=1, ports=15),
    (PortRange(10, 19), PortRange(30, 34)),
)


def ports_of(holding):
    return [port for part in holding.ports for port in range(part.first, part.last + 1)]


class Book(RuleBasedStateMachine):
    def __init__(self):
        super().__init__()
        self.now = 0.0
        self.book = OfferBook(TOTAL, "life")
        self.offers: dict[str, Holding] = {}
        self.tasks: list[Holding] = []
        self.refused_until = 0.0

    def tend(self):
        """As the server does at the end of each turn."""
        while (made := self.book.next_offer(self.now)) is not None:
            assert made[0] not in self.offers
            self.offers[made[0]] = made[1]

    @rule(data=st.data(), seconds=st.sampled_from([0.0, 5.0]))
    def accept(self, data, seconds):
        self.tend()
        if not self.offers:
            return
        ids = data.draw(st.lists(st.sampled_from(sorted(self.offers)), min_size=1, unique=True))
        held = self.book.take(ids)
        assert held is not None
        for offer_id in ids:
            del self.offers[offer_id]
        cpus = data.draw(st.integers(0, held.resources.cpus))
        some = data.draw(st.lists(st.sampled_from(ports_of(held) or [0]), unique=True, max_size=3))
        ports = tuple(PortRange(port, port) for port in sorted(some) if port)
        task = Holding(Resources(cpus=cpus, ports=len(ports)), ports)
        rest = without(held, task)
        assert rest is not None
        self.tasks.append(task)
        self.book.refuse(rest, seconds, self.now)

    @rule(data=st.data(), seconds=st.sampled_from([0.0, 1.0, 100.0]))
    def decline(self, data, seconds):
        self.tend()
        if self.offers:
            offer_id = data.draw(st.sampled_from(sorted(self.offers)))
            held = self.book.take([offer_id])
            assert held == self.offers.pop(offer_id)
            self.book.refuse(held, seconds, self.now)

    @precondition(lambda self: self.tasks)
    @rule(data=st.data())
    def end(self, data):
        task = self.tasks.pop(data.draw(st.integers(0, len(self.tasks) - 1)))
        self.book.give_back(task)

    @rule(seconds=st.floats(0.1, 50.0))
    def wait(self, seconds):
        self.now += seconds

    @rule()
    def suppress(self):
        self.book.suppress()
        assert self.book.next_offer(self.now) is None

    @rule()
    def revive(self):
        self.book.revive()
        self.tend()
        self.everything_is_somewhere_once()
        assert self.free().resources.cpus < 10

    @rule()
    def withdraw(self):
        assert sorted(self.book.withdraw()) == sorted(self.offers)
        self.offers.clear()

    @rule()
    def an_offer_is_taken_once(self):
        assert self.book.take(["unknown"]) is None
        assert self.book.take([]) is None
        assert self.book.take([*self.offers, "unknown"]) is None

    @rule()
    def silence_has_an_end(self):
        """What is free and not offered is offered once the book says that it is to be woken."""
        self.tend()
        if not self.book.suppressed and self.free().resources.cpus >= 10:
            wake = self.book.wake_at(self.now)
            assert wake is not None
            self.now = wake
            assert self.book.next_offer(self.now) is not None
            self.book.withdraw()
            self.offers.clear()

    def free(self):
        held = EMPTY
        for holding in (*self.offers.values(), *self.tasks):
            held = union(held, holding)
        rest = without(TOTAL, held)
        assert rest is not None
        return rest

    @invariant()
    def everything_is_somewhere_once(self):
        free = self.free()
        inside = self.book._free
        assert inside.resources == free.resources
        assert ports_of(inside) == ports_of(free)
        assert inside.resources.ports == len(ports_of(inside))


TestBook = Book.TestCase


def test_a_smaller_agent_offers_nothing_until_its_old_tasks_leave_room():
    book = OfferBook(Holding(Resources(cpus=1000, mem=10)), "life")
    task = Holding(Resources(cpus=3000, mem=5, ports=1), (PortRange(7, 7),))
    held = book.occupy(task)
    assert book.next_offer(0.0) is None
    book.give_back(held)
    made = book.next_offer(0.0)
    assert made is not None
    assert made[1] == Holding(Resources(cpus=1000, mem=10))


def test_a_refusal_is_forgotten_once_the_refused_was_offered_again():
    half = Holding(Resources(cpus=2000, mem=10))
    book = OfferBook(Holding(Resources(cpus=4000, mem=20)), "life")
    held = book.take([book.next_offer(0.0)[0]])
    assert held is not None
    book.refuse(half, 100.0, now=0.0)
    assert book.next_offer(1.0) is None
    book.give_back(half)
    everything = book.next_offer(2.0)
    assert book.take([everything[0]]) == everything[1]
    book.give_back(half)
    assert book.next_offer(3.0)[1] == half
