"""What can go wrong on the bus, by what the caller does about it."""

from common.errors import CgtError


class MessageTooLarge(CgtError):
    """A message above the size every broker is configured to take; it is refused before anything is sent."""

    def __init__(self, topic: str, size: int, limit: int) -> None:
        super().__init__(f"A message for {topic} has {size} bytes; the limit is {limit}. Split it or send a reference.")
        self.topic = topic
        self.size = size
        self.limit = limit


class TopicMismatch(CgtError):
    """A topic exists with another number of partitions than the setting says, so shards would not line up."""

    def __init__(self, topic: str, found: int, wanted: int) -> None:
        super().__init__(
            f"Topic {topic} has {found} partitions, CGT_PARTITIONS says {wanted}: set CGT_PARTITIONS to {found}, "
            "or recreate every account-keyed topic with the new count."
        )
        self.topic = topic
        self.found = found
        self.wanted = wanted


class TopicRefused(CgtError):
    """The broker will not create a topic, and would not later either."""

    def __init__(self, topic: str, reason: str) -> None:
        super().__init__(
            f"The broker refuses to create {topic} ({reason}): check CGT_REPLICATION against the number of brokers, "
            "and what this client may do."
        )
        self.topic = topic
        self.reason = reason


class ShardLost(CgtError):
    """Raised by a handler that no longer owns its shard: the runner drops the shard, and nothing is dead-lettered."""

    def __init__(self, shard: int) -> None:
        super().__init__(f"shard {shard} belongs to another owner now")
        self.shard = shard
