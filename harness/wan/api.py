"""Toxiproxy's HTTP API, with its shapes, its words for errors, and its status codes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

import msgspec
from aiohttp import web

from harness.wan import metrics
from harness.wan.batch import apply_batch
from harness.wan.collection import ApiError, Proxies, changed_settings, proxy_stats, proxy_view, toxic_view
from harness.wan.connection import Toxic
from harness.wan.messages import VERSION, BatchInput, ProxyInput, ProxyView, ToxicChange, ToxicInput
from harness.wan.proxy import Proxy

T = TypeVar("T")
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class _PopulateAnswer(msgspec.Struct, omit_defaults=True, kw_only=True):
    error: str | None = None
    status: int = 0
    proxies: list[ProxyView] | None


class Api:
    """One handler a route; each changes everything it changes in one step of the event loop."""

    def __init__(self, proxies: Proxies) -> None:
        self._proxies = proxies

    def application(self) -> web.Application:
        """The API as an aiohttp application."""
        app = web.Application(middlewares=[_answer_errors], client_max_size=64 * 2**20)
        proxy, toxic = "/proxies/{proxy}", "/proxies/{proxy}/toxics/{toxic}"
        route = app.router.add_route
        route("POST", "/reset", self.reset)
        route("GET", "/proxies", self.index)
        route("POST", "/proxies", self.create)
        route("POST", "/populate", self.populate)
        route("GET", proxy, self.show)
        for method in ("POST", "PATCH"):
            route(method, proxy, self.update)
            route(method, toxic, self.update_toxic)
        route("DELETE", proxy, self.delete)
        route("GET", f"{proxy}/toxics", self.toxics)
        route("POST", f"{proxy}/toxics", self.add_toxic)
        route("GET", toxic, self.show_toxic)
        route("DELETE", toxic, self.delete_toxic)
        route("GET", "/version", self.version)
        route("GET", "/metrics", self.metrics)
        route("GET", "/stats", self.all_stats)
        route("GET", f"{proxy}/stats", self.stats)
        route("POST", "/batch", self.batch)
        return app

    async def reset(self, request: web.Request) -> web.Response:
        del request
        self._proxies.reset()
        return web.Response(status=204)

    async def index(self, request: web.Request) -> web.Response:
        del request
        return _json({proxy.name: proxy_view(proxy) for proxy in self._proxies})

    async def create(self, request: web.Request) -> web.Response:
        wanted = await _body(request, ProxyInput)
        return _json(proxy_view(self._proxies.create(wanted)), status=201)

    async def populate(self, request: web.Request) -> web.Response:
        views: list[ProxyView] = []
        message, status = None, 0
        try:
            wanted = await _body(request, list[ProxyInput])
            views.extend(proxy_view(proxy) for proxy in self._proxies.populate(wanted))
        except ApiError as error:
            message, status = error.message, error.status
        except OSError as error:
            message, status = _words(error), 500
        answer = _PopulateAnswer(error=message, status=status, proxies=views or None)
        return _json(answer, status=status or 201)

    async def show(self, request: web.Request) -> web.Response:
        return _json(proxy_view(self._proxy(request)))

    async def update(self, request: web.Request) -> web.Response:
        name = self._proxy(request).name
        return _json(proxy_view(self._proxies.update(name, await _body(request, ProxyInput))))

    async def delete(self, request: web.Request) -> web.Response:
        self._proxies.delete(request.match_info["proxy"])
        return web.Response(status=204)

    async def toxics(self, request: web.Request) -> web.Response:
        return _json([toxic_view(toxic) for toxic in self._proxy(request).toxics()])

    async def add_toxic(self, request: web.Request) -> web.Response:
        proxy = self._proxy(request)
        return _json(toxic_view(self._proxies.add_toxic(proxy, await _body(request, ToxicInput))))

    async def show_toxic(self, request: web.Request) -> web.Response:
        return _json(toxic_view(self._toxic(request)[1]))

    async def update_toxic(self, request: web.Request) -> web.Response:
        self._toxic(request)
        change = await _body(request, ToxicChange)
        proxy, toxic = self._toxic(request)
        toxicity = toxic.toxicity if change.toxicity is None else change.toxicity
        proxy.change(toxic, settings=changed_settings(toxic, change), toxicity=toxicity)
        return _json(toxic_view(toxic))

    async def delete_toxic(self, request: web.Request) -> web.Response:
        proxy, toxic = self._toxic(request)
        proxy.remove(toxic)
        return web.Response(status=204)

    async def version(self, request: web.Request) -> web.Response:
        del request
        body = msgspec.json.encode({"version": VERSION}) + b"\n"
        return web.Response(body=body, headers={"Content-Type": "application/json;charset=utf-8"})

    async def metrics(self, request: web.Request) -> web.Response:
        del request
        return web.Response(
            text=metrics.render(self._proxies), headers={"Content-Type": metrics.CONTENT_TYPE}
        )

    async def all_stats(self, request: web.Request) -> web.Response:
        del request
        return _json({proxy.name: proxy_stats(proxy) for proxy in self._proxies})

    async def stats(self, request: web.Request) -> web.Response:
        return _json(proxy_stats(self._proxy(request)))

    async def batch(self, request: web.Request) -> web.Response:
        answer = apply_batch(self._proxies, (await _body(request, BatchInput)).changes)
        return _json(answer, status=500 if answer.failures else 200)

    def _proxy(self, request: web.Request) -> Proxy:
        return self._proxies.get(request.match_info["proxy"])

    def _toxic(self, request: web.Request) -> tuple[Proxy, Toxic]:
        proxy = self._proxy(request)
        toxic = proxy.toxic(request.match_info["toxic"])
        if toxic is None:
            raise ApiError("toxic not found", 404)
        return proxy, toxic


@web.middleware
async def _answer_errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    exists = request.match_info.http_exception is None
    if exists and request.headers.get("User-Agent", "").startswith("Mozilla/"):
        return _plain("User agent not allowed\n", 403)  # no web page may drive the proxy
    try:
        return await handler(request)
    except ApiError as error:
        return _error(error.message, error.status)
    except OSError as error:
        return _error(_words(error), 500)
    except web.HTTPNotFound:
        return _plain("404 page not found\n", 404)
    except web.HTTPMethodNotAllowed:
        return web.Response(status=405)


async def _body(request: web.Request, shape: type[T]) -> T:
    raw = await request.read()
    try:
        return msgspec.json.decode(raw or b"", type=shape)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise ApiError(f"bad request body: {error if raw.strip() else 'EOF'}", 400) from error


def _words(error: OSError) -> str:
    return error.strerror or str(error)


def _json(answer: object, *, status: int = 200) -> web.Response:
    return web.Response(body=msgspec.json.encode(answer), status=status, content_type="application/json")


def _error(message: str, status: int) -> web.Response:
    return _plain(msgspec.json.encode({"error": message, "status": status}).decode() + "\n", status)


def _plain(text: str, status: int) -> web.Response:
    return web.Response(text=text, status=status, headers={"X-Content-Type-Options": "nosniff"})
