"""What the pytest plugin is made of: scenario files as tests, and a stack that Python tests break by hand."""

from __future__ import annotations

from harness.testing.outcomes import Inconclusive

__all__ = ["Inconclusive"]
