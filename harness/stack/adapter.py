"""How the harness speaks to a system under test: one class that a stack's owner writes.

An adapter is synchronous and must work under gevent (pure Python sockets, no C client). One instance serves one
connection; `invoke` may be called from several threads or greenlets at once, and must answer within its deadline.
Any exception becomes `Info`, never `Fail`: an error reply is no evidence that an order was rejected; answer `Fail` only
for what the venue has decided. Adapters run in worker processes, never in the engine's.

Deadlines are seconds from the call. The optional protocols are found by their methods; a stack that lacks one makes the
predicates that need it UNKNOWN, unless it waives them with a reason. Whatever their methods raise is told in the run's
journal as data that could not be read, and the run goes on.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol, runtime_checkable

from harness.model.instrument import Instrument
from harness.model.operations import Operation, RegisterKind, Reply
from harness.model.quotes import QuoteBatch
from harness.model.replica import AccountReport, ReplicaDump
from harness.model.stack_event import StackEvent


class Address(NamedTuple):
    """Where to connect: a host and a TCP port."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


class Adapter(Protocol):
    """The one thing that every stack must offer. Created without arguments."""

    def connect(self, address: Address, *, deadline_s: float) -> None:
        """Connect to an entry point; raise `OSError` when that is impossible within the deadline.

        Called once, before `invoke`; a client that must reconnect makes a new adapter.
        """

    def invoke(self, operation: Operation, *, deadline_s: float) -> Reply:
        """Carry out one operation: `Ok` with what it came to, `Fail` if the venue decided against it, else `Info`.

        What the network does (a time-out, a reset, half an answer) is `Info`. A venue's word that it does not know
        whether an order was carried out is `Info`, too.
        """

    def close(self) -> None:
        """Close the connection. Safe to call twice, and before `connect`."""


@runtime_checkable
class Heartbeat(Protocol):
    """Lets a client tell a dead connection from a slow order (a time-out of an order alone proves neither)."""

    def ping(self, *, deadline_s: float) -> bool:
        """Whether the far end of the open connection answered in time; an exception counts as no."""


@runtime_checkable
class Leadership(Protocol):
    """Reads who leads, and each step of a failover, from what services print on standard output."""

    def stack_event(self, service: str, line: bytes) -> StackEvent | None:
        """The event that one line of a service's standard output tells, or None. `line` is without its end."""


@runtime_checkable
class Quotes(Protocol):
    """Reads what a pricing service published."""

    def quotes(self, address: Address, *, since: int, deadline_s: float) -> QuoteBatch:
        """Quotes with a cursor above `since` (0 at first), oldest first; none is no error.

        A service that was started again may count from 0: its batch then ends below `since`, and all is asked again.
        """


@runtime_checkable
class DropCopy(Protocol):
    """Reads everything a replica knows, from the replica itself, past every gateway."""

    def replica(self, address: Address, *, deadline_s: float) -> ReplicaDump:
        """The replica's log, executions, orders and balances, as it holds them itself.

        It is read more than once, after the load was drained and all faults were healed.
        """


@runtime_checkable
class Accounts(Protocol):
    """Reads what the venue tells its clients about their accounts, over the adapter's own connection."""

    def account_reports(self, *, deadline_s: float) -> list[AccountReport]:
        """A report of each account, read through the entry point as a client would."""


@runtime_checkable
class Metrics(Protocol):
    """Reads a service's own figures. No check asks for them yet."""

    def metrics(self, address: Address, *, deadline_s: float) -> dict[str, float]:
        """Name to value, in base units (seconds, bytes)."""


@runtime_checkable
class Registers(Protocol):
    """Says that the stack holds registers instead of orders; `Market` is then not asked."""

    def registers(self) -> list[RegisterKind]:
        """Which operations it offers: reads and writes at least. Needs no connection.

        A register that was never written reads as `Ok(value=None)`. `Fail` says that an operation took no effect and never
        will: a compare-and-set that found another value, a write that the store refused. No change is ever sent twice.
        """


@runtime_checkable
class Market(Protocol):
    """Says what can be traded, so that the order flow can be made for this stack."""

    def market(self) -> list[Instrument]:
        """The instruments, in an order that never changes: the seed draws from it. Needs no connection."""
