-- Responses of the OpenAI-compatible API, until their time is over or their user deletes them.

CREATE TABLE responses (
  id TEXT PRIMARY KEY,
  user_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  -- the response that it continues; it may be gone
  previous_id TEXT,
  -- JSON: its own input items, and the response object
  input TEXT NOT NULL,
  object TEXT NOT NULL,
  created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX responses_by_user ON responses (user_id);
CREATE INDEX responses_by_time ON responses (created_at);
