-- Times are milliseconds since 1970 in UTC; hashes of secrets are SHA-256; flags are 0 or 1.

CREATE TABLE counters (name TEXT PRIMARY KEY, next INTEGER NOT NULL) STRICT;
INSERT INTO counters (name, next) VALUES ('id', 100000000001);

CREATE TABLE enterprises (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL,
  created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE users (
  id INTEGER PRIMARY KEY,
  enterprise_id INTEGER NOT NULL REFERENCES enterprises (id),
  name TEXT NOT NULL,
  login TEXT NOT NULL,
  login_key TEXT NOT NULL UNIQUE,
  role TEXT NOT NULL,
  kind TEXT NOT NULL,
  active INTEGER NOT NULL DEFAULT 1,
  language TEXT NOT NULL DEFAULT 'en',
  timezone TEXT NOT NULL DEFAULT 'America/Los_Angeles',
  root_id INTEGER NOT NULL UNIQUE REFERENCES items (id) DEFERRABLE INITIALLY DEFERRED,
  -- bytes of all versions of the files that the user owns
  space_used INTEGER NOT NULL DEFAULT 0,
  created_at INTEGER NOT NULL,
  modified_at INTEGER NOT NULL
) STRICT;
CREATE INDEX users_by_enterprise ON users (enterprise_id, id);

CREATE TABLE clients (
  client_id TEXT PRIMARY KEY,
  secret_hash BLOB NOT NULL,
  name TEXT NOT NULL,
  enterprise_id INTEGER NOT NULL REFERENCES enterprises (id),
  service_account_id INTEGER NOT NULL REFERENCES users (id),
  scopes TEXT NOT NULL,
  redirect_uris TEXT NOT NULL,
  keys TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  modified_at INTEGER NOT NULL
) STRICT;

CREATE TABLE access_tokens (
  id INTEGER PRIMARY KEY,
  hash BLOB NOT NULL UNIQUE,
  user_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  client_id TEXT REFERENCES clients (client_id) ON DELETE CASCADE,
  scopes TEXT NOT NULL,
  resource_kind TEXT,
  resource_id TEXT,
  parent_id INTEGER REFERENCES access_tokens (id) ON DELETE CASCADE,
  issued_at INTEGER NOT NULL,
  expires_at INTEGER,
  revoked_at INTEGER
) STRICT;
CREATE INDEX access_tokens_by_parent ON access_tokens (parent_id) WHERE parent_id IS NOT NULL;
CREATE INDEX access_tokens_by_end ON access_tokens (expires_at) WHERE expires_at IS NOT NULL;

CREATE TABLE refresh_tokens (
  hash BLOB PRIMARY KEY,
  user_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  client_id TEXT NOT NULL REFERENCES clients (client_id) ON DELETE CASCADE,
  scopes TEXT NOT NULL,
  access_id INTEGER REFERENCES access_tokens (id) ON DELETE SET NULL,
  issued_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  used_at INTEGER,
  revoked_at INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX refresh_tokens_by_access ON refresh_tokens (access_id) WHERE access_id IS NOT NULL;
CREATE INDEX refresh_tokens_by_end ON refresh_tokens (expires_at);

CREATE TABLE authorization_codes (
  hash BLOB PRIMARY KEY,
  client_id TEXT NOT NULL REFERENCES clients (client_id) ON DELETE CASCADE,
  user_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  scopes TEXT NOT NULL,
  redirect_uri TEXT,
  expires_at INTEGER NOT NULL,
  used_at INTEGER
) STRICT, WITHOUT ROWID;

CREATE TABLE jwt_ids (
  client_id TEXT NOT NULL,
  jwt_id TEXT NOT NULL,
  expires_at INTEGER NOT NULL,
  PRIMARY KEY (client_id, jwt_id)
) STRICT, WITHOUT ROWID;

-- Folders (kind 0) and files (kind 1) in one table, because a name is unique over both. A root has no parent.
CREATE TABLE items (
  id INTEGER PRIMARY KEY,
  kind INTEGER NOT NULL CHECK (kind IN (0, 1)),
  parent_id INTEGER REFERENCES items (id) DEFERRABLE INITIALLY DEFERRED,
  owner_id INTEGER NOT NULL REFERENCES users (id) DEFERRABLE INITIALLY DEFERRED,
  name TEXT NOT NULL,
  name_key TEXT NOT NULL,
  description TEXT NOT NULL DEFAULT '',
  -- etag and sequence_id
  revision INTEGER NOT NULL DEFAULT 0,
  -- file: bytes of the current version; folder: sum over the items in it that are not in the trash
  size INTEGER NOT NULL DEFAULT 0,
  current_version INTEGER REFERENCES versions (id) DEFERRABLE INITIALLY DEFERRED,
  created_by INTEGER NOT NULL REFERENCES users (id) DEFERRABLE INITIALLY DEFERRED,
  modified_by INTEGER NOT NULL REFERENCES users (id) DEFERRABLE INITIALLY DEFERRED,
  created_at INTEGER NOT NULL,
  modified_at INTEGER NOT NULL,
  content_created_at INTEGER NOT NULL,
  content_modified_at INTEGER NOT NULL,
  tags TEXT NOT NULL DEFAULT '[]',
  shared_link TEXT,
  lock TEXT,
  locked_by INTEGER REFERENCES users (id),
  trashed_at INTEGER,
  trashed_by INTEGER REFERENCES users (id),
  -- the item whose deletion took this one along; its own id for the item that was deleted
  trash_root INTEGER
) STRICT;
CREATE UNIQUE INDEX items_name ON items (parent_id, name_key) WHERE trashed_at IS NULL;
CREATE INDEX items_by_parent ON items (parent_id, kind, name_key, id);
CREATE INDEX items_by_trash_root ON items (trash_root) WHERE trash_root IS NOT NULL;
CREATE INDEX items_in_trash ON items (owner_id, id) WHERE trash_root = id;
CREATE INDEX items_by_version ON items (current_version) WHERE current_version IS NOT NULL;

CREATE TABLE versions (
  id INTEGER PRIMARY KEY,
  file_id INTEGER NOT NULL REFERENCES items (id) ON DELETE CASCADE,
  number INTEGER NOT NULL,
  name TEXT NOT NULL,
  sha1 TEXT NOT NULL,
  content BLOB NOT NULL,
  size INTEGER NOT NULL,
  uploaded_by INTEGER NOT NULL REFERENCES users (id),
  created_at INTEGER NOT NULL,
  modified_at INTEGER NOT NULL,
  trashed_at INTEGER,
  trashed_by INTEGER REFERENCES users (id),
  restored_at INTEGER,
  restored_by INTEGER REFERENCES users (id),
  UNIQUE (file_id, number)
) STRICT;
CREATE INDEX versions_by_content ON versions (content);

CREATE TABLE collaborations (
  id INTEGER PRIMARY KEY,
  item_id INTEGER NOT NULL REFERENCES items (id) ON DELETE CASCADE,
  user_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  role TEXT NOT NULL,
  created_by INTEGER NOT NULL REFERENCES users (id),
  created_at INTEGER NOT NULL,
  UNIQUE (item_id, user_id)
) STRICT;
CREATE INDEX collaborations_by_user ON collaborations (user_id, item_id);

CREATE TABLE upload_sessions (
  id TEXT PRIMARY KEY,
  user_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  -- exactly one of the two
  folder_id INTEGER,
  file_id INTEGER,
  name TEXT,
  size INTEGER NOT NULL,
  part_size INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  -- what the commit made: a repeated commit answers the same
  committed_file INTEGER,
  committed_sha1 TEXT
) STRICT, WITHOUT ROWID;

CREATE TABLE upload_parts (
  session_id TEXT NOT NULL REFERENCES upload_sessions (id) ON DELETE CASCADE,
  offset INTEGER NOT NULL,
  part_id TEXT NOT NULL,
  size INTEGER NOT NULL,
  sha1 TEXT NOT NULL,
  PRIMARY KEY (session_id, offset)
) STRICT, WITHOUT ROWID;

CREATE TABLE parse_jobs (
  id INTEGER PRIMARY KEY,
  content BLOB NOT NULL,
  version INTEGER NOT NULL,
  -- queued, running, done, refused
  state TEXT NOT NULL,
  -- larger first
  priority INTEGER NOT NULL DEFAULT 0,
  attempt INTEGER NOT NULL DEFAULT 0,
  -- grows with every lease
  fence INTEGER NOT NULL DEFAULT 0,
  leased_until INTEGER,
  code TEXT,
  message TEXT,
  created_at INTEGER NOT NULL,
  modified_at INTEGER NOT NULL,
  UNIQUE (content, version)
) STRICT;
CREATE INDEX parse_jobs_open ON parse_jobs (version, priority DESC, id) WHERE state IN ('queued', 'running');
