"""What a person sees while a run goes on: a live line on a terminal, plain lines elsewhere."""

from __future__ import annotations

from rich.console import Console
from rich.status import Status

from harness.model import events as e
from harness.model.stack_event import Moment
from harness.model.units import format_ns

_MOMENTS = {
    Moment.PRIMARY_SUSPECTED: "suspects the primary",
    Moment.FAILOVER_DECIDED: "decides to fail over",
    Moment.LOG_SEALED: "has sealed the log",
    Moment.PRIMARY_PROMOTED: "leads",
    Moment.PRIMARY_STEPPED_DOWN: "steps down",
}


class LiveTimeline:
    """Hears a run's events and prints those that a person wants to see, with their time in the scenario."""

    def __init__(self, console: Console, title: str) -> None:
        self._console = console
        self._title = title
        self._zero_ns: int | None = None
        self._told: set[tuple[str, int | None]] = set()
        self._status: Status | None = console.status(f"{title}: starting") if console.is_terminal else None
        if self._status is not None:
            self._status.start()

    def __call__(self, sequence: int, event: e.Event) -> None:
        """Take in one event."""
        if isinstance(event, e.LoadStarted):
            self._zero_ns = event.at_ns
        line = self._line(event)
        if line:
            text = f"{self._when(_moment(event))}  {line}"
            self._console.print(text, highlight=False, markup=False, soft_wrap=True)
        phase = self._phase(event)
        if phase and self._status is not None:
            self._status.update(f"{self._title}: {phase}")

    def close(self) -> None:
        """Take the live line away. Safe to call twice."""
        if self._status is not None:
            self._status.stop()
            self._status = None

    def _when(self, at_ns: int) -> str:
        return " " * 9 if self._zero_ns is None else f"{(at_ns - self._zero_ns) / 1e9:8.3f}s"

    def _line(self, event: e.Event) -> str:
        match event:
            case e.StackReady(took_ns=took_ns):
                return f"the stack is ready after {format_ns(took_ns)}"
            case e.LoadStarted():
                return "orders begin to flow"
            case e.SteadyStateJudged(outcome=outcome, summary=summary):
                return f"steady state {outcome}: {summary}"
            case e.FaultInjected() as struck:
                spread = format_ns(struck.last_effect_ns - struck.first_effect_ns)
                return (
                    f"fault {struck.fault_id} strikes ({struck.fault}; last effect {spread} after the first)"
                )
            case e.FaultFailed(fault_id=fault_id, reason=reason):
                return f"fault {fault_id} failed: {reason}"
            case e.FaultHealed(fault_id=fault_id, by=by):
                return f"fault {fault_id} healed by the {by}"
            case e.StackSaid() as said:
                return self._said(said)
            case e.ServiceExited(service=service, expected=False, code=code):
                return f"{service} died by itself (code {code})"
            case e.RunAborted(cause=cause, reason=reason):
                return f"stopped ({cause}): {reason}"
            case _:
                return ""

    def _said(self, said: e.StackSaid) -> str:
        event = said.event
        if self._zero_ns is None or event.kind not in _MOMENTS or (event.kind, event.epoch) in self._told:
            return ""
        self._told.add((event.kind, event.epoch))
        return f"  {event.service} {_MOMENTS[Moment(event.kind)]} (epoch {event.epoch})"

    def _phase(self, event: e.Event) -> str:
        match event:
            case e.StackReady():
                return "ready"
            case e.LoadStarted():
                return "under load"
            case e.FaultInjected(fault_id=fault_id):
                return f"{fault_id} in force"
            case e.FaultHealed():
                return "healed, watching for late symptoms"
            case e.LoadDrained():
                return "collecting and judging"
            case _:
                return ""


def _moment(event: e.Event) -> int:
    return event.first_effect_ns if isinstance(event, e.FaultInjected) else event.at_ns
