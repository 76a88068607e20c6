//! Search over the indexes.
//!
//! Invariant: the candidates are read first, and only items that the principal reaches are candidates; hits of the index
//! that are no candidates are dropped before anything is counted.

use super::access::{self, user_number};
use super::convert::{Doing, column, signed, to_json, unsigned};
use super::{SqliteStore, rows};
use crate::error::StoreError;
use crate::items::{Item, ItemKind};
use crate::search::expression::Expression;
use crate::search::terms::Phrase;
use crate::search::{Between, SearchFields, SearchOrder, SearchPage, SearchQuery, TrashSearch};
use crate::store::SearchStore;
use async_trait::async_trait;
use boxwood_core::{ContentHash, FileId, FolderId, Principal, Resource, UserId};
use chrono::{DateTime, Utc};
use sqlx::SqliteConnection;
use std::cmp::Ordering;
use std::collections::HashMap;

#[async_trait]
impl SearchStore for SqliteStore {
    async fn search(&self, principal: &Principal, query: &SearchQuery) -> Result<SearchPage, StoreError> {
        let mut reading = self.read().await?;
        let mut hits = candidates(&mut reading, principal, query).await?;
        if let Some(words) = &query.words {
            rate(&mut reading, &mut hits, words, query.fields).await?;
        }
        sort(&mut hits, query.order);
        let total_count = u64::try_from(hits.len()).unwrap_or(u64::MAX);
        let first = usize::try_from(query.offset).unwrap_or(usize::MAX);
        let most = usize::try_from(query.limit).unwrap_or(usize::MAX);
        let mut entries = Vec::new();
        for hit in hits.iter().skip(first).take(most) {
            entries.push(load(&mut reading, principal, hit).await?);
        }
        Ok(SearchPage { entries, total_count })
    }

    async fn index_text(&self, content: &ContentHash, version: u32, text: &str) -> Result<(), StoreError> {
        self.index_content(content, version, text).await
    }
}

/// An item that the principal reaches and that the filters let through.
struct Candidate {
    id: i64,
    file: bool,
    /// The content, where the principal may read it.
    content: Option<Vec<u8>>,
    modified_at: i64,
    score: f64,
}

/// `?1` user, `?2` and `?3` the resource of the token, `?4` folders above; the rest are filters. What a user reaches is
/// what he owns and what lies below an item that he was invited to; an uploader reads no contents.
const CANDIDATES: &str = "WITH RECURSIVE \
   reach (id, reads) AS ( \
     SELECT id, 1 FROM items WHERE owner_id = ?1 \
     UNION SELECT item_id, role <> 'uploader' FROM grants WHERE user_id = ?1 \
     UNION SELECT items.id, reads FROM reach JOIN items ON items.parent_id = reach.id), \
   limited (id) AS ( \
     SELECT ?2 UNION SELECT items.id FROM limited JOIN items ON items.parent_id = limited.id WHERE ?2 IS NOT NULL), \
   within (id) AS ( \
     SELECT items.id FROM items WHERE items.parent_id IN (SELECT value FROM json_each(?3)) \
     UNION SELECT items.id FROM within JOIN items ON items.parent_id = within.id) \
 SELECT items.id, items.kind, items.modified_at, CASE WHEN max(reach.reads) THEN versions.content END AS content \
 FROM reach JOIN items ON items.id = reach.id LEFT JOIN versions ON versions.id = items.current_version \
 WHERE items.parent_id IS NOT NULL \
   AND (?2 IS NULL OR items.id IN (SELECT id FROM limited)) \
   AND (?3 IS NULL OR items.id IN (SELECT id FROM within)) \
   AND (?4 IS NULL OR items.kind = ?4) \
   AND (?5 IS NULL OR (items.kind = 1 AND EXISTS (SELECT 1 FROM json_each(?5) AS ending \
     WHERE substr(items.name_key, -length(ending.value) - 1) = '.' || ending.value))) \
   AND (?6 IS NULL OR items.created_at >= ?6) AND (?7 IS NULL OR items.created_at <= ?7) \
   AND (?8 IS NULL OR items.modified_at >= ?8) AND (?9 IS NULL OR items.modified_at <= ?9) \
   AND (?10 IS NULL OR items.size >= ?10) AND (?11 IS NULL OR items.size <= ?11) \
   AND (?12 IS NULL OR items.owner_id IN (SELECT value FROM json_each(?12))) \
   AND (?13 IS NULL OR items.modified_by IN (SELECT value FROM json_each(?13))) \
   AND (?14 IS NULL OR (items.trashed_at IS NOT NULL) = ?14) \
   AND (?15 IS NULL OR items.trashed_by IN (SELECT value FROM json_each(?15))) \
   AND (?16 IS NULL OR items.trashed_at >= ?16) AND (?17 IS NULL OR items.trashed_at <= ?17) \
   AND (?18 IS NULL OR items.id IN (SELECT value FROM json_each(?18))) \
 GROUP BY items.id";

async fn candidates(
    connection: &mut SqliteConnection,
    principal: &Principal,
    query: &SearchQuery,
) -> Result<Vec<Candidate>, StoreError> {
    let user = user_number(principal)?;
    let within = folders_above(connection, principal, &query.below).await?;
    let trashed = match query.trash {
        TrashSearch::Without => Some(false),
        TrashSearch::Only => Some(true),
        TrashSearch::With => None,
    };
    let extensions: Vec<String> = query
        .extensions
        .iter()
        .map(|one| crate::names::name_key(one))
        .collect();
    let (created_least, created_most) = times(query.created);
    let (modified_least, modified_most) = times(query.modified);
    let (deleted_least, deleted_most) = times(query.deleted);
    let (size_least, size_most) = sizes(query.size)?;
    let found = sqlx::query(CANDIDATES)
        .bind(user)
        .bind(resource(connection, principal).await?)
        .bind(within)
        .bind(query.kind.map(|kind| i64::from(kind == ItemKind::File)))
        .bind(list(&extensions)?)
        .bind(created_least)
        .bind(created_most)
        .bind(modified_least)
        .bind(modified_most)
        .bind(size_least)
        .bind(size_most)
        .bind(users(&query.owners)?)
        .bind(users(&query.updaters)?)
        .bind(trashed)
        .bind(users(&query.deleted_by)?)
        .bind(deleted_least)
        .bind(deleted_most)
        .bind(query.only.as_ref().map(to_json).transpose()?)
        .fetch_all(connection)
        .await
        .doing("look for items")?;
    found
        .iter()
        .map(|row| {
            Ok(Candidate {
                id: column(row, "id")?,
                file: column::<i64>(row, "kind")? == 1,
                content: column(row, "content")?,
                modified_at: column(row, "modified_at")?,
                score: 0.0,
            })
        })
        .collect()
}

fn times(range: Between<DateTime<Utc>>) -> (Option<i64>, Option<i64>) {
    let milliseconds = |time: Option<DateTime<Utc>>| time.map(|time| time.timestamp_millis());
    (milliseconds(range.least), milliseconds(range.most))
}

fn sizes(range: Between<u64>) -> Result<(Option<i64>, Option<i64>), StoreError> {
    let number = |size: Option<u64>| size.map(|size| signed(size, "size_range")).transpose();
    Ok((number(range.least)?, number(range.most)?))
}

/// A list as a bind parameter; none where it is empty.
fn list<T: serde::Serialize>(entries: &[T]) -> Result<Option<String>, StoreError> {
    if entries.is_empty() {
        return Ok(None);
    }
    to_json(entries).map(Some)
}

/// Ids of users as a bind parameter; what no row can have is a number that no row has.
fn users(ids: &[UserId]) -> Result<Option<String>, StoreError> {
    let numbers: Vec<i64> = ids.iter().map(|id| id.as_str().parse().unwrap_or(-1)).collect();
    list(&numbers)
}

/// The item that the token is limited to. The root limits nothing but what others have shared.
async fn resource(
    connection: &mut SqliteConnection,
    principal: &Principal,
) -> Result<Option<i64>, StoreError> {
    Ok(match &principal.resource {
        None => None,
        Some(Resource::File(id)) => Some(id.as_str().parse().unwrap_or(-1)),
        Some(Resource::Folder(id)) => Some(access::folder_number(connection, principal, id).await?),
    })
}

/// The folders below which is searched; none where one of them is the root, below which everything lies.
async fn folders_above(
    connection: &mut SqliteConnection,
    principal: &Principal,
    folders: &[FolderId],
) -> Result<Option<String>, StoreError> {
    let mut numbers = Vec::with_capacity(folders.len());
    for folder in folders {
        numbers.push(access::folder(connection, principal, folder).await?.item);
    }
    if folders.iter().any(FolderId::is_root) {
        return Ok(None);
    }
    list(&numbers)
}

/// Keeps the candidates that fit the words, with their scores.
async fn rate(
    connection: &mut SqliteConnection,
    hits: &mut Vec<Candidate>,
    words: &Expression,
    fields: SearchFields,
) -> Result<(), StoreError> {
    let mut found = Vec::new();
    for phrase in words.phrases() {
        found.push(PhraseHits::read(connection, phrase, fields).await?);
    }
    hits.retain_mut(|hit| {
        let mut phrases = found.iter();
        let score = words.score(&mut || phrases.next().and_then(|phrase| phrase.score(hit)));
        hit.score = score.unwrap_or_default();
        score.is_some()
    });
    Ok(())
}

/// Where one phrase was found, better hits with higher scores.
struct PhraseHits {
    items: HashMap<i64, f64>,
    contents: HashMap<Vec<u8>, f64>,
}

impl PhraseHits {
    async fn read(
        connection: &mut SqliteConnection,
        phrase: &Phrase,
        fields: SearchFields,
    ) -> Result<Self, StoreError> {
        let mut hits = Self {
            items: HashMap::new(),
            contents: HashMap::new(),
        };
        if let Some(columns) = columns(fields) {
            let found = sqlx::query(
                "SELECT rowid, -bm25(item_words, 10.0, 3.0, 3.0) AS score FROM item_words WHERE item_words MATCH ?1",
            )
            .bind(format!("{{{columns}}} : {}", match_text(phrase)))
            .fetch_all(&mut *connection)
            .await
            .doing("search names")?;
            for row in &found {
                hits.items.insert(column(row, "rowid")?, column(row, "score")?);
            }
        }
        if fields.content {
            let found = sqlx::query(
                "SELECT content_parts.content, -bm25(content_words) AS score FROM content_words \
                 JOIN content_parts ON content_parts.id = content_words.rowid WHERE content_words MATCH ?1",
            )
            .bind(match_text(phrase))
            .fetch_all(connection)
            .await
            .doing("search texts")?;
            for row in &found {
                let best = hits.contents.entry(column(row, "content")?).or_insert(0.0);
                *best = best.max(column(row, "score")?);
            }
        }
        Ok(hits)
    }

    fn score(&self, candidate: &Candidate) -> Option<f64> {
        let own = self.items.get(&candidate.id);
        let content = candidate
            .content
            .as_ref()
            .and_then(|content| self.contents.get(content));
        match (own, content) {
            (None, None) => None,
            (own, content) => Some(own.copied().unwrap_or_default() + content.copied().unwrap_or_default()),
        }
    }
}

/// The columns of an item's words that are searched.
fn columns(fields: SearchFields) -> Option<String> {
    let names = [
        (fields.name, "name"),
        (fields.description, "description"),
        (fields.tags, "tags"),
    ];
    let chosen: Vec<&str> = names
        .iter()
        .filter(|(is, _)| *is)
        .map(|(_, name)| *name)
        .collect();
    (!chosen.is_empty()).then(|| chosen.join(" "))
}

/// A phrase in the index's own language. Terms hold no quotes: they are letters and digits only.
fn match_text(phrase: &Phrase) -> String {
    let open = if phrase.open { " *" } else { "" };
    format!("\"{}\"{open}", phrase.terms.join(" "))
}

fn sort(hits: &mut [Candidate], order: SearchOrder) {
    hits.sort_by(|a, b| {
        let newest = b.modified_at.cmp(&a.modified_at);
        let first = match order {
            SearchOrder::Relevance => b
                .score
                .partial_cmp(&a.score)
                .unwrap_or(Ordering::Equal)
                .then(newest),
            SearchOrder::NewestFirst => newest,
            SearchOrder::OldestFirst => newest.reverse(),
        };
        first.then(a.id.cmp(&b.id))
    });
}

async fn load(
    connection: &mut SqliteConnection,
    principal: &Principal,
    hit: &Candidate,
) -> Result<Item, StoreError> {
    let id = unsigned(hit.id)?;
    let access = if hit.file {
        access::any_file(connection, principal, &FileId::from_number(id)).await?
    } else {
        access::any_folder(connection, principal, &FolderId::from_number(id)).await?
    };
    rows::load(connection, user_number(principal)?, &access).await
}
