"""What the programs talk about: a tool with its arguments, and a shape for structured answers."""

from __future__ import annotations

from pydantic import BaseModel, Field


class Invoice(BaseModel):
    """What is to be read out of a text."""

    customer: str
    total: float
    items: list[str]


class Weather(BaseModel):
    """Tell the weather of a city for some days."""

    city: str
    days: int = Field(description="How many days, from tomorrow")


def get_weather(city: str, days: int) -> str:
    """Tell the weather of a city for some days."""
    return f"{days} days of rain in {city}"
