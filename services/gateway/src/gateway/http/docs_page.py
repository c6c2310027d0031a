"""/api-docs: Swagger UI from this server alone.

People paste tokens into this page, so that no script on it comes from elsewhere; and it works where nothing else is
reached.
"""

from typing import Final

from fastapi import FastAPI
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import HTMLResponse
from starlette.staticfiles import StaticFiles

PATH: Final = "/api-docs"
_FILES: Final = f"{PATH}/files"


def install(app: FastAPI) -> None:
    """Serve the page, which shows the app's document, and what it consists of."""
    assert app.openapi_url is not None, "what is shown is served"
    page = get_swagger_ui_html(
        openapi_url=app.openapi_url,
        title=app.title,
        swagger_js_url=f"{_FILES}/swagger-ui-bundle.js",
        swagger_css_url=f"{_FILES}/swagger-ui.css",
        swagger_favicon_url=f"{_FILES}/favicon.png",
        swagger_ui_parameters={"validatorUrl": None},  # By default an online validator is told where we are.
    )
    app.mount(_FILES, StaticFiles(packages=[("fastapi_offline", "static")]))

    @app.get(PATH, include_in_schema=False)
    async def documentation() -> HTMLResponse:
        return page
