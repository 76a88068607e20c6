//! `GET /2.0/search`: items by their names, descriptions, tags, text and metadata.

use super::operations::Operation;
use super::parameters::{fields, limit, word};
use super::{present, search_metadata};
use crate::auth::Authenticated;
use crate::error::ApiError;
use crate::extract::{BoxJson, Query};
use crate::state::AppState;
use axum::extract::State;
use boxwood_api::fields::FieldSelection;
use boxwood_api::files::File;
use boxwood_api::folders::Folder;
use boxwood_api::search::{SearchResults, SharedLinkResult};
use boxwood_api::{ErrorCode, FieldError, Reason};
use boxwood_core::Principal;
use boxwood_store::{
    Between, Expression, Item, ItemKind, ItemRef, SearchFields, SearchOrder, SearchPage, SearchQuery,
    TrashSearch,
};
use chrono::{DateTime, Utc};
use serde_json::Value;
use std::str::FromStr;

/// `GET /2.0/search`.
pub(crate) async fn search(
    State(state): State<AppState>,
    Authenticated(principal): Authenticated,
    query: Query,
) -> Result<BoxJson<SearchResults>, ApiError> {
    Operation::List.authorize(&principal)?;
    let mut wanted = read(&query)?;
    if let Some(filter) = search_metadata::filter(&query)? {
        let found = state.store.items_with_metadata(&principal, &filter).await;
        let found = found.map_err(search_metadata::refusal)?;
        wanted.query.only = Some(found.iter().filter_map(number).collect());
    }
    let page = match wanted.kind {
        // Boxwood keeps no web links.
        Wanted::WebLinks => SearchPage {
            entries: Vec::new(),
            total_count: 0,
        },
        Wanted::Items => state.store.search(&principal, &wanted.query).await?,
    };
    let with_links = query.flag("include_recent_shared_links")?.unwrap_or(false);
    Ok(BoxJson(SearchResults {
        total_count: page.total_count,
        limit: u64::from(wanted.query.limit),
        offset: wanted.query.offset,
        kind: if with_links {
            "search_results_with_shared_links"
        } else {
            "search_results_items"
        },
        entries: show(&principal, &page, &fields(&query), with_links)?,
    }))
}

fn number(item: &ItemRef) -> Option<u64> {
    match item {
        ItemRef::File(id) => id.as_str().parse().ok(),
        ItemRef::Folder(id) => id.as_str().parse().ok(),
    }
}

fn show(
    principal: &Principal,
    page: &SearchPage,
    fields: &FieldSelection,
    with_links: bool,
) -> Result<Vec<Value>, ApiError> {
    let one = |item: &Item| {
        let item = match item {
            Item::File(file) => fields.narrow(&present::file(principal, file), File::STANDARD),
            Item::Folder(folder) => fields.narrow(&present::folder(principal, folder), Folder::STANDARD),
        }?;
        if !with_links {
            return Ok(item);
        }
        serde_json::to_value(SharedLinkResult {
            kind: "search_result",
            item,
        })
    };
    let entries: Result<Vec<Value>, serde_json::Error> = page.entries.iter().map(one).collect();
    entries.map_err(ApiError::internal)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wanted {
    Items,
    WebLinks,
}

/// A search that was read.
struct Read {
    kind: Wanted,
    query: SearchQuery,
}

const TYPES: &[(&str, (Wanted, Option<ItemKind>))] = &[
    ("file", (Wanted::Items, Some(ItemKind::File))),
    ("folder", (Wanted::Items, Some(ItemKind::Folder))),
    ("web_link", (Wanted::WebLinks, None)),
];
const TRASH: &[(&str, TrashSearch)] = &[
    ("non_trashed_only", TrashSearch::Without),
    ("trashed_only", TrashSearch::Only),
    ("all_items", TrashSearch::With),
];

fn read(query: &Query) -> Result<Read, ApiError> {
    refuse_the_enterprise(query)?;
    let words = query.text("query");
    if words.is_none() && query.text("mdfilters").is_none() {
        let message = "`query` or `mdfilters` is required";
        return Err(ApiError::field(Reason::MissingParameter, "query.query", message));
    }
    let (kind, item_kind) = word(query, "type", TYPES, (Wanted::Items, None))?;
    let extensions = query.list("file_extensions");
    Ok(Read {
        kind,
        query: SearchQuery {
            words: words.map(Expression::parse),
            fields: content_types(query)?,
            kind: item_kind,
            extensions: extensions
                .iter()
                .map(|one| one.trim_start_matches('.').to_owned())
                .collect(),
            created: moments(query, "created_at_range")?,
            modified: moments(query, "updated_at_range")?,
            size: range(
                query,
                "size_range",
                "must be two whole numbers with a comma between: 1000,5000",
                |text| text.parse().ok(),
            )?,
            owners: ids(query, "owner_user_ids")?,
            updaters: ids(query, "recent_updater_user_ids")?,
            below: ids(query, "ancestor_folder_ids")?,
            trash: word(query, "trash_content", TRASH, TrashSearch::Without)?,
            deleted_by: ids(query, "deleted_user_ids")?,
            deleted: moments(query, "deleted_at_range")?,
            only: None,
            order: order(query)?,
            offset: query.number("offset", 0..=10_000)?.unwrap_or(0),
            limit: limit(query, 30, 200)?,
        },
    })
}

fn refuse_the_enterprise(query: &Query) -> Result<(), ApiError> {
    let of_enterprise = word(
        query,
        "scope",
        &[("user_content", false), ("enterprise_content", true)],
        false,
    )?;
    if of_enterprise {
        let message = "`enterprise_content` is not open to anybody: search finds what the user reaches";
        return Err(
            ApiError::new(ErrorCode::Forbidden, "The scope of the search is not allowed.")
                .with_error(FieldError::new(Reason::NotServed, "query.scope", message)),
        );
    }
    Ok(())
}

fn content_types(query: &Query) -> Result<SearchFields, ApiError> {
    let names = query.list("content_types");
    if names.is_empty() {
        return Ok(SearchFields::ALL);
    }
    let mut chosen = SearchFields {
        name: false,
        description: false,
        tags: false,
        content: false,
    };
    for name in names {
        match name {
            "name" => chosen.name = true,
            "description" => chosen.description = true,
            "tags" => chosen.tags = true,
            "file_content" => chosen.content = true,
            // Boxwood keeps no comments.
            "comments" => {}
            _ => {
                let message = "must name some of name, description, file_content, comments, tags";
                return Err(query.refuse("content_types", message));
            }
        }
    }
    Ok(chosen)
}

fn order(query: &Query) -> Result<SearchOrder, ApiError> {
    let by_time = word(
        query,
        "sort",
        &[("relevance", false), ("modified_at", true)],
        false,
    )?;
    let ascending = word(query, "direction", &[("DESC", false), ("ASC", true)], false)?;
    Ok(match (by_time, ascending) {
        (false, _) => SearchOrder::Relevance,
        (true, false) => SearchOrder::NewestFirst,
        (true, true) => SearchOrder::OldestFirst,
    })
}

fn ids<T: FromStr>(query: &Query, name: &str) -> Result<Vec<T>, ApiError> {
    let parse = |text: &str| {
        text.parse()
            .map_err(|_| query.refuse(name, "must be ids with commas between"))
    };
    query.list(name).into_iter().map(parse).collect()
}

fn moments(query: &Query, name: &str) -> Result<Between<DateTime<Utc>>, ApiError> {
    let message = "must be two moments as in RFC 3339 with a comma between; either may be left out";
    range(query, name, message, |text| {
        let moment = DateTime::parse_from_rfc3339(text).ok()?;
        Some(moment.to_utc())
    })
}

/// `least,most`, of which either may be empty.
fn range<T: Copy>(
    query: &Query,
    name: &str,
    message: &str,
    parse: impl Fn(&str) -> Option<T>,
) -> Result<Between<T>, ApiError> {
    let Some(text) = query.text(name) else {
        return Ok(Between::default());
    };
    let (least, most) = text.split_once(',').ok_or_else(|| query.refuse(name, message))?;
    let end = |text: &str| match text.trim() {
        "" => Ok(None),
        text => parse(text).map(Some).ok_or_else(|| query.refuse(name, message)),
    };
    Ok(Between {
        least: end(least)?,
        most: end(most)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_may_be_open() {
        let number = |text: &str| text.parse::<u64>().ok();
        for (text, expected) in [
            ("r=1,5", Some((Some(1), Some(5)))),
            ("r=,5", Some((None, Some(5)))),
            ("r=1,", Some((Some(1), None))),
            ("", Some((None, None))),
            ("r=5", None),
            ("r=a,b", None),
            ("r=1,2,3", None),
        ] {
            let found = range(&Query::parse(text), "r", "no", number).ok();
            assert_eq!(found.map(|range| (range.least, range.most)), expected, "{text}");
        }
    }
}
