"""Why nothing can be read, in words for an operator: what is wrong, where, and what to do. No secret, no traceback."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Sequence

from kafka import errors
from kafka.structs import TopicPartition

from agent.kafka.offsets import NoLeaderError, as_partition
from agent.kafka.options import tls_context
from agent.source import Trouble
from config.errors import SourceError
from config.settings.source import KafkaSource as KafkaSettings

PROBE_SECONDS = 1.0
MAX_PROBED = 3
MAX_NAMED = 5


def explain(error: BaseException, settings: KafkaSettings) -> Trouble:
    """The trouble behind an exception of kafka-python or of our own."""
    if isinstance(error, SourceError):
        return Trouble("settings", str(error))
    if isinstance(error, errors.SaslAuthenticationFailedError | errors.UnsupportedSaslMechanismError):
        return _refused_login(error, settings)
    if isinstance(error, errors.AuthorizationError):
        return _not_authorised(error, settings)
    if isinstance(error, errors.FencedInstanceIdError):
        return fenced(settings)
    if isinstance(error, errors.InconsistentGroupProtocolError):
        what = f"group {settings.group!r} is in use by consumers of another kind. Give source.group a name of its own"
        return Trouble("group", what)
    if isinstance(error, errors.UnsupportedCodecError):
        return Trouble(
            "codec", f"records are compressed in a way that cannot be read here: {error}. Install its library"
        )
    if isinstance(error, errors.CorruptRecordError):
        return Trouble(
            "corrupt", f"{error}. Restore the partition from a replica, or delete the records before it ends"
        )
    if isinstance(error, NoLeaderError):
        return no_leader(error.partitions)
    if isinstance(error, errors.RetriableError | OSError):
        return unreachable(settings)
    return Trouble("kafka", f"{type(error).__name__}: {str(error)[:300]}")


def fenced(settings: KafkaSettings) -> Trouble:
    """Two processes go by one name."""
    return Trouble(
        "fenced",
        f"another process has joined group {settings.group!r} as instance_id {settings.instance_id!r}. "
        "Stop one of the two, or give each its own source.instance_id, then restart this one",
    )


def silent_group(settings: KafkaSettings) -> Trouble:
    """Brokers answer, the group's coordinator does not: a join takes too long, or nobody coordinates."""
    what = f"group {settings.group!r} has not answered for long: it waits for a busy member, or nobody coordinates it"
    return Trouble("group", f"{what}. Look at its members and at __consumer_offsets; trying again")


def missing_topics(topics: list[str], settings: KafkaSettings) -> Trouble:
    """The brokers do not know these topics."""
    names = ", ".join(repr(topic) for topic in topics)
    where = ", ".join(settings.brokers)
    return Trouble("missing_topic", f"{names} not found at {where}. Create it, or correct source.topics; looking again")


def no_leader(partitions: Sequence[TopicPartition]) -> Trouble:
    """The brokers that hold these partitions are away."""
    named = ", ".join(str(as_partition(part)) for part in partitions[:MAX_NAMED])
    more = f" and {len(partitions) - MAX_NAMED} more" if len(partitions) > MAX_NAMED else ""
    return Trouble("no_leader", f"no broker leads {named}{more}. Bring a broker back that holds it; looking again")


def unauthorised_topics(topics: list[str]) -> Trouble:
    """The brokers know these topics but will not show them."""
    names = ", ".join(repr(topic) for topic in topics)
    return Trouble("authorisation", f"not allowed to describe {names}. Grant Read and Describe on it; trying again")


def lost_position(part: str, wanted: int, first: int, end: int) -> Trouble:
    """A position is outside what the brokers hold, and the policy is to stop."""
    what = f"{part}: offset {wanted} is gone, the partition holds [{first}, {end})"
    return Trouble("gap", f"{what}, and gaps are set to fail. Restore the records, or accept the gap and restart")


def unreachable(settings: KafkaSettings) -> Trouble:
    """Try the brokers once, by hand, and say where it ends: name, port, TLS, or silence."""
    found = [_probe(address, settings) for address in settings.brokers[:MAX_PROBED]]
    kinds = {kind for kind, _ in found}
    kind = kinds.pop() if len(kinds) == 1 else "unreachable"
    return Trouble(kind, "; ".join(what for _, what in found) + "; trying again")


def _probe(address: str, settings: KafkaSettings) -> tuple[str, str]:
    host, _, port = address.rpartition(":")
    host = host.strip("[]")
    try:
        with socket.create_connection((host, int(port)), timeout=PROBE_SECONDS) as plain:
            if settings.tls is not None:
                tls_context(settings.tls).wrap_socket(plain, server_hostname=host).close()
    except socket.gaierror:
        return "unreachable", f"{address}: the name cannot be resolved. Check source.brokers"
    except ssl.SSLCertVerificationError as error:
        what = error.verify_message or error.reason
        return (
            "tls",
            f"{address}: its certificate is not accepted ({what}). Check source.tls.ca_file and the broker's name",
        )
    except ssl.SSLError as error:
        return "tls", f"{address}: no TLS connection ({error.reason or error}). Check that this port speaks TLS"
    except TimeoutError:
        return "unreachable", f"{address}: no answer within {PROBE_SECONDS:g} s. Check the address and the network"
    except OSError as error:
        return "unreachable", f"{address}: {(error.strerror or str(error)).lower()}. Check that the broker runs"
    what = "takes connections but does not answer as a Kafka broker would"
    return "silent", f"{address}: {what}. Check that source.tls and source.sasl fit this port, and the broker's health"


def _refused_login(error: BaseException, settings: KafkaSettings) -> Trouble:
    user = settings.sasl.username if settings.sasl is not None else None
    mechanism = settings.sasl.mechanism if settings.sasl is not None else None
    what = f"the brokers refused user {user!r} with {mechanism} ({type(error).__name__})"
    return Trouble("authentication", f"{what}. Check the password and source.sasl.mechanism; trying again")


def _not_authorised(error: BaseException, settings: KafkaSettings) -> Trouble:
    if isinstance(error, errors.GroupAuthorizationFailedError):
        return Trouble("authorisation", f"not allowed to join group {settings.group!r}. Grant Read on it; trying again")
    names = ", ".join(repr(topic) for topic in settings.topics)
    return Trouble("authorisation", f"not allowed to read {names}. Grant Read and Describe on it; trying again")
