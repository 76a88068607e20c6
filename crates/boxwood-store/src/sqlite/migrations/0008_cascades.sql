-- Policies that give a folder's metadata to everything that comes into it.

CREATE TABLE metadata_cascade_policies (
  id TEXT PRIMARY KEY,
  folder_id INTEGER NOT NULL REFERENCES items (id) ON DELETE CASCADE,
  template_id TEXT NOT NULL,
  -- whose policy it is
  enterprise_id INTEGER NOT NULL REFERENCES enterprises (id),
  created_at INTEGER NOT NULL,
  UNIQUE (folder_id, template_id)
) STRICT;
