"""Hot routes: the few that carry the load are answered before routers and middleware are asked.

What is passed by would find the same route with the same handler; it costs as much as the rest of the HTTP work. Errors
are answered by the same functions, and requests counted in the same place.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from time import perf_counter
from typing import Any, Final

from fastapi import FastAPI, Request, Response
from starlette.types import Receive, Scope, Send

from loyalty_engine.api.metrics import requests_of
from loyalty_engine.api.routing import OutcomeResponse, Route
from loyalty_engine.meters import Distribution

Handler = Callable[[Request], Awaitable[Response]]
AnswerError = Callable[[Request, Exception], Awaitable[Response]]

WHOLE_ANSWER: Final = "loyalty.whole_answer"
"""An extension of ASGI: a function that writes status, headers and body at once, or returns False where it cannot."""


class HotApplication(FastAPI):
    """FastAPI with a short way to the routes that :meth:`warm_up` names."""

    def __init__(self, **options: Any) -> None:  # noqa: ANN401 - FastAPI's own options
        super().__init__(**options)
        self._hot: Mapping[tuple[str, str], _HotRoute] = {}

    def warm_up(self, routes: Iterable[Route], *, prefix: str, template_of: Callable[[Scope], str]) -> None:
        """Take the short way to ``routes``. They are declared under ``prefix``, have one method and no path parameters."""
        hot: dict[tuple[str, str], _HotRoute] = {}
        for route in routes:
            assert route.methods is not None
            hot[min(route.methods), prefix + route.path] = _HotRoute(self, route, template_of({"route": route}))
        self._hot = hot

    @property
    def hot_routes(self) -> frozenset[tuple[str, str]]:
        """Method and path of each route that takes the short way."""
        return frozenset(self._hot)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] == "http":
            hot = self._hot.get((scope["method"], scope["path"]))
            if hot is not None:
                await hot.answer(scope, receive, send)
                return
        await super().__call__(scope, receive, send)


class _HotRoute:
    """One route, and its requests as they are counted."""

    def __init__(self, application: FastAPI, route: Route, template: str) -> None:
        self._application: Final = application
        self._route: Final = route
        self._template: Final = template
        self._handle: Final[Handler] = route.get_route_handler()
        self._counts: Final[dict[int, Distribution]] = {}

    async def answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request and count how it ended; one that breaks counts as 500."""
        start, status = perf_counter(), 500
        scope["app"] = self._application
        scope["route"] = self._route
        scope["path_params"] = {}
        request = Request(scope, receive, send)
        try:
            try:
                response = await self._handle(request)
            except Exception as error:  # noqa: BLE001 - the process edge of a request: every error is answered
                response = await self._answer_of(error)(request, error)
            status = response.status_code
            if not _answer_at_once(scope, response):
                await response(scope, receive, send)
        finally:
            counted = self._counts.get(status) or self._find(scope["method"], status)
            counted.add(perf_counter() - start)

    def _find(self, method: str, status: int) -> Distribution:
        return self._counts.setdefault(status, requests_of(self._template, method, status))

    def _answer_of(self, error: Exception) -> AnswerError:
        """Return how the application answers an error of that kind; it has an answer for every exception."""
        answers: Mapping[Any, Any] = self._application.exception_handlers
        answer: AnswerError = next(answers[kind] for kind in type(error).__mro__ if kind in answers)
        return answer


def _answer_at_once(scope: Scope, response: Response) -> bool:
    """Write an outcome past the messages of ASGI where the server offers that; they cost more than all else of an answer."""
    if not isinstance(response, OutcomeResponse):
        return False
    write = scope.get("extensions", {}).get(WHOLE_ANSWER)
    return write is not None and write(response.status_code, response.raw_headers, response.body)
