"""Hot routes: the few that carry the load are answered before routers and middleware are asked.

What is passed by would find the same route with the same handler; it costs as much as the rest of the HTTP work. Errors
are answered by the same functions, and requests counted in the same place.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, Final

from fastapi import FastAPI, Request, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from loyalty_engine.api.metrics import CountRequests
from loyalty_engine.api.routing import Route

Handler = Callable[[Request], Awaitable[Response]]
AnswerError = Callable[[Request, Exception], Awaitable[Response]]


class HotApplication(FastAPI):
    """FastAPI with a short way to the routes that :meth:`warm_up` names."""

    def __init__(self, **options: Any) -> None:  # noqa: ANN401 - FastAPI's own options
        super().__init__(**options)
        self._hot: Mapping[tuple[str, str], ASGIApp] = {}

    def warm_up(self, routes: Iterable[Route], *, prefix: str, template_of: Callable[[Scope], str]) -> None:
        """Take the short way to ``routes``. They are declared under ``prefix``, have one method and no path parameters."""
        hot: dict[tuple[str, str], ASGIApp] = {}
        for route in routes:
            assert route.methods is not None
            hot[min(route.methods), prefix + route.path] = CountRequests(_HotRoute(self, route), template_of)
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
                await hot(scope, receive, send)
                return
        await super().__call__(scope, receive, send)


class _HotRoute:
    """One route as an ASGI application of its own."""

    def __init__(self, application: FastAPI, route: Route) -> None:
        self._application: Final = application
        self._route: Final = route
        self._handle: Final[Handler] = route.get_route_handler()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope["app"] = self._application
        scope["route"] = self._route
        scope["endpoint"] = self._route.endpoint
        scope["path_params"] = {}
        request = Request(scope, receive, send)
        try:
            response = await self._handle(request)
        except Exception as error:  # noqa: BLE001 - the process edge of a request: every error is answered
            response = await self._answer(error)(request, error)
        await response(scope, receive, send)

    def _answer(self, error: Exception) -> AnswerError:
        """Return how the application answers an error of that kind; it has an answer for every exception."""
        answers: Mapping[Any, Any] = self._application.exception_handlers
        answer: AnswerError = next(answers[kind] for kind in type(error).__mro__ if kind in answers)
        return answer
