"""Questions about files, answered by the default model; the default agents."""

from box_sdk_gen import (
    AiAgentAsk,
    AiItemAsk,
    AiItemAskTypeField,
    CreateAiAskMode,
    GetAiAgentDefaultConfigMode,
)

import common


class Questions(common.BoxTest):
    def item(self, file, content=None):
        return AiItemAsk(id=file.id, type=AiItemAskTypeField.FILE, content=content)

    def test_one_file_with_the_default_agent_sent_back(self):
        agent = self.box.ai.get_ai_agent_default_config(GetAiAgentDefaultConfigMode.ASK, language="en-US")
        self.assertTrue(agent.basic_text.model and agent.long_text.embeddings.model)
        file = self.file(b"The Sun rises in the east")
        answer = self.box.ai.create_ai_ask(
            CreateAiAskMode.SINGLE_ITEM_QA,
            "Which direction does the Sun rise?",
            [self.item(file)],
            include_citations=True,
            ai_agent=AiAgentAsk(basic_text=agent.basic_text),
        )
        self.assertIn("east", answer.answer)
        self.assertEqual(answer.completion_reason, "done")
        self.assertEqual([citation.id for citation in answer.citations], [file.id])
        self.assertIn("east", answer.citations[0].content)
        self.assertTrue(answer.ai_agent_info.models[0].name)

    def test_several_files_with_their_text_given(self):
        files = [self.file(b"one"), self.file(b"two")]
        contents = ["Earth goes around the Sun", "The Sun rises in the east in the morning"]
        answer = self.box.ai.create_ai_ask(
            CreateAiAskMode.MULTIPLE_ITEM_QA,
            "Which direction does the Sun rise?",
            [self.item(file, content) for file, content in zip(files, contents)],
        )
        self.assertIn("east", answer.answer)

    def test_bad_questions_are_refused_with_the_path_of_the_field(self):
        files = [self.file(b"one"), self.file(b"two")]
        items = [self.item(file) for file in files]
        ask = self.box.ai.create_ai_ask
        self.refused(400, "bad_request", lambda: ask(CreateAiAskMode.SINGLE_ITEM_QA, "Which?", items))
        body = self.refused(400, "bad_request", lambda: ask(CreateAiAskMode.SINGLE_ITEM_QA, "x" * 10001, items[:1]))
        self.assertIn("prompt", str(body["context_info"]))
        self.refused(400, "bad_request", lambda: ask(CreateAiAskMode.MULTIPLE_ITEM_QA, "Which?", []))
        missing = AiItemAsk(id="999999999", type=AiItemAskTypeField.FILE)
        self.refused(404, "not_found", lambda: ask(CreateAiAskMode.SINGLE_ITEM_QA, "Which?", [missing]))


class DefaultAgents(common.BoxTest):
    def test_every_mode_has_a_complete_default_agent(self):
        for mode, tools in (
            ("ask", ("basic_text", "basic_text_multi", "long_text", "long_text_multi")),
            ("text_gen", ("basic_gen",)),
            ("extract", ("basic_text", "long_text")),
            ("extract_structured", ("basic_text", "long_text")),
        ):
            with self.subTest(mode=mode):
                agent = self.box.ai.get_ai_agent_default_config(GetAiAgentDefaultConfigMode(mode), language="ja-JP")
                self.assertEqual(agent.type.value, f"ai_agent_{mode}")
                for tool in (getattr(agent, name) for name in tools):
                    self.assertTrue(tool.model)
                    self.assertGreater(tool.num_tokens_for_completion, 0)
                    self.assertIsNotNone(tool.llm_endpoint_params)
