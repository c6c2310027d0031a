"""PostgreSQL: the pool, migrations, and the tables that make delivery at least once and effects exactly once."""
