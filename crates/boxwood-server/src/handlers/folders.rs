//! Folders: make, read, list, change, copy, delete, and their way through the trash.

use super::conflicts::refusal;
use super::metadata::item_view;
use super::operations::Operation;
use super::optional_json::OptionalJson;
use super::parameters::{fields, has_already, if_match, limit, offset, path_id, read_body, word};
use super::trash::restored;
use super::{present, shared_links};
use crate::auth::Authenticated;
use crate::error::ApiError;
use crate::extract::{BoxJson, Origin, Query};
use crate::state::AppState;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use boxwood_api::fields::FieldSelection;
use boxwood_api::folders::{CopyFolder, CreateFolder, Folder, ItemPage, UpdateFolder};
use boxwood_api::wire::Order;
use boxwood_core::{FolderId, Principal};
use boxwood_store::{
    CopyTarget, Direction, FolderChange, Item, ItemKind, ItemQuery, ItemRef, NewFolder, Paging, SortBy,
    StoreError, Thing,
};
use http::{HeaderMap, StatusCode};
use serde_json::Value;

const SORTS: &[(&str, SortBy)] = &[
    ("id", SortBy::Id),
    ("name", SortBy::Name),
    ("date", SortBy::Date),
    ("size", SortBy::Size),
];
const DIRECTIONS: &[(&str, Direction)] = &[("asc", Direction::Ascending), ("desc", Direction::Descending)];

/// `POST /2.0/folders`.
pub(crate) async fn create(
    State(state): State<AppState>,
    Authenticated(principal): Authenticated,
    query: Query,
    BoxJson(body): BoxJson<Value>,
) -> Result<(StatusCode, BoxJson<Value>), ApiError> {
    Operation::CreateFolder.authorize(&principal)?;
    let request = read_body(&body, CreateFolder::read)?;
    let folder = NewFolder {
        parent: request.parent,
        name: request.name,
        description: request.description,
    };
    let created = state.store.create_folder(&principal, folder).await;
    let folder = created.map_err(|error| refusal(&principal, ItemKind::Folder, error))?;
    let body = with_items(&state, &principal, &folder, &query).await?;
    Ok((StatusCode::CREATED, BoxJson(body)))
}

/// `GET /2.0/folders/{id}`, with the first page of its items.
pub(crate) async fn get(
    State(state): State<AppState>,
    Authenticated(principal): Authenticated,
    Path(id): Path<String>,
    query: Query,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    Operation::ReadInfo.authorize(&principal)?;
    let id: FolderId = path_id(Thing::Folder, &id)?;
    let folder = state.store.folder(&principal, &id).await?;
    if folder.etag().is_some_and(|etag| has_already(&headers, &etag)) {
        return Ok(StatusCode::NOT_MODIFIED.into_response());
    }
    Ok(BoxJson(with_items(&state, &principal, &folder, &query).await?).into_response())
}

/// The folder, with its items where the request shows them.
async fn with_items(
    state: &AppState,
    principal: &Principal,
    folder: &boxwood_store::Folder,
    query: &Query,
) -> Result<Value, ApiError> {
    let selection = fields(query);
    let mut shown = present::folder(principal, folder);
    let wants_items = !selection.is_given() || selection.names("item_collection");
    if wants_items && Operation::List.is_allowed_by(&principal.scopes) {
        let items = page_query(query, Paging::Offset(offset(query)?))?;
        let page = state
            .store
            .folder_items(principal, &folder.id, items.clone())
            .await?;
        shown.item_collection = Some(show_page(principal, &page, &items, &FieldSelection::default())?);
    }
    let mut shown = selection
        .narrow(&shown, Folder::STANDARD)
        .map_err(ApiError::internal)?;
    let item = ItemRef::Folder(folder.id.clone());
    item_view::attach(state, principal, &item, &selection, &mut shown).await?;
    Ok(shown)
}

fn page_query(query: &Query, paging: Paging) -> Result<ItemQuery, ApiError> {
    Ok(ItemQuery {
        sort: word(query, "sort", SORTS, SortBy::Name)?,
        direction: word(query, "direction", DIRECTIONS, Direction::Ascending)?,
        paging,
        limit: limit(query, 100, 1_000)?,
    })
}

fn show_page(
    principal: &Principal,
    page: &boxwood_store::ItemPage,
    query: &ItemQuery,
    fields: &FieldSelection,
) -> Result<ItemPage, ApiError> {
    let entries: Result<Vec<Value>, _> = page
        .entries
        .iter()
        .map(|entry| present::item(principal, entry, fields))
        .collect();
    let by_offset = match query.paging {
        Paging::Offset(offset) => Some(offset),
        Paging::Marker(_) => None,
    };
    let direction = query.direction.as_str().to_owned();
    let order = vec![
        Order {
            by: "type".to_owned(),
            direction: "ASC".to_owned(),
        },
        Order {
            by: query.sort.as_str().to_owned(),
            direction,
        },
    ];
    Ok(ItemPage {
        total_count: by_offset.map(|_| page.total_count),
        entries: entries.map_err(ApiError::internal)?,
        offset: by_offset,
        limit: u64::from(query.limit),
        order: by_offset.map(|_| order),
        next_marker: by_offset
            .is_none()
            .then(|| page.next_marker.clone().unwrap_or_default()),
    })
}

/// Marker or offset, as the request says.
fn paging(query: &Query) -> Result<Paging, ApiError> {
    if query.flag("usemarker")?.unwrap_or(false) {
        Ok(Paging::Marker(query.text("marker").map(str::to_owned)))
    } else {
        Ok(Paging::Offset(offset(query)?))
    }
}

/// `GET /2.0/folders/{id}/items`.
pub(crate) async fn items(
    State(state): State<AppState>,
    Authenticated(principal): Authenticated,
    Path(id): Path<String>,
    query: Query,
) -> Result<BoxJson<ItemPage>, ApiError> {
    Operation::List.authorize(&principal)?;
    let id: FolderId = path_id(Thing::Folder, &id)?;
    let items = page_query(&query, paging(&query)?)?;
    let page = state.store.folder_items(&principal, &id, items.clone()).await?;
    let fields = fields(&query);
    let mut shown = show_page(&principal, &page, &items, &fields)?;
    for (entry, item) in shown.entries.iter_mut().zip(&page.entries) {
        item_view::attach(&state, &principal, &item_view::reference(item), &fields, entry).await?;
    }
    Ok(BoxJson(shown))
}

/// `GET /2.0/folders/trash/items`.
pub(crate) async fn trashed_items(
    State(state): State<AppState>,
    Authenticated(principal): Authenticated,
    query: Query,
) -> Result<BoxJson<ItemPage>, ApiError> {
    Operation::List.authorize(&principal)?;
    let items = page_query(&query, paging(&query)?)?;
    let page = state.store.trashed_items(&principal, items.clone()).await?;
    show_page(&principal, &page, &items, &fields(&query)).map(BoxJson)
}

/// `PUT /2.0/folders/{id}`.
pub(crate) async fn update(
    State(state): State<AppState>,
    Authenticated(principal): Authenticated,
    origin: Origin,
    Path(id): Path<String>,
    query: Query,
    headers: HeaderMap,
    BoxJson(body): BoxJson<Value>,
) -> Result<BoxJson<Value>, ApiError> {
    let request = read_body(&body, UpdateFolder::read)?;
    authorize_update(&principal, &request)?;
    let id: FolderId = path_id(Thing::Folder, &id)?;
    let change = FolderChange {
        name: request.name,
        parent: request.parent,
        description: request.description,
        tags: request.tags,
        shared_link: shared_links::change(request.shared_link, &origin, &format!("/2.0/folders/{id}"))?,
        if_match: if_match(&headers),
    };
    let updated = state.store.update_folder(&principal, &id, change).await;
    let folder = updated.map_err(|error| refusal(&principal, ItemKind::Folder, error))?;
    with_items(&state, &principal, &folder, &query).await.map(BoxJson)
}

fn authorize_update(principal: &Principal, request: &UpdateFolder) -> Result<(), ApiError> {
    if request.parent.is_some() {
        Operation::Write.authorize(principal)?;
    }
    if request.shared_link.is_some() {
        Operation::Share.authorize(principal)?;
    }
    let describes = request.name.is_some() || request.description.is_some() || request.tags.is_some();
    if describes || (request.parent.is_none() && request.shared_link.is_none()) {
        Operation::Rename.authorize(principal)?;
    }
    Ok(())
}

/// `POST /2.0/folders/{id}/copy`.
pub(crate) async fn copy(
    State(state): State<AppState>,
    Authenticated(principal): Authenticated,
    Path(id): Path<String>,
    query: Query,
    BoxJson(body): BoxJson<Value>,
) -> Result<(StatusCode, BoxJson<Value>), ApiError> {
    Operation::Write.authorize(&principal)?;
    let id: FolderId = path_id(Thing::Folder, &id)?;
    let request = read_body(&body, CopyFolder::read)?;
    let target = CopyTarget {
        parent: request.parent,
        name: request.name,
        version: None,
    };
    let copied = state.store.copy_folder(&principal, &id, target).await;
    let folder = copied.map_err(|error| refusal(&principal, ItemKind::Folder, error))?;
    let body = with_items(&state, &principal, &folder, &query).await?;
    Ok((StatusCode::CREATED, BoxJson(body)))
}

/// `DELETE /2.0/folders/{id}`: to the trash; with items in it only where `recursive` says so.
pub(crate) async fn delete(
    State(state): State<AppState>,
    Authenticated(principal): Authenticated,
    Path(id): Path<String>,
    query: Query,
    headers: HeaderMap,
) -> Result<StatusCode, ApiError> {
    Operation::Delete.authorize(&principal)?;
    let id: FolderId = path_id(Thing::Folder, &id)?;
    let recursive = query.flag("recursive")?.unwrap_or(false);
    state
        .store
        .trash_folder(&principal, &id, recursive, if_match(&headers).as_deref())
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

fn show_item(principal: &Principal, item: Item, id: &FolderId, query: &Query) -> Result<Value, ApiError> {
    match item {
        Item::Folder(folder) => fields(query)
            .narrow(&present::folder(principal, &folder), Folder::STANDARD)
            .map_err(ApiError::internal),
        Item::File(_) => Err(StoreError::not_found(Thing::Folder, id).into()),
    }
}

/// `GET /2.0/folders/{id}/trash`.
pub(crate) async fn get_trashed(
    State(state): State<AppState>,
    Authenticated(principal): Authenticated,
    Path(id): Path<String>,
    query: Query,
) -> Result<BoxJson<Value>, ApiError> {
    Operation::ReadInfo.authorize(&principal)?;
    let id: FolderId = path_id(Thing::Folder, &id)?;
    let item = state
        .store
        .trashed_item(&principal, &ItemRef::Folder(id.clone()))
        .await?;
    show_item(&principal, item, &id, &query).map(BoxJson)
}

/// `POST /2.0/folders/{id}`: out of the trash.
pub(crate) async fn restore(
    State(state): State<AppState>,
    Authenticated(principal): Authenticated,
    Path(id): Path<String>,
    query: Query,
    body: OptionalJson,
) -> Result<(StatusCode, BoxJson<Value>), ApiError> {
    Operation::Write.authorize(&principal)?;
    let id: FolderId = path_id(Thing::Folder, &id)?;
    let item = restored(&state, &principal, &ItemRef::Folder(id.clone()), &body).await?;
    let body = show_item(&principal, item, &id, &query)?;
    Ok((StatusCode::CREATED, BoxJson(body)))
}

/// `DELETE /2.0/folders/{id}/trash`: for good.
pub(crate) async fn purge(
    State(state): State<AppState>,
    Authenticated(principal): Authenticated,
    Path(id): Path<String>,
) -> Result<StatusCode, ApiError> {
    Operation::Delete.authorize(&principal)?;
    let id: FolderId = path_id(Thing::Folder, &id)?;
    state.store.purge_item(&principal, &ItemRef::Folder(id)).await?;
    Ok(StatusCode::NO_CONTENT)
}
