"""`python -m gateio_connector [serve | migrate]`."""

from common.connector.service import main
from gateio_connector import app

if __name__ == "__main__":
    main(app.NAME, app.start)
