"""Properties of a single broker that is its own controller, small and quick enough for tests.

The listener PLAINTEXT is always there, for tests to set the stage; SASL and TLS are what a source may connect to.
Records are kept for ever: those of tests bear dates of the past, and a broker that ran for minutes deleted them.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

USER, PASSWORD = "wachter", "wachter-secret"

_PROPERTIES = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
listeners=PLAINTEXT://127.0.0.1:{plain},SASL://127.0.0.1:{sasl},TLS://127.0.0.1:{tls},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{plain},SASL://127.0.0.1:{sasl},TLS://127.0.0.1:{tls}
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SASL:SASL_PLAINTEXT,TLS:SASL_SSL
sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256,SCRAM-SHA-512
listener.name.sasl.plain.sasl.jaas.config={plain_login}
listener.name.tls.plain.sasl.jaas.config={plain_login}
listener.name.sasl.scram-sha-256.sasl.jaas.config={scram_login}
listener.name.tls.scram-sha-256.sasl.jaas.config={scram_login}
listener.name.sasl.scram-sha-512.sasl.jaas.config={scram_login}
listener.name.tls.scram-sha-512.sasl.jaas.config={scram_login}
listener.name.tls.ssl.keystore.type=PEM
listener.name.tls.ssl.keystore.location={keystore}
log.dirs={logs}
offsets.topic.replication.factor=1
offsets.topic.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
broker.session.timeout.ms=2000
broker.heartbeat.interval.ms=500
auto.create.topics.enable=false
log.retention.ms=-1
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users=User:ANONYMOUS
allow.everyone.if.no.acl.found=true
"""
_PLAIN_LOGIN = f'org.apache.kafka.common.security.plain.PlainLoginModule required user_{USER}="{PASSWORD}";'
_SCRAM_LOGIN = "org.apache.kafka.common.security.scram.ScramLoginModule required;"


def server_properties(ports: Mapping[str, int], logs: Path, keystore: Path) -> str:
    """The text of ``server.properties``; ``ports`` are those of plain, sasl, tls and controller."""
    return _PROPERTIES.format(**ports, plain_login=_PLAIN_LOGIN, scram_login=_SCRAM_LOGIN, keystore=keystore, logs=logs)
