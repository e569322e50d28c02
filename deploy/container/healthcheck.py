"""Exit 0 while the agent's own ``/-/healthy`` says so; what the image's HEALTHCHECK runs.

Another address is given as an argument or in ``WACHTER_HEALTH_URL``. The certificate of the agent is not checked: it is
asked on loopback, and it carries the name that others reach it by. Being asked for a user or a certificate is an answer:
an agent that lets nobody in without a certificate hangs up, so of such a one no more is known than that it serves.
"""

import os
import ssl
import sys
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from urllib.parse import SplitResult, urlsplit

ADDRESS = "http://127.0.0.1:9464/-/healthy"
TIMEOUT_SECONDS = 4.0
HEALTHY = (200, 401)


def main() -> None:
    """Ends with 0: healthy, or with 1 and the reason on standard error."""
    address = sys.argv[1] if len(sys.argv) > 1 else os.environ.get("WACHTER_HEALTH_URL", ADDRESS)
    status, said = ask(urlsplit(address))
    if status not in HEALTHY:
        sys.exit(f"{address}: {status or 'no answer'}: {said}")


def ask(address: SplitResult) -> tuple[int, str]:
    """Status and text of the answer; status 0 and the reason where there is none."""
    connection = _connection(address)
    try:
        connection.request("GET", address.path)
        answer = connection.getresponse()
        return answer.status, answer.read(500).decode(errors="replace").strip()
    except (OSError, HTTPException) as error:
        return (401 if address.scheme == "https" and _asks_for_a_certificate(error) else 0), str(error)
    finally:
        connection.close()


def _asks_for_a_certificate(error: Exception) -> bool:
    """Some servers send an alert; asyncio's hangs up, with TLS 1.2 in the handshake, with TLS 1.3 after it."""
    if isinstance(error, ssl.SSLError):
        return isinstance(error, ssl.SSLEOFError) or "ALERT" in (error.reason or "")
    return isinstance(error, (ConnectionResetError, BrokenPipeError))  # http.client's RemoteDisconnected is the former


def _connection(address: SplitResult) -> HTTPConnection:
    if address.scheme == "http":
        return HTTPConnection(address.netloc, timeout=TIMEOUT_SECONDS)
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return HTTPSConnection(address.netloc, timeout=TIMEOUT_SECONDS, context=context)


if __name__ == "__main__":
    main()
