# syntax=docker/dockerfile:1
# One image for every service; docker-compose.yml says which module each container runs.

FROM python:3.11-slim AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 UV_NO_CACHE=1 UV_PYTHON_DOWNLOADS=never
WORKDIR /src
RUN pip install uv==0.13.9 && uv venv /opt/cgt
ENV VIRTUAL_ENV=/opt/cgt
COPY requirements.lock ./
COPY libs libs
COPY services services
# The lock as a constraint pins every version and checks every hash, and only what the services need at run time is taken.
RUN uv pip install --no-sources --constraint requirements.lock --build-constraint requirements.lock \
      ./libs/common ./services/binance-connector ./services/bitget-connector ./services/credentials-vault \
      ./services/gateio-connector ./services/gateway ./services/mexc-connector ./services/order-engine ./services/paper-exchange \
      ./services/portfolio ./services/sync

FROM python:3.11-slim AS run
RUN useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin cgt
COPY --from=build /opt/cgt /opt/cgt
ENV PATH=/opt/cgt/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
USER 10001:10001
ENTRYPOINT ["python"]
