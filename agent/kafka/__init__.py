"""Events from Kafka: one member of the group owns every partition, the others stand by.

source      KafkaSource, the ``agent.source.Source`` that the loop polls
connection  one consumer with what belongs to it: built, watched, closed
options     the settings as options of kafka-python, every default set on purpose
assignor    who owns the partitions
membership  what this member knows of its place in the group
probe       what kafka-python knows but does not tell: fetch answers, heartbeats, metadata
trouble     why nothing can be read, in words for an operator
logs        kafka-python's own log lines, quietened
"""

from agent.kafka.source import KafkaSource

__all__ = ["KafkaSource"]
