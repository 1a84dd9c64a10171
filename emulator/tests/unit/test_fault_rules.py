"""Rules: what they are about, when they end, what they count."""

from random import Random

from alicloud_emulator.world.faults import Call, Do, Fault, Faults, Rule
from alicloud_emulator.world.profile import Weather


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def faults(clock: Clock) -> Faults:
    return Faults(Random(1), Weather(), clock)


PUT = Call(service="oss", action="PutObject", region="eu-west-1")


def test_a_rule_counts_what_it_saw_and_what_it_struck() -> None:
    ours = faults(Clock())
    rule = Rule(fault=Fault(do=Do.REFUSE), action="Put*", first=2, times=1)
    number = ours.add(rule)
    struck = [len(ours.strike(PUT)) for _ in range(4)]
    assert struck == [0, 1, 0, 0]
    one = ours.in_force[number]
    assert (one.seen, one.struck) == (4, 1)


def test_a_rule_ends_when_its_time_is_over() -> None:
    clock = Clock()
    ours = faults(clock)
    ours.add(Rule(fault=Fault(do=Do.REFUSE), lasts_s=60))
    kept = ours.add(Rule(fault=Fault(do=Do.DELAY)))
    clock.now += 59
    assert len(ours.strike(PUT)) == 2
    clock.now += 1
    assert [fault.do for fault in ours.strike(PUT)] == [Do.DELAY]
    assert list(ours.rules) == [kept]


def test_what_is_about_hosts_strikes_no_call_and_the_other_way_round() -> None:
    ours = faults(Clock())
    ours.add(Rule(fault=Fault(do=Do.DEAD), region="eu-*"))
    ours.add(Rule(fault=Fault(do=Do.REFUSE)))
    assert [fault.do for fault in ours.strike(PUT)] == [Do.REFUSE]
    assert ours.strike_host("oss", "cn-beijing", Do.DEAD) is None
    assert ours.strike_host("oss", "eu-west-1", Do.NO_HOST, Do.CLOCK) is None
    struck = ours.strike_host("oss", "eu-west-1", Do.DEAD)
    assert struck is not None
    assert struck.do is Do.DEAD
    assert ours.struck == {"refuse": 1, "dead": 1}


def test_a_lag_is_about_listings_alone() -> None:
    ours = faults(Clock())
    ours.add(Rule(fault=Fault(do=Do.LAG, delay_s=5)))
    assert ours.strike(PUT) == ()
    listing = Call(service="ecs", action="DescribeImages")
    assert [fault.do for fault in ours.strike(listing)] == [Do.LAG]


def test_what_does_no_harm_lets_the_weather_strike() -> None:
    ours = Faults(Random(1), Weather(call_failure=1.0))
    ours.add(Rule(fault=Fault(do=Do.TRICKLE)))
    assert len(ours.strike(PUT)) == 2


def test_what_a_rule_struck_is_told_after_its_end() -> None:
    clock = Clock()
    ours = faults(clock)
    short = ours.add(Rule(fault=Fault(do=Do.REFUSE), lasts_s=60))
    long = ours.add(Rule(fault=Fault(do=Do.DELAY)))
    ours.strike(PUT)
    clock.now += 60
    ours.clear()
    for number in (short, long):
        one = ours.rule(number)
        assert one is not None
        assert (one.struck, one.until) == (1, 1060.0)
    assert ours.rule(99) is None
    assert ours.in_force == {}
    assert not ours.remove(short)
