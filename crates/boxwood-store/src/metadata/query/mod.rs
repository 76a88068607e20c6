//! Metadata queries: text → a typed predicate → which items it holds for.
//!
//! `lexer` cuts the text into tokens with their places, `parser` makes a [`Predicate`] of them whose fields exist and
//! whose values have their fields' types, `predicate` evaluates it over a [`Candidate`], `order` sorts and pages.
//! Invariant: values never become text of a query again, so there is nothing to inject into. Candidates are chosen by the
//! stores, which give only items that the principal may see.

mod filter;
mod lexer;
mod order;
mod parser;
mod pattern;
mod predicate;
mod scalar;

pub use filter::{FieldFilter, MetadataFilter, Range};
pub use order::{MetadataOrder, Ordering};
pub use parser::parse;
pub use predicate::{Comparison, Predicate};
pub use scalar::{Candidate, Class, FieldRef, ItemFacts, ItemField, Scalar};

use super::scope::TemplateScope;
use crate::items::Item;
use boxwood_core::FolderId;
use serde_json::{Map, Value};

/// A query as it is asked.
#[derive(Debug, Clone, PartialEq)]
pub struct MetadataQuery {
    /// The scope of the template.
    pub scope: TemplateScope,
    /// The template's key.
    pub template_key: String,
    /// The predicate; `None`: every item that has metadata of the template.
    pub text: Option<String>,
    /// The values of `:name` in the predicate.
    pub arguments: Map<String, Value>,
    /// Only what lies below this folder; the root: everything that the principal reaches.
    pub ancestor: FolderId,
    /// By which fields the result is ordered; then by id.
    pub order: Vec<MetadataOrder>,
    /// 0 to 100 entries.
    pub limit: u32,
    /// The marker of the page before.
    pub marker: Option<String>,
}

/// A page of what a query found.
#[derive(Debug, Clone, PartialEq)]
pub struct MetadataMatches {
    /// Files and folders.
    pub entries: Vec<Item>,
    /// Marker of the next page; `None` on the last one.
    pub next_marker: Option<String>,
}
