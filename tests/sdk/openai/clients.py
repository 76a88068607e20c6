"""Clients of the server under test; they are only told its address and a token."""

import os

import openai

URL = os.environ["BOXWOOD_OPENAI_URL"]
TOKEN = os.environ["BOXWOOD_OPENAI_TOKEN"]
O4_MINI = os.environ["BOXWOOD_OPENAI_MODEL"]
LOCAL = os.environ["BOXWOOD_OPENAI_LOCAL"]
VERSION = "2025-04-01-preview"


def openai_client():
    """OpenAI's class at /v1."""
    return openai.OpenAI(base_url=f"{URL}/v1", api_key=TOKEN, max_retries=0)


def azure_v1_client():
    """OpenAI's class at Azure's newer address."""
    return openai.OpenAI(base_url=f"{URL}/openai/v1/", api_key=TOKEN, max_retries=0)


def azure_client():
    """Azure's class: deployments, a version, the key in a header of its own."""
    return openai.AzureOpenAI(azure_endpoint=URL, api_key=TOKEN, api_version=VERSION, max_retries=0)


WEATHER = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "Tells the weather of a city.",
        "strict": True,
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}},
            "required": ["city"],
            "additionalProperties": False,
        },
    },
}
