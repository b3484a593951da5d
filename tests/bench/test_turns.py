"""Turns: everybody runs, in order, and medians come out."""

from __future__ import annotations

from recur.bench import in_turns, timed


class Scripted:
    """A runner whose calls take the seconds it is told."""

    def __init__(self, name, seconds, log):
        self.name, self.seconds, self.log = name, list(seconds), log

    def __call__(self, calls):
        self.log.append((self.name, calls))
        return [self.seconds.pop(0) for _ in range(calls)]


def test_candidates_take_turns_after_one_call_to_warm_up():
    log = []
    sides = {name: Scripted(name, [9.0] + [1.0] * 3, log) for name in "ab"}
    found = in_turns(sides, seconds=0.0, rounds=3, pause=0.0)
    assert log == [("a", 1), ("b", 1)] + [("a", 1), ("b", 1)] * 3
    assert found == {"a": 1.0, "b": 1.0}


def test_the_first_call_of_a_turn_counts_only_where_it_fills_the_turn():
    log = []
    short = Scripted("short", [7.0, 0.01, 0.001, 0.002, 0.003], log)
    found = in_turns({"short": short}, seconds=0.0, rounds=1, turn=0.03, pause=0.0)
    assert log == [("short", 1), ("short", 1), ("short", 3)]
    assert found == {"short": 0.002}


def test_rounds_go_on_until_the_slowest_had_its_time():
    log = []
    sides = {"slow": Scripted("slow", [1.0] * 50, log), "quick": Scripted("quick", [0.5] * 50, log)}
    in_turns(sides, seconds=7.5, rounds=2, pause=0.0)
    assert log.count(("slow", 1)) == 1 + 8


def test_a_call_of_no_time_at_all_ends():
    assert in_turns({"nothing": lambda calls: [0.0] * calls}, seconds=0.0, pause=0.0) == {
        "nothing": 0.0
    }


def test_timed_makes_so_many_calls():
    called = []
    seconds = timed(lambda: called.append(1))(4)
    assert len(called) == len(seconds) == 4
    assert all(value >= 0 for value in seconds)
