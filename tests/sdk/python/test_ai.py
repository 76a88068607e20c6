"""Questions about files, and the default agent."""

import unittest

from box_sdk_gen import (
    AiAgentAsk,
    AiItemAsk,
    AiItemAskTypeField,
    BoxAPIError,
    CreateAiAskMode,
    GetAiAgentDefaultConfigMode,
)

import common


class Questions(unittest.TestCase):
    def setUp(self):
        self.box = common.client()

    def item(self, file, content=None):
        return AiItemAsk(id=file.id, type=AiItemAskTypeField.FILE, content=content)

    def test_one_file_with_the_default_agent_sent_back(self):
        agent = self.box.ai.get_ai_agent_default_config(GetAiAgentDefaultConfigMode.ASK, language="en-US")
        self.assertTrue(agent.basic_text.model and agent.long_text.embeddings.model)
        file = common.upload(self.box, b"The Sun rises in the east")
        answer = self.box.ai.create_ai_ask(
            CreateAiAskMode.SINGLE_ITEM_QA,
            "Which direction does the Sun rise?",
            [self.item(file)],
            include_citations=True,
            ai_agent=AiAgentAsk(basic_text=agent.basic_text),
        )
        self.assertIn("east", answer.answer)
        self.assertEqual(answer.completion_reason, "done")
        self.assertIsInstance(answer.citations, list)
        self.box.files.delete_file_by_id(file.id)

    def test_several_files_with_their_text_given(self):
        files = [common.upload(self.box, b"one"), common.upload(self.box, b"two")]
        contents = ["Earth goes around the Sun", "The Sun rises in the east in the morning"]
        answer = self.box.ai.create_ai_ask(
            CreateAiAskMode.MULTIPLE_ITEM_QA,
            "Which direction does the Sun rise?",
            [self.item(file, content) for file, content in zip(files, contents)],
        )
        self.assertIn("east", answer.answer)
        for file in files:
            self.box.files.delete_file_by_id(file.id)

    def test_two_items_are_refused_for_one(self):
        files = [common.upload(self.box, b"one"), common.upload(self.box, b"two")]
        with self.assertRaises(BoxAPIError) as caught:
            self.box.ai.create_ai_ask(CreateAiAskMode.SINGLE_ITEM_QA, "Which?", [self.item(file) for file in files])
        self.assertEqual(caught.exception.response_info.status_code, 400)
        for file in files:
            self.box.files.delete_file_by_id(file.id)


if __name__ == "__main__":
    unittest.main()
