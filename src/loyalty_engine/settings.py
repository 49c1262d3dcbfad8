"""Settings: the environment read once into one frozen object. Only the bootstrap and the CLI read it."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

ConnectionCount = Annotated[int, Field(ge=1, le=64)]


class Settings(BaseSettings):
    """What an operator can choose; each is an environment variable ``LOYALTY_…``."""

    model_config = SettingsConfigDict(env_prefix="LOYALTY_", frozen=True, extra="ignore")

    database_url: str | None = Field(
        default=None, description="postgresql://… of a server of your own; without it one is started under state_dir."
    )
    state_dir: Path | None = Field(default=None, description="Where the embedded server keeps its data.")
    gather_connections: ConnectionCount = Field(default=1, description="Pinned connections per process for gather.")
    record_connections: ConnectionCount = Field(default=2, description="Pinned connections per process for record.")
    read_connections: ConnectionCount = Field(default=4, description="Most connections per process for reads.")
    batch_limit: Annotated[int, Field(ge=1, le=256)] = Field(
        default=32, description="Most requests that share one round trip."
    )
    host: str = Field(default="127.0.0.1", description="Address to listen on.")
    processes: Annotated[int, Field(ge=1, le=64)] = Field(default=1, description="API processes to run.")
    api_key: SecretStr | None = Field(
        default=None, description="The API key with which plan, apply and demo ask the service at --url."
    )
    keep_refusals_days: Annotated[int, Field(ge=35, le=36_500)] = Field(
        default=90, description="How long a refused key stays refused."
    )
    keep_jobs_days: Annotated[int, Field(ge=1, le=36_500)] = Field(
        default=30, description="How long periodic runs can be read after they ended."
    )
    guesses_per_buyer: Annotated[int, Field(ge=1, le=1_000_000)] = Field(
        default=30, description="Unknown promo codes that a member or guest may try in ten minutes."
    )
    guesses_per_client: Annotated[int, Field(ge=1, le=1_000_000)] = Field(
        default=600, description="Unknown promo codes that may be tried with an API key in ten minutes."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="What is logged at least."
    )
