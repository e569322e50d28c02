"""Passwords of basic authentication (RFC 7617) against bcrypt hashes.

A check takes a tenth of a second of a core on purpose, so it runs in a thread, what was right once is remembered by a keyed
digest, and wrong guesses are few: who floods us with them gets neither the core nor the passwords.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import secrets
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor

import bcrypt
from pydantic import SecretStr

from agent.web.bucket import Bucket

MAX_REMEMBERED = 128
CHECK_SECONDS = 0.25
"""On average no more than one unknown pair of user and password is checked in this time ..."""
CHECK_BURST = 20
"""... but so many at once."""
MAX_PASSWORD_BYTES = 72
"""bcrypt looks no further."""


class TooManyGuesses(Exception):
    """More unknown pairs came than are checked."""


class Passwords:
    """Owned by the server: ``check`` belongs to its loop."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._key = secrets.token_bytes(32)
        self._right: dict[bytes, None] = {}
        self._guesses = Bucket(CHECK_SECONDS, CHECK_BURST, monotonic)
        self._worker = ThreadPoolExecutor(1, "wachter-passwords")

    def close(self) -> None:
        """Let the thread go."""
        self._worker.shutdown(wait=False, cancel_futures=True)

    async def check(self, hashes: Mapping[str, SecretStr], user: str, password: bytes) -> bool:
        """Whether the password is the user's; an unknown user takes as long as a wrong password.

        Raises:
            TooManyGuesses: it was not looked at.
        """
        known = hashes.get(user)
        hashed = (known.get_secret_value() if known is not None else _decoy(hashes)).encode()
        digest = hashlib.blake2b(hashed + user.encode() + b"\0" + password, key=self._key).digest()
        if digest in self._right:
            return True
        if not self._guesses.take():
            raise TooManyGuesses
        matches = await asyncio.get_running_loop().run_in_executor(self._worker, _matches, password, hashed)
        if known is None or not matches:
            return False
        if len(self._right) >= MAX_REMEMBERED:
            self._right.pop(next(iter(self._right)))
        self._right[digest] = None
        return True


def credentials_of(header: str) -> tuple[str, bytes] | None:
    """User and password of an ``Authorization`` header; ``None`` where it holds none."""
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        user, colon, password = base64.b64decode(encoded.strip(), validate=True).partition(b":")
        return (user.decode(), password) if colon else None
    except (binascii.Error, ValueError):
        return None


def _matches(password: bytes, hashed: bytes) -> bool:
    return len(password) <= MAX_PASSWORD_BYTES and bcrypt.checkpw(password, hashed)


def _decoy(hashes: Mapping[str, SecretStr]) -> str:
    """A hash as costly as the dearest of the users', that no password has."""
    cost = max((hashed.get_secret_value()[4:6] for hashed in hashes.values()), default="04")
    return f"$2b${cost}${'.' * 53}"
