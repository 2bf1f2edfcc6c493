"""The WAN between providers: an embedded TCP fault proxy that speaks Toxiproxy's HTTP API, and its client.

`python -m harness.wan` is the proxy; `harness.wan.client.WanClient` drives it, or a real Toxiproxy server.
"""
