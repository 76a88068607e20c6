-- Groups of users, and invitations of groups.

CREATE TABLE user_groups (
  id INTEGER PRIMARY KEY,
  enterprise_id INTEGER NOT NULL REFERENCES enterprises (id),
  name TEXT NOT NULL,
  name_key TEXT NOT NULL,
  description TEXT NOT NULL DEFAULT '',
  provenance TEXT,
  external_sync_identifier TEXT,
  invitability TEXT NOT NULL,
  member_viewability TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  modified_at INTEGER NOT NULL,
  UNIQUE (enterprise_id, name_key)
) STRICT;

CREATE TABLE memberships (
  id INTEGER PRIMARY KEY,
  group_id INTEGER NOT NULL REFERENCES user_groups (id) ON DELETE CASCADE,
  user_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  role TEXT NOT NULL,
  -- what a group's administrator may do, JSON
  permissions TEXT,
  created_at INTEGER NOT NULL,
  modified_at INTEGER NOT NULL,
  UNIQUE (group_id, user_id)
) STRICT;
CREATE INDEX memberships_by_user ON memberships (user_id, group_id);

-- Invitations are made anew: they may name a group, or an address (lower case) that nobody has yet, and may wait or end.
CREATE TABLE invitations (
  id INTEGER PRIMARY KEY,
  item_id INTEGER NOT NULL REFERENCES items (id) ON DELETE CASCADE,
  -- exactly one of the three
  user_id INTEGER REFERENCES users (id) ON DELETE CASCADE,
  group_id INTEGER REFERENCES user_groups (id) ON DELETE CASCADE,
  invite_email TEXT,
  role TEXT NOT NULL,
  -- pending, accepted, rejected
  status TEXT NOT NULL,
  can_view_path INTEGER NOT NULL DEFAULT 0,
  -- not listed in the root of those who were invited
  access_only INTEGER NOT NULL DEFAULT 0,
  expires_at INTEGER,
  acknowledged_at INTEGER,
  created_by INTEGER NOT NULL REFERENCES users (id),
  created_at INTEGER NOT NULL,
  modified_at INTEGER NOT NULL,
  CHECK ((user_id IS NOT NULL) + (group_id IS NOT NULL) + (invite_email IS NOT NULL) = 1)
) STRICT;
INSERT INTO invitations (id, item_id, user_id, role, status, acknowledged_at, created_by, created_at, modified_at)
  SELECT id, item_id, user_id, role, 'accepted', created_at, created_by, created_at, created_at FROM collaborations;
DROP TABLE collaborations;
ALTER TABLE invitations RENAME TO collaborations;
CREATE UNIQUE INDEX collaborations_of_users ON collaborations (item_id, user_id) WHERE user_id IS NOT NULL;
CREATE UNIQUE INDEX collaborations_of_groups ON collaborations (item_id, group_id) WHERE group_id IS NOT NULL;
CREATE UNIQUE INDEX collaborations_by_address ON collaborations (item_id, invite_email) WHERE invite_email IS NOT NULL;
CREATE INDEX collaborations_by_user ON collaborations (user_id, item_id) WHERE user_id IS NOT NULL;
CREATE INDEX collaborations_by_group ON collaborations (group_id, item_id) WHERE group_id IS NOT NULL;
CREATE INDEX collaborations_by_end ON collaborations (expires_at) WHERE expires_at IS NOT NULL;

-- Who reaches which item as what: invitations that were accepted, those of groups spread over their members.
CREATE VIEW grants AS
  SELECT item_id, user_id, role, can_view_path, access_only FROM collaborations
    WHERE user_id IS NOT NULL AND status = 'accepted'
  UNION ALL
  SELECT collaborations.item_id, memberships.user_id, collaborations.role, collaborations.can_view_path,
    collaborations.access_only
    FROM collaborations JOIN memberships ON memberships.group_id = collaborations.group_id
    WHERE collaborations.group_id IS NOT NULL AND collaborations.status = 'accepted';
