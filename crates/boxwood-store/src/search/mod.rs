//! Searching items: what is asked, in which words, and what comes back.
//!
//! Invariant: a search says nothing of items that the principal does not reach, neither by an entry nor by a count; the
//! words of a file's content count only where the principal may read it. Every store uses [`terms`], for what it indexes
//! and for what it looks up, so that both are cut alike.

pub mod expression;
pub mod terms;

use crate::items::{Item, ItemKind};
use boxwood_core::{FolderId, UserId};
use chrono::{DateTime, Utc};
use expression::Expression;

/// Where words are looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SearchFields {
    /// In names.
    pub name: bool,
    /// In descriptions.
    pub description: bool,
    /// In tags.
    pub tags: bool,
    /// In the text of files.
    pub content: bool,
}

impl SearchFields {
    /// Everywhere.
    pub const ALL: Self = Self {
        name: true,
        description: true,
        tags: true,
        content: true,
    };
}

/// Whether the trash is searched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TrashSearch {
    /// Only what is not in the trash.
    #[default]
    Without,
    /// Only what is in the trash.
    Only,
    /// Both.
    With,
}

/// How hits are ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SearchOrder {
    /// The best hit first.
    #[default]
    Relevance,
    /// What was changed last first.
    NewestFirst,
    /// What was changed last last.
    OldestFirst,
}

/// A range of which either end may be open; both ends belong to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Between<T> {
    /// The least value.
    pub least: Option<T>,
    /// The greatest value.
    pub most: Option<T>,
}

impl<T> Default for Between<T> {
    fn default() -> Self {
        Self {
            least: None,
            most: None,
        }
    }
}

/// A search.
#[derive(Debug, Clone, PartialEq)]
pub struct SearchQuery {
    /// The words; `None`: every item that the rest allows.
    pub words: Option<Expression>,
    /// Where they are looked for.
    pub fields: SearchFields,
    /// Only files or only folders.
    pub kind: Option<ItemKind>,
    /// Only files with one of these extensions, without dots; empty: any.
    pub extensions: Vec<String>,
    /// When the item was made.
    pub created: Between<DateTime<Utc>>,
    /// When it was last changed.
    pub modified: Between<DateTime<Utc>>,
    /// Bytes.
    pub size: Between<u64>,
    /// Only of one of these owners; empty: any.
    pub owners: Vec<UserId>,
    /// Only changed last by one of these; empty: any.
    pub updaters: Vec<UserId>,
    /// Only below one of these folders; empty: anywhere.
    pub below: Vec<FolderId>,
    /// Whether the trash is searched.
    pub trash: TrashSearch,
    /// Only deleted by one of these; empty: any.
    pub deleted_by: Vec<UserId>,
    /// When the item was deleted.
    pub deleted: Between<DateTime<Utc>>,
    /// Only these items: what another filter has found.
    pub only: Option<Vec<u64>>,
    /// How hits are ordered.
    pub order: SearchOrder,
    /// Hits before the page.
    pub offset: u64,
    /// Hits of the page, at most.
    pub limit: u32,
}

impl SearchQuery {
    /// Words anywhere.
    pub fn of_words(text: &str) -> Self {
        Self {
            words: Some(Expression::parse(text)),
            fields: SearchFields::ALL,
            kind: None,
            extensions: Vec::new(),
            created: Between::default(),
            modified: Between::default(),
            size: Between::default(),
            owners: Vec::new(),
            updaters: Vec::new(),
            below: Vec::new(),
            trash: TrashSearch::default(),
            deleted_by: Vec::new(),
            deleted: Between::default(),
            only: None,
            order: SearchOrder::default(),
            offset: 0,
            limit: 30,
        }
    }
}

/// A page of hits.
#[derive(Debug, Clone, PartialEq)]
pub struct SearchPage {
    /// The items, in the order that was asked for.
    pub entries: Vec<Item>,
    /// All hits.
    pub total_count: u64,
}
