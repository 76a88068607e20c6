"""Agents of the studio: made, listed, used by every operation, changed, removed."""

from box_sdk_gen import (
    AiAgentReference,
    AiItemAsk,
    AiItemAskTypeField,
    AiStudioAgentAsk,
    AiStudioAgentTextGen,
    CreateAiAskMode,
    CreateAiTextGenItems,
)

import common


class Agents(common.BoxTest):
    def agent(self, **modes):
        made = self.box.ai_studio.create_ai_agent(common.name(), "enabled", **modes)
        self.addCleanup(common.ignoring_absence(self.box.ai_studio.delete_ai_agent_by_id), made.id)
        return made

    def test_from_making_to_removal(self):
        made = self.agent(ask=AiStudioAgentAsk("enabled", "answers", custom_instructions="Answer in one sentence."))
        self.assertEqual((made.type.value, made.origin), ("ai_agent", "CUSTOM"))
        read = self.box.ai_studio.get_ai_agent_by_id(made.id, fields=["ask"])
        self.assertEqual(read.ask.custom_instructions, "Answer in one sentence.")
        changed = self.box.ai_studio.update_ai_agent_by_id(
            made.id, "renamed", "enabled", ask=AiStudioAgentAsk("disabled", "changed")
        )
        self.assertEqual((changed.name, changed.ask.access_state, changed.ask.description), ("renamed", "disabled", "changed"))
        self.assertIsNone(changed.ask.custom_instructions)
        self.box.ai_studio.delete_ai_agent_by_id(made.id)
        self.refused(404, "not_found", lambda: self.box.ai_studio.get_ai_agent_by_id(made.id))

    def test_lists_by_mode_and_in_pages(self):
        asking = [self.agent(ask=AiStudioAgentAsk("enabled", "answers")).id for _ in range(3)]
        writing = self.agent(text_gen=AiStudioAgentTextGen("enabled", "writes")).id
        seen, marker = [], None
        while True:
            page = self.box.ai_studio.get_ai_agents(mode=["ask"], limit=2, marker=marker)
            self.assertLessEqual(len(page.entries), 2)
            seen += [agent.id for agent in page.entries]
            marker = page.next_marker
            if not marker:
                break
        self.assertTrue(set(asking) <= set(seen))
        self.assertEqual(len(seen), len(set(seen)))
        self.assertNotIn(writing, seen)

    def test_every_operation_takes_an_agent_by_its_id(self):
        agent = self.agent(
            ask=AiStudioAgentAsk("enabled", "answers"), text_gen=AiStudioAgentTextGen("enabled", "writes")
        )
        file = self.file(b"The Sun rises in the east.")
        answer = self.box.ai.create_ai_ask(
            CreateAiAskMode.SINGLE_ITEM_QA,
            "Which direction does the Sun rise?",
            [AiItemAsk(id=file.id, type=AiItemAskTypeField.FILE)],
            ai_agent=AiAgentReference(id=agent.id),
        )
        self.assertIn("east", answer.answer)
        text = self.box.ai.create_ai_text_gen(
            "Write one sentence about the Sun.", [CreateAiTextGenItems(id=file.id)], ai_agent=AiAgentReference(id=agent.id)
        )
        self.assertIn("Sun", text.answer)

    def test_unknown_and_disabled_agents_are_refused(self):
        agent = self.agent(ask=AiStudioAgentAsk("disabled", "answers"))
        file = self.file(b"The Sun rises in the east.")
        for id in (agent.id, "999999999"):
            with self.assertRaises(common.BoxAPIError) as caught:
                self.box.ai.create_ai_ask(
                    CreateAiAskMode.SINGLE_ITEM_QA,
                    "Where?",
                    [AiItemAsk(id=file.id, type=AiItemAskTypeField.FILE)],
                    ai_agent=AiAgentReference(id=id),
                )
            self.assertIn(caught.exception.response_info.status_code, (400, 403, 404))
