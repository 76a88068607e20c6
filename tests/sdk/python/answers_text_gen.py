"""Text generated with files at hand, by the default model."""

from datetime import datetime, timezone

from box_sdk_gen import (
    AiAgentTextGen,
    AiDialogueHistory,
    CreateAiTextGenItems,
    GetAiAgentDefaultConfigMode,
)

import common

TEXT = b"The Earth goes around the Sun. The Sun rises in the east in the morning."


class TextGeneration(common.BoxTest):
    def test_it_goes_on_from_the_dialogue(self):
        history = [
            AiDialogueHistory(prompt=prompt, answer=answer, created_at=datetime(2021, 1, 1, tzinfo=timezone.utc))
            for prompt, answer in (("What does the earth go around?", "The Sun"), ("Where does the Sun rise?", "In the east"))
        ]
        answer = self.box.ai.create_ai_text_gen(
            "Paraphrase the document in one sentence.",
            [CreateAiTextGenItems(id=self.file(TEXT).id)],
            dialogue_history=history,
        )
        self.assertIn("Sun", answer.answer)
        self.assertEqual(answer.completion_reason, "done")

    def test_the_default_agent_can_be_sent_back_with_a_limit(self):
        agent = self.box.ai.get_ai_agent_default_config(GetAiAgentDefaultConfigMode.TEXT_GEN, language="en-US")
        agent.basic_gen.num_tokens_for_completion = 8
        answer = self.box.ai.create_ai_text_gen(
            "Write a long story about the Sun.",
            [CreateAiTextGenItems(id=self.file(b"unread").id, content=TEXT.decode())],
            ai_agent=AiAgentTextGen(basic_gen=agent.basic_gen),
        )
        self.assertLess(len(answer.answer), 100)

    def test_a_missing_file_and_an_empty_prompt_are_refused(self):
        generate = self.box.ai.create_ai_text_gen
        self.refused(404, "not_found", lambda: generate("Write.", [CreateAiTextGenItems(id="999999999")]))
        self.refused(400, "bad_request", lambda: generate("", [CreateAiTextGenItems(id=self.file(TEXT).id)]))
