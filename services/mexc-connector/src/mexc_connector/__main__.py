"""`python -m mexc_connector [serve | migrate]`."""

from common.connector.service import main
from mexc_connector import app

if __name__ == "__main__":
    main(app.NAME, app.start)
