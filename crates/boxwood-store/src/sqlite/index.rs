//! The full-text indexes: kept with every change of an item, and filled when a content was read.

use super::SqliteStore;
use super::convert::{Doing, column, json};
use crate::error::StoreError;
use crate::search::terms::indexed;
use boxwood_core::ContentHash;
use sqlx::SqliteConnection;

/// Bytes of text in one part: each is one transaction of a few milliseconds.
const PART_BYTES: usize = 256 << 10;

/// Indexes an item's name, description and tags as they are now.
pub(super) async fn item(connection: &mut SqliteConnection, item: i64) -> Result<(), StoreError> {
    let row = sqlx::query("SELECT name, description, tags FROM items WHERE id = ?1")
        .bind(item)
        .fetch_one(&mut *connection)
        .await
        .doing("read an item's words")?;
    let tags: Vec<String> = json(column(&row, "tags")?)?;
    sqlx::query("DELETE FROM item_words WHERE rowid = ?1")
        .bind(item)
        .execute(&mut *connection)
        .await
        .doing("forget an item's words")?;
    sqlx::query("INSERT INTO item_words (rowid, name, description, tags) VALUES (?1, ?2, ?3, ?4)")
        .bind(item)
        .bind(indexed(column(&row, "name")?))
        .bind(indexed(column(&row, "description")?))
        .bind(indexed(&tags.join("\n")))
        .execute(connection)
        .await
        .doing("index an item's words")?;
    Ok(())
}

/// Indexes what an older program left unindexed, and queues the reading of contents whose text is not indexed. Called when
/// the store opens; costs next to nothing when there is nothing to do.
pub(super) async fn catch_up(connection: &mut SqliteConnection) -> Result<(), StoreError> {
    let missing: Vec<i64> = sqlx::query_scalar(
        "SELECT id FROM items WHERE parent_id IS NOT NULL AND id NOT IN (SELECT id FROM item_words_docsize)",
    )
    .fetch_all(&mut *connection)
    .await
    .doing("look for items without words")?;
    for id in missing {
        item(connection, id).await?;
    }
    sqlx::query(
        "UPDATE parse_jobs SET state = 'queued', attempt = 0 WHERE state = 'done' \
         AND content NOT IN (SELECT content FROM indexed_contents)",
    )
    .execute(connection)
    .await
    .doing("queue contents without words")?;
    Ok(())
}

/// Forgets an item and everything below it, before they are purged.
pub(super) async fn forget_below(connection: &mut SqliteConnection, item: i64) -> Result<(), StoreError> {
    sqlx::query(
        "WITH RECURSIVE below (id) AS ( \
           SELECT ?1 UNION ALL SELECT items.id FROM below JOIN items ON items.parent_id = below.id) \
         DELETE FROM item_words WHERE rowid IN (SELECT id FROM below)",
    )
    .bind(item)
    .execute(connection)
    .await
    .doing("forget words")?;
    Ok(())
}

/// Forgets the text of a content.
pub(super) async fn forget_content(
    connection: &mut SqliteConnection,
    content: &ContentHash,
) -> Result<(), StoreError> {
    for statement in [
        "DELETE FROM content_words WHERE rowid IN (SELECT id FROM content_parts WHERE content = ?1)",
        "DELETE FROM content_parts WHERE content = ?1",
        "DELETE FROM indexed_contents WHERE content = ?1",
    ] {
        sqlx::query(statement)
            .bind(&content.0[..])
            .execute(&mut *connection)
            .await
            .doing("forget a text")?;
    }
    Ok(())
}

impl SqliteStore {
    pub(super) async fn index_content(
        &self,
        content: &ContentHash,
        version: u32,
        text: &str,
    ) -> Result<(), StoreError> {
        let done: Option<u32> = sqlx::query_scalar("SELECT version FROM indexed_contents WHERE content = ?1")
            .bind(&content.0[..])
            .fetch_optional(&self.readers)
            .await
            .doing("look for a text")?;
        if done == Some(version) {
            return Ok(());
        }
        let mut writing = self.write_aside().await?;
        forget_content(&mut writing, content).await?;
        writing.commit().await.doing("commit")?;
        for part in parts(text) {
            let words = indexed(part);
            let mut writing = self.write_aside().await?;
            let id: i64 = sqlx::query_scalar(
                "INSERT INTO content_parts (content, version) VALUES (?1, ?2) RETURNING id",
            )
            .bind(&content.0[..])
            .bind(version)
            .fetch_one(&mut *writing)
            .await
            .doing("add a part of a text")?;
            sqlx::query("INSERT INTO content_words (rowid, text) VALUES (?1, ?2)")
                .bind(id)
                .bind(words)
                .execute(&mut *writing)
                .await
                .doing("index a text")?;
            writing.commit().await.doing("commit")?;
        }
        let mut writing = self.write_aside().await?;
        sqlx::query(
            "INSERT INTO indexed_contents (content, version) VALUES (?1, ?2) \
             ON CONFLICT (content) DO UPDATE SET version = excluded.version",
        )
        .bind(&content.0[..])
        .bind(version)
        .execute(&mut *writing)
        .await
        .doing("note an indexed text")?;
        writing.commit().await.doing("commit")
    }
}

/// A text in parts, cut at white space where there is some.
fn parts(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let most = rest.floor_char_boundary(PART_BYTES);
        let end = if most == rest.len() {
            most
        } else {
            rest[..most]
                .rfind(char::is_whitespace)
                .filter(|end| *end > 0)
                .unwrap_or(most)
        };
        let (part, after) = rest.split_at(end);
        rest = after;
        Some(part)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_texts_are_cut_at_white_space_and_lose_nothing() {
        let text = "word ".repeat(PART_BYTES / 5 * 3) + &"書".repeat(PART_BYTES);
        let cut: Vec<&str> = parts(&text).collect();
        assert!(cut.len() > 4 && cut.iter().all(|part| part.len() <= PART_BYTES));
        assert_eq!(cut.concat(), text);
        assert!(cut[1].starts_with(' ') && cut[0].ends_with("word"));
        assert_eq!(parts("").count(), 0);
    }
}
