"""The lab's drawings stay within their frame and keep their order."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from app.plots import HEIGHT, TALL, WIDE, WIDTH, Point, bars, curve
from eval.compare import TopicDelta

SCORES = st.floats(0, 1, allow_nan=False)


@given(st.lists(st.tuples(SCORES, SCORES), max_size=400))
def test_bars_lie_within_the_frame(pairs: list[tuple[float, float]]) -> None:
    drawn = bars([TopicDelta(f"t{i}", a, b) for i, (a, b) in enumerate(pairs)])
    assert len(drawn) == len(pairs)
    for bar in drawn:
        assert 0 <= bar.x <= WIDTH
        assert 0 <= bar.y <= HEIGHT
        assert bar.y + bar.height <= HEIGHT
        assert (bar.kind == "won") == (bar.delta > 0)


@given(st.lists(st.tuples(st.floats(-5, 5), SCORES, SCORES, SCORES), min_size=1, max_size=30))
def test_a_curve_is_to_scale(found: list[tuple[float, float, float, float]]) -> None:
    points = []
    for place, *ends in sorted(found):
        low, value, high = sorted(ends)
        points.append(Point(f"{place:g}", value, low, high, "run"))
    made = curve(points)
    for dot in made.dots:
        assert 0 < dot.x <= WIDTH
        assert 0 < dot.high_y <= dot.y <= dot.low_y < TALL
    order = [dot.x for dot in made.dots]
    assert order == sorted(order)
    assert made.line.count(",") == len(points)


def test_words_stand_side_by_side_without_a_line() -> None:
    made = curve([Point(name, 0.3, 0.2, 0.4, name) for name in ("rrf", "sum", "both")])
    assert made.line == ""
    assert len({dot.x for dot in made.dots}) == 3


def test_long_words_stay_within_the_frame_and_are_not_cut_in_silence() -> None:
    long = curve([Point(n, 0.3, 0.2, 0.4, n) for n in ("lexical", "lexical+vector+graph")])
    assert [tick.label for tick in long.across] == ["lexical", "lexical+vector+graph"]
    many = curve([Point(f"lexical+vector{i}", 0.3, 0.2, 0.4, "run") for i in range(6)])
    for made in (long, many):
        for tick in made.across:
            half = WIDE * len(tick.label) / 2
            assert 0 <= tick.at - half <= tick.at + half <= WIDTH
    assert all(tick.label.endswith("…") for tick in many.across)
