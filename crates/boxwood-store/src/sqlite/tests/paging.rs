//! Paging of arbitrary folders, in every order and any page size.

use super::empty_world;
use crate::conformance::World;
use crate::{Direction, ItemQuery, Paging, SortBy};
use boxwood_core::FolderId;
use proptest::prelude::*;

#[derive(Debug, Clone)]
struct Entry {
    folder: bool,
    name: String,
    size: usize,
    seconds: i64,
}

fn entries() -> impl Strategy<Value = Vec<Entry>> {
    let entry =
        (any::<bool>(), "[a-cA-Cäß日]{1,3}", 0usize..4, 0i64..3).prop_map(|(folder, name, size, seconds)| {
            Entry {
                folder,
                name,
                size,
                seconds,
            }
        });
    proptest::collection::vec(entry, 0..25)
}

async fn fill(world: &World, entries: &[Entry]) -> FolderId {
    let folder = world.folder(&FolderId::root(), "f").await.id;
    for (number, entry) in entries.iter().enumerate() {
        world.clock.advance(chrono::Duration::seconds(entry.seconds));
        let name = format!("{}{number}", entry.name);
        if entry.folder {
            world.folder(&folder, &name).await;
        } else {
            world
                .upload(&world.admin, &folder, &name, &vec![b'x'; entry.size])
                .await;
        }
    }
    folder
}

async fn collect(world: &World, folder: &FolderId, query: &ItemQuery) -> Vec<String> {
    let mut query = query.clone();
    let mut found = Vec::new();
    loop {
        let page = world
            .store
            .folder_items(&world.admin, folder, query.clone())
            .await
            .unwrap();
        assert!(page.entries.len() <= query.limit as usize);
        found.extend(page.entries.iter().map(|item| item.id().to_owned()));
        match page.next_marker {
            Some(marker) => query.paging = Paging::Marker(Some(marker)),
            None => return found,
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    #[test]
    fn every_item_is_on_one_page(entries in entries(), limit in 1u32..30) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        runtime.block_on(async {
            let world = empty_world().await;
            let folder = fill(&world, &entries).await;
            for sort in [SortBy::Id, SortBy::Name, SortBy::Date, SortBy::Size] {
                for direction in [Direction::Ascending, Direction::Descending] {
                    let query = ItemQuery { sort, direction, paging: Paging::Marker(None), limit };
                    let paged = collect(&world, &folder, &query).await;
                    let whole = collect(&world, &folder, &ItemQuery { limit: 1000, ..query }).await;
                    assert_eq!(paged, whole, "{sort:?} {direction:?}");
                    assert_eq!(whole.len(), entries.len());
                }
            }
        });
    }
}
