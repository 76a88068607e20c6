-- What models were used for. Users and keys are named without a reference: a bill outlives who ran it up.

CREATE TABLE usage (
  id INTEGER PRIMARY KEY,
  at INTEGER NOT NULL,
  -- NULL: work of the program itself
  enterprise_id INTEGER,
  user_id INTEGER,
  -- the application of the access token, and the token's number
  client TEXT,
  token INTEGER,
  request TEXT NOT NULL,
  operation TEXT NOT NULL,
  -- chat, score, embedding
  kind TEXT NOT NULL,
  -- finished, cancelled, failed
  outcome TEXT NOT NULL,
  requested TEXT NOT NULL,
  model TEXT NOT NULL,
  provider TEXT NOT NULL,
  served TEXT NOT NULL,
  input_tokens INTEGER NOT NULL,
  cached_tokens INTEGER NOT NULL,
  output_tokens INTEGER NOT NULL,
  reasoning_tokens INTEGER NOT NULL,
  -- 1: our estimate, the model told none
  estimated INTEGER NOT NULL,
  -- in billionths of the currency's unit; both NULL: not known
  cost INTEGER,
  currency TEXT,
  price_note TEXT NOT NULL,
  queue_micros INTEGER NOT NULL,
  first_token_micros INTEGER NOT NULL,
  total_micros INTEGER NOT NULL
) STRICT;
CREATE INDEX usage_by_time ON usage (at);
CREATE INDEX usage_by_user ON usage (user_id, at);
