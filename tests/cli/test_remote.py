"""A service at an address: what can be asked, and what is told when it does not answer as one."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from pydantic import SecretStr

from loyalty_engine.cli.failures import FailureError
from loyalty_engine.cli.remote import RejectedError, RemoteProgram
from loyalty_engine.cli.source import Source

SOURCE = Source(Path("shop.yaml"), b"version: 1\n")
KEY = SecretStr("lk_test_1_secret")


@contextmanager
def answering(status: int, headers: dict[str, str], body: bytes) -> Iterator[tuple[str, list[str]]]:
    """A server that is no loyalty engine; gives its address and what it was asked."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            asked.append(f"{self.path} {self.headers['authorization']} {self.headers['content-type']}")
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.parametrize("url", ["ftp://a", "a.example", "file:///etc/passwd", "https://", "http://[a", ""])
def test_an_address_is_one_of_the_web(url: str) -> None:
    with pytest.raises(FailureError, match="--url is an address"):
        RemoteProgram(url, KEY)


@pytest.mark.parametrize("key", [None, SecretStr(""), SecretStr("a\nb"), SecretStr("schlüssel")])
def test_a_key_that_could_not_be_sent_is_told_before_it_is(key: SecretStr | None) -> None:
    with pytest.raises(FailureError, match="LOYALTY_API_KEY is no") as failure:
        RemoteProgram("http://a", key)
    assert key is None or not key.get_secret_value() or key.get_secret_value() not in str(failure.value)


@pytest.mark.parametrize("suffix", ["", "/", "/v1", "/v1/"])
async def test_an_address_is_taken_with_and_without_its_version(suffix: str) -> None:
    with answering(200, {}, b'{"revision": 1, "changes": [], "errors": [], "warnings": []}') as (url, asked):
        plan = await RemoteProgram(url + suffix, KEY).plan(SOURCE)
    assert plan.revision == 1
    assert asked == ["/v1/program/plan Bearer lk_test_1_secret application/yaml"]


async def test_a_redirect_is_not_followed_so_that_nobody_else_gets_the_key() -> None:
    with answering(200, {}, b"{}") as (elsewhere, stolen):  # noqa: SIM117 - one after the other
        with answering(307, {"location": f"{elsewhere}/v1/program/plan"}, b"") as (url, asked):
            with pytest.raises(FailureError, match="answers 307"):
                await RemoteProgram(url, KEY).plan(SOURCE)
    assert (len(asked), stolen) == (1, [])


@pytest.mark.parametrize(
    ("status", "headers", "body", "told"),
    [
        (502, {"content-type": "text/html"}, b"<html>", "answers 502"),
        (200, {"content-type": "text/html"}, b"<html>", "does not answer like"),
        (200, {"content-type": "application/json"}, b'{"revision": 1}', "does not answer like"),
        (422, {"content-type": "application/problem+json"}, b"[]", "does not answer like"),
        (200, {"content-length": "900"}, b"{", "cannot be reached"),
    ],
)
async def test_what_is_no_answer_of_ours_is_told(status: int, headers: dict[str, str], body: bytes, told: str) -> None:
    with answering(status, headers, body) as (url, _), pytest.raises(FailureError, match=told):
        await RemoteProgram(url, KEY).plan(SOURCE)


async def test_a_problem_is_handed_on() -> None:
    problem = b"""{"type": "https://a/errors#new_code", "title": "New", "status": 409, "detail": "Do.", "code": "new_code",
        "retryable": false, "errors": [], "details": {}, "hint": "from a newer release"}"""
    with (
        answering(409, {"content-type": "application/problem+json"}, problem) as (url, _),
        pytest.raises(RejectedError) as rejected,
    ):
        await RemoteProgram(url, KEY).plan(SOURCE)
    assert rejected.value.problem.code == "new_code"
