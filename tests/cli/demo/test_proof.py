from loyalty_engine.cli.demo.proof import Comparison, compare, expect_points
from tests.cli.demo.tables import LiteralTables

TABLES = LiteralTables()
ALL = {"31198570044", "31198655051", "31198705046", "31198720013"}


def test_receipts_earn_what_the_demo_program_says() -> None:
    # 900: 4 + 2 × 4.35 of fruit, and 100 + 50 for a large purchase + 20 for baby food; 1228: 20, and a hundredth of the
    # fuel; 906: 14 + 2 × 9.95 of meat + 20 for baby food.
    assert expect_points(TABLES.read_rows(), TABLES.read_products(), ALL) == {
        900: {"points": 4 + 8 + 100 + 50 + 20, "cashback": 0},
        1228: {"points": 20, "cashback": 20},
        906: {"points": 14 + 19 + 20, "cashback": 0},
    }


def test_only_the_receipts_that_were_sent_count() -> None:
    expected = expect_points(TABLES.read_rows(), TABLES.read_products(), {"31198655051"})
    assert expected == {1228: {"points": 20, "cashback": 20}}


def test_another_figure_or_a_household_too_many_is_found() -> None:
    expected = {900: {"points": 12, "cashback": 0}, 906: {"points": 5}}
    assert compare(expected, {900: {"points": 12}, 906: {"points": 5}}) == Comparison(
        2, (), {"points": 17, "cashback": 0}
    )
    assert compare(expected, {900: {"points": 11}, 906: {"points": 5}}).wrong == (900,)
    assert compare(expected, {900: {"points": 12}, 906: {"points": 5}, 7: {"points": 1}}).wrong == (7,)
    assert compare(expected, {900: {"points": 12, "stamps": 1}}).wrong == (900, 906)
