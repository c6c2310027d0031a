"""The paper exchange's settings, read once from `CGT_PAPER_*`."""

from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """One port per face; port 0 lets the system choose."""

    model_config = SettingsConfigDict(env_prefix="CGT_PAPER_", frozen=True)

    host: str = "127.0.0.1"
    control_port: int = Field(default=7000, ge=0, le=65535)
    binance_port: int = Field(default=7001, ge=0, le=65535)
    bitget_port: int = Field(default=7002, ge=0, le=65535)
    gateio_port: int = Field(default=7003, ge=0, le=65535)
    mexc_port: int = Field(default=7004, ge=0, le=65535)
    market: Literal["walk", "still"] = "walk"
    walk_every_ms: int = Field(default=500, ge=10, description="how often a walking market takes a step")
    seed: int = 1
    clock: Literal["real"] | int = Field(default="real", description="`real`, or the ms at which time stands still")
    weight_per_minute: int = Field(default=6000, gt=0)
    orders_per_10s: int = Field(default=100, gt=0)
    orders_per_day: int = Field(default=200_000, gt=0)
    bitget_limit_scale: int = Field(default=1, gt=0, description="multiplies every rate limit of the Bitget face")
    gateio_limit_scale: int = Field(default=1, gt=0, description="multiplies every rate limit of the Gate.io face")
    max_orders: int = Field(default=200, gt=0, description="open orders of an account on one symbol")
    max_algo_orders: int = Field(default=5, gt=0, description="open stops of an account on one symbol")
    max_lists: int = Field(default=20, gt=0, description="open order lists of an account on one symbol")
