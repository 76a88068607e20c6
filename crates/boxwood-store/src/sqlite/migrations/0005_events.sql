-- What happened, for the streams of users and of administrators.

CREATE TABLE events (
  -- the position in every stream; never given twice
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  enterprise_id INTEGER NOT NULL,
  kind TEXT NOT NULL,
  -- JSON: who did it, what it was done to, and what else is told. Copies, because users and items may go.
  actor TEXT NOT NULL,
  source TEXT,
  details TEXT NOT NULL,
  created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX events_by_enterprise ON events (enterprise_id, id);
CREATE INDEX events_by_time ON events (created_at);

-- In whose own stream an event stands: who did it, and who reached the item then.
CREATE TABLE event_readers (
  user_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  event_id INTEGER NOT NULL REFERENCES events (id) ON DELETE CASCADE,
  PRIMARY KEY (user_id, event_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX event_readers_by_event ON event_readers (event_id);
