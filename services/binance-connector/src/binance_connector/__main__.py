"""`python -m binance_connector [serve | migrate]`."""

from binance_connector import app
from common.connector.service import main

if __name__ == "__main__":
    main(app.NAME, app.start)
