//! Pages.

use super::{World, refused};
use crate::{Direction, ItemPage, ItemQuery, NewVersion, Paging, SortBy, StoreError};
use boxwood_core::FolderId;
use chrono::Duration;

const SORTS: [SortBy; 4] = [SortBy::Id, SortBy::Name, SortBy::Date, SortBy::Size];
const DIRECTIONS: [Direction; 2] = [Direction::Ascending, Direction::Descending];

async fn page(world: &World, folder: &FolderId, query: ItemQuery) -> ItemPage {
    world
        .store
        .folder_items(&world.admin, folder, query)
        .await
        .unwrap()
}

fn ids(page: &ItemPage) -> Vec<String> {
    page.entries.iter().map(|item| item.id().to_owned()).collect()
}

fn names(page: &ItemPage) -> Vec<String> {
    page.entries.iter().map(|item| item.name().to_owned()).collect()
}

pub(crate) async fn folders_come_first_in_every_order(world: &World) {
    let folder = world.folder(&FolderId::root(), "f").await;
    for (name, content) in [("b.txt", "22"), ("A.txt", "333"), ("c.txt", "1")] {
        world
            .upload(&world.admin, &folder.id, name, content.as_bytes())
            .await;
        world.clock.advance(Duration::seconds(1));
    }
    world.folder(&folder.id, "z folder").await;
    world.folder(&folder.id, "y folder").await;
    let order = |sort, direction| {
        let id = folder.id.clone();
        async move {
            names(
                &page(
                    world,
                    &id,
                    ItemQuery {
                        sort,
                        direction,
                        ..ItemQuery::default()
                    },
                )
                .await,
            )
        }
    };
    let up = Direction::Ascending;
    let down = Direction::Descending;
    let (y, z) = ("y folder", "z folder");
    for (sort, direction, expected) in [
        (SortBy::Name, up, [y, z, "A.txt", "b.txt", "c.txt"]),
        (SortBy::Name, down, [z, y, "c.txt", "b.txt", "A.txt"]),
        (SortBy::Id, up, [z, y, "b.txt", "A.txt", "c.txt"]),
        (SortBy::Date, down, [z, y, "c.txt", "A.txt", "b.txt"]),
        (SortBy::Size, up, [z, y, "c.txt", "b.txt", "A.txt"]),
        (SortBy::Size, down, [z, y, "A.txt", "b.txt", "c.txt"]),
    ] {
        assert_eq!(order(sort, direction).await, expected, "{sort:?} {direction:?}");
    }
}

pub(crate) async fn pages_join_without_gaps(world: &World) {
    let folder = world.folder(&FolderId::root(), "f").await;
    for number in 0..23 {
        if number % 5 == 0 {
            world.folder(&folder.id, &format!("folder {number}")).await;
        } else {
            let content = vec![b'x'; number % 3];
            world
                .upload(
                    &world.admin,
                    &folder.id,
                    &format!("file {}", number * 7 % 23),
                    &content,
                )
                .await;
        }
    }
    for sort in SORTS {
        for direction in DIRECTIONS {
            let query = |paging, limit| ItemQuery {
                sort,
                direction,
                paging,
                limit,
            };
            let whole = page(world, &folder.id, query(Paging::Offset(0), 1000)).await;
            assert_eq!(
                (whole.entries.len(), whole.total_count, &whole.next_marker),
                (23, 23, &None)
            );
            for limit in [1, 4, 22, 23] {
                let mut marker = None;
                let mut joined = Vec::new();
                loop {
                    let part = page(world, &folder.id, query(Paging::Marker(marker), limit)).await;
                    joined.extend(ids(&part));
                    marker = part.next_marker;
                    if marker.is_none() {
                        break;
                    }
                }
                assert_eq!(joined, ids(&whole), "{sort:?} {direction:?} {limit}");
                let mut joined = Vec::new();
                for offset in (0..23).step_by(limit as usize) {
                    joined.extend(ids(&page(
                        world,
                        &folder.id,
                        query(Paging::Offset(offset), limit),
                    )
                    .await));
                }
                assert_eq!(joined, ids(&whole));
            }
        }
    }
}

pub(crate) async fn markers_belong_to_their_listing(world: &World) {
    for name in ["a", "b", "c"] {
        world.folder(&FolderId::root(), name).await;
    }
    let first = page(
        world,
        &FolderId::root(),
        ItemQuery {
            limit: 1,
            ..ItemQuery::default()
        },
    )
    .await;
    let marker = first.next_marker.unwrap();
    let other = ItemQuery {
        sort: SortBy::Size,
        paging: Paging::Marker(Some(marker)),
        ..ItemQuery::default()
    };
    for query in [
        other,
        ItemQuery {
            paging: Paging::Marker(Some("nonsense".into())),
            ..ItemQuery::default()
        },
    ] {
        let refused = world
            .store
            .folder_items(&world.admin, &FolderId::root(), query)
            .await;
        refused!(refused, StoreError::InvalidValue { field: "marker", .. });
    }
}

pub(crate) async fn limits_are_told(world: &World) {
    for (limit, offset, wrong) in [(0, 0, "limit"), (1001, 0, "limit"), (10, 300_001, "offset")] {
        let query = ItemQuery {
            limit,
            paging: Paging::Offset(offset),
            ..ItemQuery::default()
        };
        let refused = world
            .store
            .folder_items(&world.admin, &FolderId::root(), query)
            .await;
        refused!(refused, StoreError::InvalidValue { field, .. } if field == wrong);
    }
    let query = ItemQuery {
        limit: 1000,
        paging: Paging::Offset(300_000),
        ..ItemQuery::default()
    };
    assert!(page(world, &FolderId::root(), query).await.entries.is_empty());
}

pub(crate) async fn items_that_come_and_go_do_not_disturb_markers(world: &World) {
    let mut files = Vec::new();
    for name in ["b", "d", "f", "h"] {
        files.push(world.file(name, name.as_bytes()).await);
    }
    let query = |marker| ItemQuery {
        paging: Paging::Marker(marker),
        limit: 2,
        ..ItemQuery::default()
    };
    let first = page(world, &FolderId::root(), query(None)).await;
    assert_eq!(names(&first), ["b", "d"]);
    world
        .store
        .trash_file(&world.admin, &files[1].id, None)
        .await
        .unwrap();
    world.file("a", b"a").await;
    let staged = world.stage(&world.admin, b"more").await;
    world
        .store
        .create_version(&world.admin, &files[2].id, NewVersion::default(), staged)
        .await
        .unwrap();
    let second = page(world, &FolderId::root(), query(first.next_marker)).await;
    assert_eq!(names(&second), ["f", "h"]);
}
