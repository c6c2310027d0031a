"""How long a filled entry stays unprotected: our durable path beside a bare loop and a ccxt.pro bot."""
