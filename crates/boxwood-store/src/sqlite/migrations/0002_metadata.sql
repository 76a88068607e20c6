-- Metadata: templates, their instances on items, taxonomies. Ids are UUIDs.

CREATE TABLE metadata_templates (
  id TEXT PRIMARY KEY,
  enterprise_id INTEGER NOT NULL REFERENCES enterprises (id),
  template_key TEXT NOT NULL,
  display_name TEXT NOT NULL,
  hidden INTEGER NOT NULL,
  -- whether the copy of an item gets a copy of its instance
  copy_with_item INTEGER NOT NULL,
  -- $typeVersion of instances
  revision INTEGER NOT NULL,
  -- JSON, in order
  fields TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  modified_at INTEGER NOT NULL,
  UNIQUE (enterprise_id, template_key)
) STRICT;

-- Of templates here and of the built-in ones, which have no row.
CREATE TABLE metadata_instances (
  id TEXT PRIMARY KEY,
  item_id INTEGER NOT NULL REFERENCES items (id) ON DELETE CASCADE,
  template_id TEXT NOT NULL,
  version INTEGER NOT NULL DEFAULT 0,
  type_version INTEGER NOT NULL,
  -- JSON object
  field_values TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  modified_at INTEGER NOT NULL,
  UNIQUE (item_id, template_id)
) STRICT;
CREATE INDEX metadata_instances_by_template ON metadata_instances (template_id, item_id);

CREATE TABLE metadata_taxonomies (
  id TEXT PRIMARY KEY,
  enterprise_id INTEGER NOT NULL REFERENCES enterprises (id),
  taxonomy_key TEXT NOT NULL,
  display_name TEXT NOT NULL,
  -- JSON, from the top
  levels TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  modified_at INTEGER NOT NULL,
  UNIQUE (enterprise_id, taxonomy_key)
) STRICT;

CREATE TABLE metadata_taxonomy_nodes (
  id TEXT PRIMARY KEY,
  taxonomy_id TEXT NOT NULL REFERENCES metadata_taxonomies (id) ON DELETE CASCADE,
  level INTEGER NOT NULL,
  parent_id TEXT REFERENCES metadata_taxonomy_nodes (id),
  display_name TEXT NOT NULL,
  created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX metadata_taxonomy_nodes_by_taxonomy ON metadata_taxonomy_nodes (taxonomy_id, level);
CREATE INDEX metadata_taxonomy_nodes_by_parent ON metadata_taxonomy_nodes (parent_id) WHERE parent_id IS NOT NULL;
