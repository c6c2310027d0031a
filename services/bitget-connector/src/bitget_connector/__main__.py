"""`python -m bitget_connector [serve | migrate]`."""

from bitget_connector import app
from common.connector.service import main

if __name__ == "__main__":
    main(app.NAME, app.start)
