"""MEXC's binary pushes: what the connector decodes and what the paper exchange encodes."""

from common.mexc_proto.codec import Push, UnreadablePush, body_name, decode

__all__ = ["Push", "UnreadablePush", "body_name", "decode"]
