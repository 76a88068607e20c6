"""Events: what happened is told to those who may know."""

from box_sdk_gen import GetEventsEventType, GetEventsStreamType

import common


class Events(common.BoxTest):
    def test_an_upload_is_told_in_the_users_stream_and_to_administrators(self):
        now = self.box.events.get_events(stream_position="now")
        file = self.file(b"x")
        news = self.box.events.get_events(stream_position=str(now.next_stream_position))
        self.assertIn(file.id, [getattr(event.source, "id", None) for event in news.entries])
        for event in news.entries:
            self.assertEqual(event.created_by.type.value, "user")
        uploads = self.box.events.get_events(
            stream_type=GetEventsStreamType.ADMIN_LOGS, event_type=[GetEventsEventType.UPLOAD], limit=500
        )
        self.assertIn(file.id, [event.source.item_id for event in uploads.entries])

    def test_a_position_is_never_told_twice(self):
        self.file(b"x")
        first = self.box.events.get_events(stream_position="now")
        again = self.box.events.get_events(stream_position=str(first.next_stream_position))
        self.assertEqual(again.entries, [])
