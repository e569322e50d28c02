"""``wachter run`` that looks for new partitions every two seconds instead of every minute: a test need not wait for it."""

from __future__ import annotations

import sys

from agent import cli
from agent.kafka import options
from tests.parts.live_agent import LiveAgent

METADATA_SECONDS = 2.0


class HastyAgent(LiveAgent):
    def _run_command(self) -> list[str]:
        return [sys.executable, "-m", "tests.faults.hasty_agent", "run", "--settings", str(self.settings)]


if __name__ == "__main__":
    options.METADATA_MAX_AGE_SECONDS = METADATA_SECONDS
    cli.main()
