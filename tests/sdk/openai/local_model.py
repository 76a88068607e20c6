"""A few short questions to a model that really answers: what it says is its own, the shapes and promises are the server's.

Started by `crates/boxwood/tests/program/sdk.rs` with the default model, on a processor: every answer is short.
"""

import json
import unittest

from clients import LOCAL, O4_MINI, WEATHER, openai_client

CITY = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"], "additionalProperties": False}
FORMAT = {"type": "json_schema", "json_schema": {"name": "capital", "strict": True, "schema": CITY}}


def user(content):
    return [{"role": "user", "content": content}]


class LocalModelTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.client = openai_client()

    def create(self, **parameters):
        return self.client.chat.completions.create(**{"model": LOCAL, "temperature": 0, "max_tokens": 40, **parameters})

    def test_it_answers(self):
        answer = self.create(messages=user("What is the capital of France? One word."), logprobs=True)
        self.assertIn("Paris", answer.choices[0].message.content)
        self.assertEqual(answer.choices[0].finish_reason, "stop")
        tokens = answer.choices[0].logprobs.content
        self.assertEqual("".join(token.token for token in tokens), answer.choices[0].message.content)

    def test_a_forced_tool_is_called_by_its_schema(self):
        for choice in ("required", {"type": "function", "function": {"name": "weather"}}):
            with self.subTest(choice):
                answer = self.create(messages=user("How is the weather in Oslo?"), tools=[WEATHER], tool_choice=choice)
                self.assertEqual(answer.choices[0].finish_reason, "tool_calls")
                call = answer.choices[0].message.tool_calls[0]
                self.assertEqual(call.function.name, "weather")
                self.assertIn("Oslo", json.loads(call.function.arguments)["city"])

    def test_a_free_choice_calls_and_uses_the_result(self):
        messages = user("How is the weather in Oslo right now? Use the function.")
        answer = self.create(messages=messages, tools=[WEATHER])
        call = answer.choices[0].message.tool_calls[0]
        self.assertIn("Oslo", json.loads(call.function.arguments)["city"])
        messages += [answer.choices[0].message, {"role": "tool", "tool_call_id": call.id, "content": '{"degrees": -17}'}]
        # A small model would rather call again than tell the result.
        last = self.create(messages=messages, tools=[WEATHER], tool_choice="none")
        self.assertIn("17", last.choices[0].message.content)

    def test_a_schema_is_kept(self):
        answer = self.create(messages=user("The capital of France, as JSON."), response_format=FORMAT)
        self.assertEqual(list(json.loads(answer.choices[0].message.content)), ["city"])

    def test_an_effort_is_thought_about_within_the_bound(self):
        answer = self.client.chat.completions.create(
            model=O4_MINI,
            messages=user("Name one colour of the rainbow. One word."),
            reasoning_effort="medium",
            max_completion_tokens=128,
        )
        self.assertTrue(answer.choices[0].message.content)
        self.assertGreater(answer.usage.completion_tokens_details.reasoning_tokens, 0)
        self.assertLessEqual(answer.usage.completion_tokens, 128)
        self.assertEqual(answer.boxwood["thinking"][0]["effort"], "medium")

    def test_what_was_read_before_is_cached(self):
        document = "The lighthouse on the island was built in 1871 by the family Lund. " * 20
        ask = lambda question: self.create(messages=user(f"{document}\n\n{question}"), max_tokens=8)
        first, second = ask("When was it built?"), ask("Who built it?")
        self.assertLess(first.usage.prompt_tokens_details.cached_tokens, 50)
        self.assertGreater(second.usage.prompt_tokens_details.cached_tokens, 200)


if __name__ == "__main__":
    unittest.main()
