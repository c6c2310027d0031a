"""The tables of delivery, which every service that consumes or produces creates in its own schema by its own migration.

inbox             business keys already applied: a repeated fact finds its row and does nothing
outbox            messages decided but not yet acknowledged by the broker
consumer_offsets  the next offset of (consumer, topic, partition), written with the effects
consumer_brokers  which broker those offsets belong to
leases            who owns a shard, in which epoch, until when; lease_owners: who is alive to own any
dead_letters      records that could not be handled
"""

from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

NAMING_CONVENTION: Final = {
    "pk": "%(table_name)s_pkey",
    "ix": "%(table_name)s_%(column_0_N_name)s_idx",
    "uq": "%(table_name)s_%(column_0_N_name)s_key",
    "ck": "%(table_name)s_%(constraint_name)s_check",
    "fk": "%(table_name)s_%(column_0_N_name)s_fkey",
}

# Taken in the transaction of a batch: the row lock makes a take-over wait for our commit, and after a take-over the
# epoch no longer matches. The lock is shared, so that batches do not wait for each other.
_ASSERT_LEASE: Final = """
CREATE FUNCTION assert_lease(the_kind text, the_shard int, the_owner text, the_epoch bigint) RETURNS boolean
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM 1 FROM leases
    WHERE kind = the_kind AND shard = the_shard AND owner = the_owner AND epoch = the_epoch FOR SHARE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'lease on % % lost', the_kind, the_shard USING ERRCODE = 'CGT01';
    END IF;
    RETURN true;
END $$
"""


def new_metadata() -> sa.MetaData:
    """Metadata with the naming convention of all our constraints and indexes."""
    return sa.MetaData(naming_convention=NAMING_CONVENTION)


@dataclass(frozen=True, slots=True)
class DeliveryTables:
    """The delivery tables of one schema."""

    inbox: sa.Table
    outbox: sa.Table
    consumer_offsets: sa.Table
    consumer_brokers: sa.Table
    leases: sa.Table
    lease_owners: sa.Table
    dead_letters: sa.Table


def delivery_tables(metadata: sa.MetaData) -> DeliveryTables:
    """Define the delivery tables in this metadata."""
    return DeliveryTables(
        inbox=_inbox(metadata),
        outbox=_outbox(metadata),
        consumer_offsets=_consumer_offsets(metadata),
        consumer_brokers=_consumer_brokers(metadata),
        leases=_leases(metadata),
        lease_owners=_lease_owners(metadata),
        dead_letters=_dead_letters(metadata),
    )


def create_delivery_tables() -> None:
    """Create them all, from a service's migration."""
    metadata = new_metadata()
    delivery_tables(metadata)
    metadata.create_all(op.get_bind(), checkfirst=False)
    op.execute(_ASSERT_LEASE)


def drop_delivery_tables() -> None:
    """Drop them all, from a service's migration."""
    op.execute("DROP FUNCTION assert_lease")
    metadata = new_metadata()
    delivery_tables(metadata)
    metadata.drop_all(op.get_bind(), checkfirst=False)


def _now(name: str) -> "sa.Column[object]":
    # clock_timestamp(), not now(): the time of the row, not of its transaction's begin.
    return sa.Column(name, sa.TIMESTAMP(timezone=True), nullable=False, server_default=sa.func.clock_timestamp())


def _inbox(metadata: sa.MetaData) -> sa.Table:
    return sa.Table(
        "inbox",
        metadata,
        sa.Column("consumer", sa.Text, primary_key=True),
        sa.Column("message_id", sa.Text, primary_key=True),
        _now("at"),
        sa.Index(None, "at", postgresql_using="brin"),  # For pruning by age; rows arrive in this order.
    )


def _outbox(metadata: sa.MetaData) -> sa.Table:
    return sa.Table(
        "outbox",
        metadata,
        sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
        sa.Column("shard", sa.Integer, nullable=False),
        sa.Column("topic", sa.Text, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("ce_id", sa.Text, nullable=False, unique=True),
        sa.Column("ce_type", sa.Text, nullable=False),
        sa.Column("ce_source", sa.Text, nullable=False),
        sa.Column("ce_time_ms", sa.BigInteger, nullable=False),
        sa.Column("correlation_id", sa.Text),
        sa.Column("causation_id", sa.Text),
        sa.Column("traceparent", sa.Text),
        sa.Column("value", sa.LargeBinary),
        _now("created_at"),
    )


def _consumer_offsets(metadata: sa.MetaData) -> sa.Table:
    return sa.Table(
        "consumer_offsets",
        metadata,
        sa.Column("consumer", sa.Text, primary_key=True),
        sa.Column("topic", sa.Text, primary_key=True),
        sa.Column("part", sa.Integer, primary_key=True),
        sa.Column("next_offset", sa.BigInteger, sa.CheckConstraint("next_offset >= 0", "not_negative"), nullable=False),
        sa.Column("epoch", sa.BigInteger, nullable=False),
        postgresql_with={"fillfactor": "50"},  # Updated with every batch: room for heap-only updates.
    )


def _consumer_brokers(metadata: sa.MetaData) -> sa.Table:
    return sa.Table(
        "consumer_brokers",
        metadata,
        sa.Column("consumer", sa.Text, primary_key=True),
        sa.Column("shard", sa.Integer, primary_key=True),
        sa.Column("cluster_id", sa.Text, nullable=False),
    )


def _leases(metadata: sa.MetaData) -> sa.Table:
    return sa.Table(
        "leases",
        metadata,
        sa.Column("kind", sa.Text, primary_key=True),
        sa.Column("shard", sa.Integer, primary_key=True),
        sa.Column("owner", sa.Text),
        sa.Column("epoch", sa.BigInteger, nullable=False, server_default="0"),
        _now("expires_at"),
        postgresql_with={"fillfactor": "50"},
    )


def _lease_owners(metadata: sa.MetaData) -> sa.Table:
    return sa.Table(
        "lease_owners",
        metadata,
        sa.Column("kind", sa.Text, primary_key=True),
        sa.Column("owner", sa.Text, primary_key=True),
        _now("expires_at"),
        postgresql_with={"fillfactor": "50"},
    )


def _dead_letters(metadata: sa.MetaData) -> sa.Table:
    return sa.Table(
        "dead_letters",
        metadata,
        sa.Column("topic", sa.Text, primary_key=True),
        sa.Column("part", sa.Integer, primary_key=True),
        sa.Column("source_offset", sa.BigInteger, primary_key=True),
        sa.Column("ce_id", sa.Text, primary_key=True),
        sa.Column("key", sa.Text),
        sa.Column("value", sa.LargeBinary),
        sa.Column("headers", JSONB, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        _now("at"),
    )
