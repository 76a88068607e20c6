"""LangChain's classes for Azure, unmodified."""

import unittest

from langchain_core.messages import HumanMessage, SystemMessage, ToolMessage
from langchain_openai import AzureChatOpenAI, AzureOpenAIEmbeddings
from pydantic import BaseModel, Field

from clients import O4_MINI, TOKEN, URL, VERSION


class weather(BaseModel):
    """Tells the weather of a city."""

    city: str = Field(description="The city")


class Sun(BaseModel):
    """Where the sun rises."""

    direction: str
    sure: bool


def model(**parameters):
    return AzureChatOpenAI(
        azure_endpoint=URL, api_key=TOKEN, api_version=VERSION, azure_deployment=O4_MINI, max_retries=0, **parameters
    )


class LangChainTest(unittest.TestCase):
    def test_an_answer_with_its_tokens(self):
        answer = model(reasoning_effort="low").invoke([SystemMessage("Be brief."), HumanMessage("Think!")])
        self.assertEqual(answer.content, "In the east.")
        self.assertEqual(answer.usage_metadata["output_token_details"]["reasoning"], 64)
        self.assertEqual(answer.usage_metadata["input_token_details"]["cache_read"], 1024)
        self.assertEqual(answer.response_metadata["finish_reason"], "stop")

    def test_a_stream(self):
        pieces = list(model().stream("Think!"))
        self.assertEqual("".join(piece.content for piece in pieces), "In the east.")

    def test_tools_over_two_turns(self):
        with_tools = model().bind_tools([weather])
        question = HumanMessage("The weather in Oslo?")
        answer = with_tools.invoke([question])
        call = answer.tool_calls[0]
        self.assertEqual((call["name"], call["args"]), ("weather", {"city": "Oslo"}))
        last = with_tools.invoke([question, answer, ToolMessage("5 °C", tool_call_id=call["id"])])
        self.assertEqual(last.content, "The tool says: 5 °C")

    def test_structured_output(self):
        structured = model().with_structured_output(Sun, method="json_schema", strict=True)
        self.assertEqual(structured.invoke("Where?"), Sun(direction="east", sure=True))

    def test_the_responses_api(self):
        answer = model(use_responses_api=True).invoke("Think!")
        self.assertEqual(answer.text if isinstance(answer.text, str) else answer.text(), "In the east.")

    def test_what_the_contract_refuses(self):
        with self.assertRaises(Exception) as raised:
            model(temperature=0).invoke("x")
        self.assertIn("temperature", str(raised.exception))

    def test_embeddings(self):
        embeddings = AzureOpenAIEmbeddings(
            azure_endpoint=URL,
            api_key=TOKEN,
            api_version=VERSION,
            azure_deployment="counting",
            check_embedding_ctx_length=False,
        )
        self.assertEqual(embeddings.embed_query("four"), [0.25, -0.5, 4.0])


if __name__ == "__main__":
    unittest.main()
