-- Answers that are kept for review, until their time is over or a file of theirs is purged.

CREATE TABLE answers (
  id INTEGER PRIMARY KEY,
  enterprise_id INTEGER NOT NULL REFERENCES enterprises (id),
  user_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  -- ask, text_gen, extract, extract_structured
  operation TEXT NOT NULL,
  -- the id of the agent that was named, NULL for the default or one sent along
  agent TEXT,
  -- names the words that the model was told
  prompt_version TEXT NOT NULL,
  -- JSON: the request without the contents of files, and the whole answer
  request TEXT NOT NULL,
  response TEXT NOT NULL,
  created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX answers_by_enterprise ON answers (enterprise_id, id);
CREATE INDEX answers_by_user ON answers (user_id, id);
CREATE INDEX answers_by_time ON answers (created_at);

CREATE TABLE answer_files (
  answer_id INTEGER NOT NULL REFERENCES answers (id) ON DELETE CASCADE,
  place INTEGER NOT NULL,
  file_id INTEGER NOT NULL,
  version_id INTEGER NOT NULL,
  PRIMARY KEY (answer_id, place)
) STRICT, WITHOUT ROWID;
CREATE INDEX answer_files_by_file ON answer_files (file_id, answer_id);
