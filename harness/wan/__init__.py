"""The WAN between providers: an embedded TCP fault proxy that speaks Toxiproxy's HTTP API, and its client.

`python -m harness.wan` is the proxy; `harness.wan.client.WanClient` drives it, or a real Toxiproxy server.

What it has beyond Toxiproxy 2.12, all of it out of the way of plain Toxiproxy clients:

- the toxics `stall` (silence behind a completed handshake), `drop` (handshakes unanswered, too) and `reject` (a
  reset), each with `established: cut | stall | keep` and `sever`; while a direction is dark no byte, close or reset
  comes out at its far end, whatever dies at its source;
- `GET /stats` and `GET /proxies/{name}/stats`: bytes, connections, and when the last byte moved;
- `POST /batch`: many changes in one step, idempotent, checked before the first is made, with the times of the first
  and the last and the state read back;
- fractions of a millisecond wherever Toxiproxy takes whole ones; random draws that follow from `--seed`.

Where it differs from Toxiproxy, and why, stands in `docs/wan.md`; `tests/wan/test_conformance_differences.py` shows it.
"""
