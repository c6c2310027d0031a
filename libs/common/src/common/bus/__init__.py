"""Kafka: topics as data, CloudEvents messages, the publisher, and three ways to read (hot, tail, cold)."""
