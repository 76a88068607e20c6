//! Pages of a folder's items.
//!
//! Invariant: folders come before files, then the sort attribute, then the id, so the order is total; a marker names a
//! place in that order and not a count, so items that come or go between two pages are neither shown twice nor skipped.

use crate::items::Item;

/// The attribute after the type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SortBy {
    /// By id: the order of creation.
    Id,
    /// By name; case does not matter.
    #[default]
    Name,
    /// By `modified_at`.
    Date,
    /// By bytes; a folder's are those of everything below it.
    Size,
}

impl SortBy {
    /// As Box writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            SortBy::Id => "id",
            SortBy::Name => "name",
            SortBy::Date => "date",
            SortBy::Size => "size",
        }
    }
}

/// Up or down; never turns "folders first" around.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Direction {
    /// Smallest first.
    #[default]
    Ascending,
    /// Largest first.
    Descending,
}

impl Direction {
    /// As Box writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Direction::Ascending => "ASC",
            Direction::Descending => "DESC",
        }
    }
}

/// Which page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Paging {
    /// After the marker of the page before; `None`: the first page.
    Marker(Option<String>),
    /// After so many items; at most 300,000.
    Offset(u64),
}

/// A page to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ItemQuery {
    /// The attribute after the type.
    pub sort: SortBy,
    /// Up or down.
    pub direction: Direction,
    /// Which page.
    pub paging: Paging,
    /// 1 to 1,000 entries.
    pub limit: u32,
}

impl Default for ItemQuery {
    fn default() -> Self {
        Self {
            sort: SortBy::Name,
            direction: Direction::Ascending,
            paging: Paging::Offset(0),
            limit: 100,
        }
    }
}

/// A page.
#[derive(Debug, Clone, PartialEq)]
pub struct ItemPage {
    /// The items.
    pub entries: Vec<Item>,
    /// All items of the folder.
    pub total_count: u64,
    /// Marker of the next page; `None` on the last one (also given with offset paging, where it may be ignored).
    pub next_marker: Option<String>,
}
