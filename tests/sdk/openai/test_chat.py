"""Chat completions, embeddings and models with the official Python package, once for each way to address them."""

import unittest

import openai
from pydantic import BaseModel

from clients import LOCAL, O4_MINI, WEATHER, azure_client, azure_v1_client, openai_client


def user(content):
    return [{"role": "user", "content": content}]


class Sun(BaseModel):
    direction: str
    sure: bool


class ChatTests:
    """What every client can do."""

    def test_a_reasoning_model_answers_and_tells_its_tokens(self):
        answer = self.client.chat.completions.create(
            model=O4_MINI,
            messages=[{"role": "developer", "content": "Be brief."}, *user("Think: where does the sun rise?")],
            reasoning_effort="low",
            max_completion_tokens=500,
        )
        self.assertEqual(answer.choices[0].message.content, "In the east.")
        self.assertEqual(answer.choices[0].finish_reason, "stop")
        self.assertEqual(answer.model, O4_MINI)
        self.assertEqual(answer.usage.completion_tokens_details.reasoning_tokens, 64)
        self.assertEqual(answer.usage.prompt_tokens_details.cached_tokens, 1024)
        self.assertEqual(answer.model_extra["boxwood"]["served_by"]["name"], LOCAL)
        self.assertTrue(answer._request_id)

    def test_a_stream_has_text_and_usage(self):
        stream = self.client.chat.completions.create(
            model=O4_MINI, messages=user("Think!"), stream=True, stream_options={"include_usage": True}
        )
        chunks = list(stream)
        text = "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
        self.assertEqual(text, "In the east.")
        self.assertEqual(chunks[-1].usage.total_tokens, 1580)
        self.assertEqual([c.choices[0].finish_reason for c in chunks if c.choices][-1], "stop")

    def test_the_helper_for_streams_collects_calls(self):
        with self.client.chat.completions.stream(model=O4_MINI, messages=user("The weather?"), tools=[WEATHER]) as stream:
            for _ in stream:
                pass
            final = stream.get_final_completion()
        call = final.choices[0].message.tool_calls[0]
        self.assertEqual((call.function.name, call.function.arguments), ("weather", '{"city":"Oslo"}'))

    def test_tools_are_called_and_their_results_read(self):
        messages = user("The weather in Oslo and in Bergen?")
        answer = self.client.chat.completions.create(model=O4_MINI, messages=messages, tools=[WEATHER], tool_choice="auto")
        self.assertEqual(answer.choices[0].finish_reason, "tool_calls")
        calls = answer.choices[0].message.tool_calls
        self.assertEqual(len({call.id for call in calls}), 2)
        messages.append(answer.choices[0].message)
        messages += [{"role": "tool", "tool_call_id": call.id, "content": "5 °C"} for call in calls]
        last = self.client.chat.completions.create(model=O4_MINI, messages=messages, tools=[WEATHER])
        self.assertEqual(last.choices[0].message.content, "The tool says: 5 °C")

    def test_structured_output_becomes_an_object(self):
        answer = self.client.chat.completions.parse(model=O4_MINI, messages=user("Where?"), response_format=Sun)
        self.assertEqual(answer.choices[0].message.parsed, Sun(direction="east", sure=True))
        plain = self.client.chat.completions.create(
            model=O4_MINI, messages=user("Some JSON?"), response_format={"type": "json_object"}
        )
        self.assertEqual(plain.choices[0].message.content, '{"any":"object"}')

    def test_pictures_are_sent(self):
        url = "data:image/png;base64,iVBORw0KGgo="
        content = [{"type": "text", "text": "A picture?"}, {"type": "image_url", "image_url": {"url": url}}]
        answer = self.client.chat.completions.create(model=O4_MINI, messages=user(content))
        self.assertEqual(answer.choices[0].message.content, "1 picture of 8 bytes")

    def test_an_answer_that_was_cut_says_so(self):
        answer = self.client.chat.completions.create(model=O4_MINI, messages=user("Cut!"))
        self.assertEqual((answer.choices[0].finish_reason, answer.choices[0].message.content), ("length", ""))

    def test_what_the_contract_refuses_is_a_bad_request(self):
        for name, value, code in [
            ("temperature", 0.1, "unsupported_value"),
            ("top_p", 0.5, "unsupported_parameter"),
            ("max_tokens", 5, "unsupported_parameter"),
            ("stop", "x", "unsupported_parameter"),
        ]:
            with self.subTest(name), self.assertRaises(openai.BadRequestError) as raised:
                self.client.chat.completions.create(model=O4_MINI, messages=user("x"), **{name: value})
            self.assertEqual((raised.exception.param, raised.exception.code), (name, code))

    def test_an_unknown_model_is_not_found(self):
        with self.assertRaises(openai.NotFoundError) as raised:
            self.client.chat.completions.create(model="azure__openai__gpt_o4_mino", messages=user("x"))
        self.assertIn(O4_MINI, str(raised.exception))

    def test_a_stream_that_breaks_is_an_error(self):
        stream = self.client.chat.completions.create(model=O4_MINI, messages=user("Break!"), stream=True)
        with self.assertRaises(openai.APIError):
            list(stream)

    def test_texts_are_embedded(self):
        answer = self.client.embeddings.create(model="counting", input=["a", "four"])
        self.assertEqual([entry.embedding for entry in answer.data], [[0.25, -0.5, 1.0], [0.25, -0.5, 4.0]])

    def test_models_are_listed(self):
        names = [model.id for model in self.client.models.list()]
        self.assertIn(O4_MINI, names)
        self.assertEqual(self.client.models.retrieve(LOCAL).id, LOCAL)

    def test_a_wrong_key_is_refused(self):
        with self.assertRaises(openai.AuthenticationError):
            self.client.copy(api_key="nonsense").chat.completions.create(model=O4_MINI, messages=user("x"))


class OpenAITest(ChatTests, unittest.TestCase):
    def setUp(self):
        self.client = openai_client()

    def test_a_local_model_takes_sampling_and_tells_probabilities(self):
        answer = self.client.chat.completions.create(
            model=LOCAL, messages=user("Where?"), temperature=0.2, top_p=0.9, logprobs=True, n=2, seed=7, stop=["zzz"]
        )
        self.assertEqual(len(answer.choices), 2)
        first = answer.choices[0].logprobs.content[0]
        self.assertEqual((first.token, bytes(first.bytes)), ("The ", b"The "))
        self.assertLess(first.logprob, 0)

    def test_the_host_s_own_name_is_the_card(self):
        with self.assertRaises(openai.BadRequestError):
            self.client.chat.completions.create(model="o4-mini", messages=user("x"), temperature=0.1)

    def test_the_header_tells_what_served(self):
        raw = self.client.chat.completions.with_raw_response.create(model=O4_MINI, messages=user("Where?"))
        self.assertEqual(raw.headers["x-boxwood-served-by"], f"{LOCAL}; relation=stand_in")


class AzureV1Test(ChatTests, unittest.TestCase):
    def setUp(self):
        self.client = azure_v1_client()


class AzureTest(ChatTests, unittest.TestCase):
    def setUp(self):
        self.client = azure_client()

    def test_filter_results_are_there(self):
        answer = self.client.chat.completions.create(model=O4_MINI, messages=user("Where?"))
        self.assertEqual(answer.model_extra["prompt_filter_results"][0]["prompt_index"], 0)
        chunks = list(self.client.chat.completions.create(model=O4_MINI, messages=user("Where?"), stream=True))
        self.assertEqual(chunks[0].choices, [])


if __name__ == "__main__":
    unittest.main()
