"""The Responses API with the official Python package, for OpenAI and for Azure."""

import time
import unittest

import openai
from pydantic import BaseModel

from clients import O4_MINI, WEATHER, azure_client, azure_v1_client, openai_client

TOOL = {"type": "function", **WEATHER["function"]}


class Sun(BaseModel):
    direction: str
    sure: bool


class ResponsesTests:
    def create(self, **parameters):
        return self.client.responses.create(model=O4_MINI, **parameters)

    def test_a_response_has_text_summary_and_usage(self):
        response = self.create(input="Think!", instructions="Be brief.", reasoning={"effort": "low", "summary": "auto"})
        self.assertEqual((response.status, response.output_text), ("completed", "In the east."))
        self.assertEqual(response.output[0].type, "reasoning")
        self.assertEqual(response.output[0].summary[0].text, "The east, surely.")
        self.assertEqual(response.usage.output_tokens_details.reasoning_tokens, 64)
        self.assertEqual(response.usage.input_tokens_details.cached_tokens, 1024)

    def test_responses_are_continued_and_deleted(self):
        first = self.create(input="Where does the sun rise?")
        second = self.create(input="Are you sure?", previous_response_id=first.id)
        self.assertEqual(second.previous_response_id, first.id)
        self.assertEqual(self.client.responses.retrieve(second.id).output_text, second.output_text)
        items = list(self.client.responses.input_items.list(first.id))
        self.assertEqual(items[0].content[0].text, "Where does the sun rise?")
        self.client.responses.delete(first.id)
        with self.assertRaises(openai.NotFoundError):
            self.client.responses.retrieve(first.id)
        with self.assertRaises(openai.BadRequestError) as raised:
            self.create(input="x", previous_response_id=first.id)
        self.assertEqual(raised.exception.code, "previous_response_not_found")

    def test_nothing_is_kept_where_that_is_asked_for(self):
        response = self.create(input="Where?", store=False, include=["reasoning.encrypted_content"])
        with self.assertRaises(openai.NotFoundError):
            self.client.responses.retrieve(response.id)

    def test_sealed_reasoning_is_taken_back(self):
        first = self.create(input="Think!", store=False, include=["reasoning.encrypted_content"])
        self.assertTrue(first.output[0].encrypted_content)
        history = [{"role": "user", "content": "Think!"}, *first.output, {"role": "user", "content": "Where?"}]
        second = self.create(input=history, store=False, include=["reasoning.encrypted_content"])
        self.assertEqual(second.output_text, "The sun rises in the east.")

    def test_functions_are_called_and_answered(self):
        first = self.create(input="The weather in Oslo and in Bergen?", tools=[TOOL])
        calls = [item for item in first.output if item.type == "function_call"]
        self.assertEqual([call.arguments for call in calls], ['{"city":"Oslo"}', '{"city":"Bergen"}'])
        outputs = [{"type": "function_call_output", "call_id": call.call_id, "output": "5 °C"} for call in calls]
        second = self.create(input=outputs, previous_response_id=first.id, tools=[TOOL])
        self.assertEqual(second.output_text, "The tool says: 5 °C")
        # The same without anything kept: the client sends everything back.
        history = [{"role": "user", "content": "The weather in Oslo and in Bergen?"}, *first.output, *outputs]
        third = self.create(input=history, tools=[TOOL], store=False)
        self.assertEqual(third.output_text, "The tool says: 5 °C")

    def test_structured_output_becomes_an_object(self):
        response = self.client.responses.parse(model=O4_MINI, input="Where?", text_format=Sun)
        self.assertEqual(response.output_parsed, Sun(direction="east", sure=True))

    def test_events_are_numbered_and_collected(self):
        with self.client.responses.stream(model=O4_MINI, input="Think!", reasoning={"summary": "auto"}) as stream:
            events = list(stream)
            final = stream.get_final_response()
        self.assertEqual([event.sequence_number for event in events], sorted(event.sequence_number for event in events))
        self.assertEqual("".join(e.delta for e in events if e.type == "response.output_text.delta"), "In the east.")
        self.assertIn("response.reasoning_summary_text.delta", {event.type for event in events})
        self.assertEqual(final.output_text, "In the east.")

    def test_a_response_goes_on_in_the_background(self):
        response = self.create(input="Think!", background=True)
        self.assertIn(response.status, ("queued", "in_progress"))
        until = time.monotonic() + 20
        while response.status in ("queued", "in_progress") and time.monotonic() < until:
            time.sleep(0.05)
            response = self.client.responses.retrieve(response.id)
        self.assertEqual((response.status, response.output_text), ("completed", "In the east."))
        self.assertEqual(self.client.responses.cancel(response.id).status, "completed")

    def test_background_events_are_told_too(self):
        events = list(self.create(input="Think!", background=True, stream=True))
        self.assertEqual(events[-1].type, "response.completed")

    def test_a_failure_in_a_stream_is_told(self):
        events = list(self.create(input="Break!", stream=True))
        self.assertEqual(events[-1].type, "response.failed")
        self.assertEqual(events[-1].response.error.code, "server_error")

    def test_a_cut_response_is_incomplete(self):
        response = self.create(input="Cut!", max_output_tokens=16)
        self.assertEqual((response.status, response.incomplete_details.reason), ("incomplete", "max_output_tokens"))

    def test_the_contract_is_kept(self):
        with self.assertRaises(openai.BadRequestError) as raised:
            self.create(input="x", temperature=0.5)
        self.assertEqual(raised.exception.param, "temperature")


class OpenAIResponsesTest(ResponsesTests, unittest.TestCase):
    def setUp(self):
        self.client = openai_client()


class AzureV1ResponsesTest(ResponsesTests, unittest.TestCase):
    def setUp(self):
        self.client = azure_v1_client()


class AzureResponsesTest(ResponsesTests, unittest.TestCase):
    def setUp(self):
        self.client = azure_client()


if __name__ == "__main__":
    unittest.main()
