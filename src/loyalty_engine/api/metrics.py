"""Metrics: requests are counted as they pass, and everything counted is shown in Prometheus' text form."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from time import perf_counter
from typing import Final

from prometheus_client import REGISTRY, CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.registry import Collector
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from loyalty_engine.meters import METERS, Distribution, Labels, Meters

UNMATCHED: Final = "unmatched"
_CAPITAL: Final = re.compile("(?<!^)(?=[A-Z])")
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class CountRequests:
    """ASGI middleware that counts every request by route template, method and status; about two microseconds each."""

    def __init__(self, app: ASGIApp, template_of: Callable[[Scope], str]) -> None:
        self._app = app
        self._template_of = template_of
        self._known: dict[tuple[object, str, int], Distribution] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand a request on and count how it ended; one that breaks or never answers counts as 500."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status = 500

        async def note_status(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        start = perf_counter()
        try:
            await self._app(scope, receive, note_status)
        finally:
            known = self._known.get((scope.get("endpoint"), scope["method"], status)) or self._find(scope, status)
            known.add(perf_counter() - start)

    def _find(self, scope: Scope, status: int) -> Distribution:
        """Find where to count. Only what we declared is remembered: a caller can send any path and method."""
        method = scope["method"] if scope["method"] in _METHODS else "other"
        endpoint = scope.get("endpoint")
        template = UNMATCHED if endpoint is None else self._template_of(scope)
        return self._known.setdefault((endpoint, method, status), requests_of(template, method, status))


def requests_of(template: str, method: str, status: int) -> Distribution:
    """Return where requests of a route count that ended so: their seconds."""
    return METERS.requests[template, method, str(status)]


def show_metrics(meters: Meters) -> bytes:
    """Return the meters, and what Python and the system say of this process, in Prometheus' text form."""
    registry = CollectorRegistry()
    registry.register(_MetersCollector(meters))
    return generate_latest(registry) + generate_latest(REGISTRY)


class _MetersCollector(Collector):
    def __init__(self, meters: Meters) -> None:
        self._meters = meters

    def collect(self) -> Iterator[HistogramMetricFamily | CounterMetricFamily | GaugeMetricFamily]:
        meters = self._meters
        yield _histogram(
            "loyalty_request_seconds",
            "HTTP requests until the answer ended",
            ("route", "method", "status"),
            meters.requests,
        )
        yield _counter(
            "loyalty_decisions", "Decisions given out", ("kind", "outcome"), _by_snake_case(meters.decisions)
        )
        yield _histogram("loyalty_batch_size", "Items that shared a round trip", ("statement",), meters.batches)
        yield _histogram(
            "loyalty_batch_seconds", "Round trips of gather and record", ("statement",), meters.batch_seconds
        )
        waiting = GaugeMetricFamily("loyalty_waiting", "Items left waiting by the last batch", labels=("statement",))
        for labels, count in meters.waiting.items():
            waiting.add_metric(labels, count)
        yield waiting
        yield _counter(
            "loyalty_lost_guards", "Writes that lost their guard and were decided again", (), {(): meters.lost_guards}
        )
        yield _counter("loyalty_slow_turns", "Turns of the slow lane, which locks first", (), {(): meters.slow_turns})
        yield _counter(
            "loyalty_partition_faults",
            "Partitions of this and coming months that could not be made; the log says why",
            (),
            {(): meters.partition_faults},
        )


def _by_snake_case(decisions: Mapping[Labels, int]) -> dict[Labels, int]:
    """Return decisions under the name of their request: ``place_order`` for PlaceOrder."""
    return {(_CAPITAL.sub("_", kind).lower(), outcome): count for (kind, outcome), count in decisions.items()}


def _counter(name: str, text: str, labels: Iterable[str], values: Mapping[Labels, int]) -> CounterMetricFamily:
    family = CounterMetricFamily(name, text, labels=list(labels))
    for found, value in values.items():
        family.add_metric(found, value)
    return family


def _histogram(
    name: str, text: str, labels: Iterable[str], values: Mapping[Labels, Distribution]
) -> HistogramMetricFamily:
    family = HistogramMetricFamily(name, text, labels=list(labels))
    for found, value in values.items():
        family.add_metric(found, list(_buckets(value)), value.total)
    return family


def _buckets(distribution: Distribution) -> Iterator[tuple[str, float]]:
    """Yield each bound with how many values lie at or below it, as Prometheus counts."""
    below = 0
    for bound, count in zip((*distribution.bounds, float("inf")), distribution.counts, strict=True):
        below += count
        yield ("+Inf" if bound == float("inf") else repr(bound)), below
