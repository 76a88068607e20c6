-- Agents of AI Studio.

CREATE TABLE ai_agents (
  id INTEGER PRIMARY KEY,
  enterprise_id INTEGER NOT NULL REFERENCES enterprises (id),
  revision INTEGER NOT NULL DEFAULT 0,
  name TEXT NOT NULL,
  -- enabled, disabled, enabled_for_selected_users
  access TEXT NOT NULL,
  icon_reference TEXT,
  -- users may go, agents stay: no references
  created_by INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  modified_by INTEGER NOT NULL,
  modified_at INTEGER NOT NULL
) STRICT;
CREATE INDEX ai_agents_by_enterprise ON ai_agents (enterprise_id, id);

CREATE TABLE ai_agent_capabilities (
  agent_id INTEGER NOT NULL REFERENCES ai_agents (id) ON DELETE CASCADE,
  -- ask, text_gen, extract
  mode TEXT NOT NULL,
  enabled INTEGER NOT NULL,
  -- JSON of the wire
  settings TEXT NOT NULL,
  -- JSON; NULL: a model is still to write them
  suggested_questions TEXT,
  PRIMARY KEY (agent_id, mode)
) STRICT, WITHOUT ROWID;
CREATE INDEX ai_agents_unsuggested ON ai_agent_capabilities (agent_id) WHERE suggested_questions IS NULL;

CREATE TABLE ai_agent_allowed (
  agent_id INTEGER NOT NULL REFERENCES ai_agents (id) ON DELETE CASCADE,
  place INTEGER NOT NULL,
  -- user or group
  kind TEXT NOT NULL,
  entity_id INTEGER NOT NULL,
  PRIMARY KEY (agent_id, place),
  UNIQUE (agent_id, kind, entity_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX ai_agent_allowed_by_entity ON ai_agent_allowed (kind, entity_id);
CREATE TRIGGER ai_agent_allowed_user_gone AFTER DELETE ON users BEGIN
  DELETE FROM ai_agent_allowed WHERE kind = 'user' AND entity_id = OLD.id;
END;
CREATE TRIGGER ai_agent_allowed_group_gone AFTER DELETE ON user_groups BEGIN
  DELETE FROM ai_agent_allowed WHERE kind = 'group' AND entity_id = OLD.id;
END;
