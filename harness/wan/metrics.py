"""The figures of Toxiproxy's `/metrics`, in Prometheus' text format."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from harness.wan.proxy import Proxy
from harness.wan.toxics.contract import Stream

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"


def render(proxies: Iterable[Proxy]) -> str:
    """Bytes received and sent by each direction of each proxy."""
    proxies = list(proxies)
    lines: list[str] = []
    for name, verb in (("received", "bytes_in"), ("sent", "bytes_out")):
        metric = f"toxiproxy_proxy_{name}_bytes_total"
        lines += [f"# HELP {metric} Bytes {name} by each direction of a proxy.", f"# TYPE {metric} counter"]
        lines += [
            f"{metric}{_labels(proxy, stream)} {getattr(proxy.counters[stream], verb)}"
            for proxy in proxies
            for stream in Stream
        ]
    return "\n".join([*lines, ""])


def _labels(proxy: Proxy, stream: Stream) -> str:
    labels = {
        "direction": stream.value,
        "listener": proxy.listen,
        "proxy": proxy.name,
        "upstream": proxy.upstream_text,
    }
    return "{" + ",".join(f'{name}="{_escaped(value)}"' for name, value in labels.items()) + "}"


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
