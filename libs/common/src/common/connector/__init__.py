"""The connector kit: what lives once for all exchanges. An exchange adds only pure translators (see `ports`)."""
