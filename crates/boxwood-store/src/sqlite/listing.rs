//! Pages of folders and of the trash.
//!
//! Every order is its own constant statement, so that each is prepared once and none is put together from input.

use super::access::{self, user_number};
use super::convert::{Doing, column, unsigned};
use super::rows::{self, View, select_items};
use super::tree;
use crate::error::StoreError;
use crate::items::{FolderRef, Item, Role};
use crate::listing::{Direction, ItemPage, ItemQuery, Paging, SortBy};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use boxwood_core::{FolderId, Principal};
use serde::{Deserialize, Serialize};
use sqlx::SqliteConnection;
use sqlx::sqlite::SqliteRow;

/// Box refuses larger offsets; markers reach further.
const MAX_OFFSET: u64 = 300_000;

/// `?1` user, `?2` folder, `?3` to `?5` the place after which the page begins, `?6` limit, `?7` offset.
macro_rules! page {
    ($which:literal, $key:literal, up) => {
        concat!(
            select_items!("WHERE "),
            $which,
            " AND (items.kind, ",
            $key,
            ", items.id) > (?3, ?4, ?5) ORDER BY items.kind, ",
            $key,
            ", items.id LIMIT ?6 OFFSET ?7"
        )
    };
    ($which:literal, $key:literal, down) => {
        concat!(
            select_items!("WHERE "),
            $which,
            " AND (items.kind > ?3 OR (items.kind = ?3 AND (",
            $key,
            " < ?4 OR (",
            $key,
            " = ?4 AND items.id > ?5)))) ORDER BY items.kind, ",
            $key,
            " DESC, items.id LIMIT ?6 OFFSET ?7"
        )
    };
}

macro_rules! listing {
    ($which:literal) => {
        Listing {
            count: concat!(
                "SELECT count(*) FROM items WHERE ",
                $which,
                " AND ?1 IS NOT NULL AND ?2 IS NOT NULL"
            ),
            pages: [
                [page!($which, "items.id", up), page!($which, "items.id", down)],
                [
                    page!($which, "items.name_key", up),
                    page!($which, "items.name_key", down),
                ],
                [
                    page!($which, "items.modified_at", up),
                    page!($which, "items.modified_at", down),
                ],
                [page!($which, "items.size", up), page!($which, "items.size", down)],
            ],
        }
    };
}

struct Listing {
    count: &'static str,
    pages: [[&'static str; 2]; 4],
}

const FOLDER: Listing = listing!("items.parent_id = ?2 AND items.trashed_at IS NULL");
const ROOT: Listing = listing!(
    "items.id IN (SELECT id FROM items WHERE parent_id = ?2 UNION \
       SELECT item_id FROM grants JOIN items AS shared ON shared.id = item_id \
       WHERE user_id = ?1 AND access_only = 0 AND shared.owner_id <> ?1) AND items.trashed_at IS NULL"
);
const TRASH: Listing = listing!("items.owner_id = ?2 AND items.trash_root = items.id");

impl Listing {
    fn page(&self, sort: SortBy, direction: Direction) -> &'static str {
        let [by_id, by_name, by_date, by_size] = &self.pages;
        let [up, down] = match sort {
            SortBy::Id => by_id,
            SortBy::Name => by_name,
            SortBy::Date => by_date,
            SortBy::Size => by_size,
        };
        match direction {
            Direction::Ascending => up,
            Direction::Descending => down,
        }
    }
}

/// A place in an order. What a marker holds.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Place {
    /// The order that it belongs to: sort, direction, folder.
    order: (String, String, i64),
    kind: i64,
    text: String,
    number: i64,
    id: i64,
}

/// A page of a folder.
pub(super) async fn folder_items(
    connection: &mut SqliteConnection,
    principal: &Principal,
    id: &FolderId,
    query: &ItemQuery,
) -> Result<ItemPage, StoreError> {
    let folder = access::folder(connection, principal, id).await?;
    let user = user_number(principal)?;
    let path = tree::path_in(connection, user, &folder).await?;
    // Everything in the user's own root is either his own or shared with him by an invitation of its own.
    let (listing, inherited) = if folder.root {
        (&ROOT, None)
    } else {
        (&FOLDER, Some(folder.role))
    };
    page(
        connection,
        listing,
        (user, folder.item),
        (&path, inherited),
        query,
    )
    .await
}

/// A page of the user's trash.
pub(super) async fn trashed_items(
    connection: &mut SqliteConnection,
    principal: &Principal,
    query: &ItemQuery,
) -> Result<ItemPage, StoreError> {
    check(query)?;
    if principal.resource.is_some() {
        return Ok(ItemPage {
            entries: Vec::new(),
            total_count: 0,
            next_marker: None,
        });
    }
    let user = user_number(principal)?;
    page(connection, &TRASH, (user, user), (&[], None), query).await
}

fn check(query: &ItemQuery) -> Result<(), StoreError> {
    if !(1..=1000).contains(&query.limit) {
        let reason = format!("{} is not between 1 and 1000", query.limit);
        return Err(StoreError::InvalidValue {
            field: "limit",
            reason,
        });
    }
    match query.paging {
        Paging::Offset(offset) if offset > MAX_OFFSET => Err(StoreError::InvalidValue {
            field: "offset",
            reason: format!("{offset} is larger than {MAX_OFFSET}; use a marker"),
        }),
        _ => Ok(()),
    }
}

async fn page(
    connection: &mut SqliteConnection,
    listing: &Listing,
    (user, folder): (i64, i64),
    (path, inherited): (&[FolderRef], Option<Role>),
    query: &ItemQuery,
) -> Result<ItemPage, StoreError> {
    check(query)?;
    let order = (
        query.sort.as_str().to_owned(),
        query.direction.as_str().to_owned(),
        folder,
    );
    let after = match &query.paging {
        Paging::Marker(Some(marker)) => read_marker(marker, &order)?,
        // Before every item: no kind is below 0.
        _ => Place {
            order: order.clone(),
            kind: -1,
            text: String::new(),
            number: 0,
            id: 0,
        },
    };
    let offset = match query.paging {
        Paging::Offset(offset) => i64::try_from(offset).unwrap_or(i64::MAX),
        Paging::Marker(_) => 0,
    };
    let total_count: i64 = sqlx::query_scalar(listing.count)
        .bind(user)
        .bind(folder)
        .fetch_one(&mut *connection)
        .await
        .doing("count items")?;
    let statement = sqlx::query(listing.page(query.sort, query.direction))
        .bind(user)
        .bind(folder)
        .bind(after.kind);
    let statement = match query.sort {
        SortBy::Name => statement.bind(after.text),
        _ => statement.bind(after.number),
    };
    let mut found = statement
        .bind(after.id)
        .bind(i64::from(query.limit) + 1)
        .bind(offset)
        .fetch_all(connection)
        .await
        .doing("list items")?;
    let limit = usize::try_from(query.limit).unwrap_or(usize::MAX);
    let more = found.len() > limit;
    found.truncate(limit);
    let next_marker = match found.last() {
        Some(last) if more => Some(marker_after(last, query.sort, order)?),
        _ => None,
    };
    let view = View {
        user,
        inherited,
        path,
    };
    let entries = found
        .iter()
        .map(|row| rows::item(row, &view))
        .collect::<Result<Vec<Item>, _>>()?;
    Ok(ItemPage {
        entries,
        total_count: unsigned(total_count)?,
        next_marker,
    })
}

fn marker_after(row: &SqliteRow, sort: SortBy, order: (String, String, i64)) -> Result<String, StoreError> {
    let place = Place {
        order,
        kind: column(row, "kind")?,
        text: match sort {
            SortBy::Name => column(row, "name_key")?,
            _ => String::new(),
        },
        number: match sort {
            SortBy::Date => column(row, "modified_at")?,
            SortBy::Size => column(row, "size")?,
            SortBy::Id => column(row, "id")?,
            SortBy::Name => 0,
        },
        id: column(row, "id")?,
    };
    Ok(URL_SAFE_NO_PAD.encode(super::convert::to_json(&place)?))
}

fn read_marker(marker: &str, order: &(String, String, i64)) -> Result<Place, StoreError> {
    let place = URL_SAFE_NO_PAD
        .decode(marker)
        .ok()
        .and_then(|json| serde_json::from_slice::<Place>(&json).ok());
    match place {
        Some(place) if place.order == *order => Ok(place),
        _ => Err(StoreError::InvalidValue {
            field: "marker",
            reason: "it was not made by a listing of this folder in this order".into(),
        }),
    }
}
