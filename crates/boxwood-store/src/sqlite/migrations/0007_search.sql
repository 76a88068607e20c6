-- Full-text indexes. They hold terms (see `search::terms`), not the texts.

CREATE INDEX items_by_owner ON items (owner_id);

-- Row ids are those of items.
CREATE VIRTUAL TABLE item_words USING fts5 (
  name, description, tags, content = '', contentless_delete = 1, tokenize = "unicode61 remove_diacritics 0"
);

-- The text of a content in parts, so that no transaction is long.
CREATE TABLE content_parts (
  id INTEGER PRIMARY KEY,
  content BLOB NOT NULL,
  version INTEGER NOT NULL
) STRICT;
CREATE INDEX content_parts_by_content ON content_parts (content);

-- Row ids are those of content_parts.
CREATE VIRTUAL TABLE content_words USING fts5 (
  text, content = '', contentless_delete = 1, tokenize = "unicode61 remove_diacritics 0"
);

-- Contents whose parts are all there, by the parser version that read them.
CREATE TABLE indexed_contents (
  content BLOB PRIMARY KEY,
  version INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
