"""A member of a group in a process of its own, so that it can be killed and frozen. Told by lines on standard input.

Commands: ``own`` and ``stand_by`` poll until it is so, ``poll`` polls until the next command comes, ``commit OFFSET NOTE``
commits once for the first owned partition, ``keep OFFSET NOTE`` polls and commits until it is taken, ``still_owner`` asks
for the last epoch. Each is answered by one line.
"""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
from typing import Any

import structlog

from agent.source import Committed
from config.settings.source import KafkaSource as KafkaSettings
from tests.parts.kafka import ROOT
from tests.parts.members import Member, settings_for


class MemberProcess:
    """The parent's end."""

    def __init__(self, bootstrap: str, topic: str, **others: Any) -> None:
        told = json.dumps({"bootstrap": bootstrap, "topic": topic, **others})
        command = [sys.executable, "-m", "tests.parts.member_process", told]
        self._process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def __enter__(self) -> MemberProcess:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def tell(self, command: str) -> None:
        """Send a command without waiting for its answer."""
        assert self._process.stdin is not None
        self._process.stdin.write(command + "\n")
        self._process.stdin.flush()

    def answer(self) -> str:
        """The next answer."""
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()

    def answered(self) -> bool:
        """Whether an answer waits to be read."""
        return bool(select.select([self._process.stdout], [], [], 0)[0])

    def ask(self, command: str) -> str:
        """Send a command and wait for its answer."""
        self.tell(command)
        return self.answer()

    def freeze(self) -> None:
        """Stop it where it stands, its connections open."""
        os.kill(self._process.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        os.kill(self._process.pid, signal.SIGCONT)

    def kill(self) -> None:
        """End it at once."""
        self._process.kill()
        self._process.wait(timeout=10)
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None and not stream.closed:
                stream.close()


def obey(member: Member, command: str) -> str:
    """Carry out one command."""
    verb, *words = command.split(" ", 2)
    if verb == "own":
        member.until(lambda: member.owns)
    elif verb == "stand_by":
        member.until(lambda: member.stands_by)
    elif verb == "poll":
        member.until(lambda: select.select([sys.stdin], [], [], 0)[0], 60)
    elif verb in ("commit", "keep"):
        commit = {member.assignments[-1].partitions[0]: Committed(int(words[0]), words[1])}
        if verb == "commit":
            return str(member.source.commit(commit))
        member.until(lambda: member.source.commit(commit))
    elif verb == "still_owner":
        return str(member.source.still_owner(member.last.epoch))
    return "done"


def main() -> None:
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))  # standard output is for answers
    told = json.loads(sys.argv[1])
    settings: KafkaSettings = settings_for(told.pop("bootstrap"), told.pop("topic"), **told)
    with Member(settings) as member:
        for line in sys.stdin:
            print(obey(member, line.rstrip("\n")), flush=True)


if __name__ == "__main__":
    main()
