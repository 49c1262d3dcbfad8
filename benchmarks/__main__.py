"""Runs the bars: ``python -m benchmarks`` all, ``python -m benchmarks P1 P3`` some. Each ends in ``<bar> <ratio>``."""

import sys
from collections.abc import Callable
from typing import Final

from benchmarks import bars_code_uses, bars_codes, bars_core, bars_http, bars_promotions, expiry, growth, reviews

BARS: Final[dict[str, Callable[[], float]]] = {
    "P1": bars_http.accrue_against_pgbench,
    "P1c": bars_code_uses.accrue_with_codes,
    "P1p": bars_promotions.accrue_with_promotions,
    "P2": bars_http.redeem_against_pgbench,
    "P3": bars_core.zen_against_core,
    "P3p": bars_promotions.zen_against_promotions,
    "P4": bars_core.many_against_few,
    "P4p": bars_promotions.many_against_few_promotions,
    "P5": growth.large_against_small,
    "P6": expiry.settling_against_updating,
    "P6t": reviews.reviewing_against_updating,
    "P7": bars_codes.generating_against_copying,
    "P8": bars_http.hammered_against_spread,
    "P8c": bars_code_uses.one_code_against_many,
    "P10": bars_http.evaluate_against_accrue,
    "P10p": bars_promotions.evaluate_with_promotions,
    "P11": bars_http.bytes_per_accrual,
    "P12": bars_http.tail_against_median,
}


def main(names: list[str]) -> int:
    """Run the named bars, or all; return 2 for a name that is none."""
    unknown = [name for name in names if name not in BARS]
    if unknown:
        sys.stderr.write(f"no such bar: {', '.join(unknown)}; there are {', '.join(BARS)}\n")
        return 2
    for name in names or BARS:
        ratio = BARS[name]()
        sys.stdout.write(f"{name} {ratio:.2f}\n")
        sys.stdout.flush()
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
