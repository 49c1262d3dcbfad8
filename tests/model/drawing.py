"""What the state machine draws."""

from hypothesis import strategies as st

from tests.model.purchases import Back, Line

NAMES = ("anna", "ben", "cleo")

picks = st.integers(0, 99)
names = st.sampled_from(NAMES)
wallets = st.sampled_from(["points", "points", "points", "miles", "miles", "stamps"])
shares = st.sampled_from([1, 30, 60, 100, 100, 101, 140])
amounts = st.sampled_from([0, 1, 99, 100, 333, 1000, 1250, 2999]) | st.integers(0, 6000)
goods_lines = st.lists(
    st.tuples(amounts, st.sampled_from([1, 1, 2, 3, 7, 0]), st.sampled_from(["coffee", "tea"])), min_size=1, max_size=3
).map(lambda rows: [Line(str(n + 1), *row) for n, row in enumerate(rows)])
line_ids = st.sampled_from(["1", "1", "2", "3", "4"])
shippings = st.sampled_from([0, 0, 490])
payments = st.sampled_from([None, None, "max", 5, 9, 15])
order_codes = st.sampled_from([(), (), ("tote",), ("pins",), ("pins", "tote")])
cart_codes = st.sampled_from([(), ("tote",)])
"""A code for all is not in carts: while clocks run backwards two may hold the last use, and one of them for nothing."""
lifetimes = st.sampled_from([600, 3600, 86_400])
ages = st.sampled_from([0, 0, 0, 1, 4, 12, 40])


@st.composite
def some_goods(draw: st.DrawFn) -> Back:
    """Draw goods that come back: some lines, an amount or some shipping."""
    kind = draw(st.sampled_from(["lines", "lines", "lines", "rest", "amount", "shipping", "mixed"]))
    if kind == "amount":
        return Back(amount=draw(st.sampled_from([1, 50, 100, 999]) | st.integers(1, 4000)))
    if kind == "shipping":
        return Back(shipping=draw(st.sampled_from([1, 90, 490])))
    ids = draw(st.lists(line_ids, min_size=1, max_size=3, unique=True))
    pieces = {line: -1 if kind == "rest" else draw(st.sampled_from([1, 1, 2, 3])) for line in ids}
    return Back(pieces, amount=draw(st.integers(0, 500)) if kind == "mixed" else 0)
