//! What models were used for: kept exactly, summed by what is asked, seen by whom it concerns.

use super::{World, limited};
use crate::{UsageBy, UsageFilter};
use boxwood_core::{
    Caller, Clock, FolderId, Money, Principal, Resource, Usage, UsageKind, UsageOutcome, UsageRecord,
};
use std::time::Duration;

fn used(world: &World, user: Option<&Principal>, model: &str, tokens: u32, cost: Option<u64>) -> UsageRecord {
    UsageRecord {
        at: world.clock.now(),
        caller: Caller {
            enterprise: user.map(|user| user.enterprise_id.clone()),
            user: user.map(|user| user.user_id.clone()),
            client: None,
            token: user.map(|_| 7),
            request: "r1".into(),
            ..Caller::program("ask")
        },
        kind: UsageKind::Chat,
        outcome: UsageOutcome::Finished,
        requested: "card".into(),
        model: model.into(),
        provider: "azure".into(),
        served: "host".into(),
        usage: Usage {
            input_tokens: tokens,
            cached_tokens: 1,
            output_tokens: 10,
            reasoning_tokens: 4,
            estimated: false,
            queue_time: Duration::from_micros(5),
            time_to_first_token: Duration::from_millis(20),
            total_time: Duration::from_millis(90),
        },
        estimated: false,
        cost: cost.map(|nanos| Money {
            currency: "USD".into(),
            nanos,
        }),
        price_note: "list".into(),
    }
}

pub(crate) async fn uses_are_kept_and_summed(world: &World) {
    let (store, admin) = (&world.store, &world.admin);
    store.record_usage(&[]).await.unwrap();
    let first = used(world, Some(admin), "a", 100, Some(1_000));
    store.record_usage(std::slice::from_ref(&first)).await.unwrap();
    world.clock.advance(chrono::Duration::days(1));
    let later = world.clock.now();
    let second = [
        used(world, Some(admin), "a", 50, Some(500)),
        used(world, Some(admin), "b", 7, None),
    ];
    store.record_usage(&second).await.unwrap();
    let all = UsageFilter::default();
    let kept = store.usage(admin, &all, None, 10).await.unwrap();
    let oldest = kept.last().unwrap();
    assert_eq!(kept.len(), 3);
    assert_eq!((&oldest.usage, &oldest.cost), (&first.usage, &first.cost));
    assert_eq!((oldest.key.as_deref(), oldest.token), (Some("token:7"), Some(7)));
    assert_eq!(
        (oldest.operation.as_str(), oldest.outcome.as_str()),
        ("ask", "finished")
    );
    let rest = store.usage(admin, &all, Some(kept[0].id), 1).await.unwrap();
    assert_eq!(rest, kept[1..2]);
    let sums = store.usage_sums(admin, &all, &[UsageBy::Model]).await.unwrap();
    let of = |model: &str| {
        sums.iter()
            .find(|sum| sum.model.as_deref() == Some(model))
            .unwrap()
    };
    assert_eq!(
        (of("a").uses, of("a").input_tokens, of("a").output_tokens),
        (2, 150, 20)
    );
    assert_eq!(of("a").cost.as_ref().unwrap().nanos, 1_500);
    assert_eq!(
        (&of("b").cost, of("a").user.is_none(), of("a").period.is_none()),
        (&None, true, true)
    );
    // Without anything to sum by, what has a price and what has none still stand apart.
    let total = store.usage_sums(admin, &all, &[]).await.unwrap();
    assert_eq!(
        total
            .iter()
            .map(|sum| (sum.uses, sum.cost.is_some()))
            .collect::<Vec<_>>(),
        [(1, false), (2, true)]
    );
    let days = store
        .usage_sums(admin, &all, &[UsageBy::Day, UsageBy::User])
        .await
        .unwrap();
    assert!(
        days.iter()
            .all(|sum| sum.user.as_ref().is_some_and(|user| user.id == admin.user_id))
    );
    assert_eq!(
        days.last().unwrap().period.as_deref(),
        Some(later.format("%Y-%m-%d").to_string().as_str())
    );
    for (filter, count) in [
        (
            UsageFilter {
                from: Some(later),
                ..all.clone()
            },
            2,
        ),
        (
            UsageFilter {
                to: Some(later),
                ..all.clone()
            },
            1,
        ),
        (
            UsageFilter {
                model: Some("b".into()),
                ..all.clone()
            },
            1,
        ),
        (
            UsageFilter {
                model: Some("card".into()),
                ..all.clone()
            },
            3,
        ),
        (
            UsageFilter {
                key: Some("token:7".into()),
                ..all.clone()
            },
            3,
        ),
        (
            UsageFilter {
                key: Some("app".into()),
                ..all.clone()
            },
            0,
        ),
        (
            UsageFilter {
                user: Some(admin.user_id.clone()),
                ..all.clone()
            },
            3,
        ),
    ] {
        assert_eq!(
            store.usage(admin, &filter, None, 10).await.unwrap().len(),
            count,
            "{filter:?}"
        );
    }
}

pub(crate) async fn uses_are_ones_own_or_the_administrators(world: &World) {
    let (store, admin) = (&world.store, &world.admin);
    let (user, other) = (world.user("user").await, world.user("other").await);
    store
        .record_usage(&[
            used(world, Some(&user), "a", 1, None),
            used(world, Some(admin), "a", 2, None),
            used(world, None, "a", 4, None),
        ])
        .await
        .unwrap();
    let all = UsageFilter::default();
    for (who, count) in [(&user, 1), (&other, 0), (admin, 2)] {
        assert_eq!(store.usage(who, &all, None, 10).await.unwrap().len(), count);
        let sums = store.usage_sums(who, &all, &[]).await.unwrap();
        assert_eq!(sums.iter().map(|sum| sum.uses).sum::<u64>(), count as u64);
    }
    let narrow = limited(&user, Resource::Folder(FolderId::root()));
    assert!(store.usage(&narrow, &all, None, 10).await.unwrap().is_empty());
    assert!(store.usage_sums(&narrow, &all, &[]).await.unwrap().is_empty());
}

pub(crate) async fn budgets_begin_with_what_was_used(world: &World) {
    let (store, admin) = (&world.store, &world.admin);
    store
        .record_usage(&[used(world, Some(admin), "a", 100, Some(5))])
        .await
        .unwrap();
    world.clock.advance(chrono::Duration::days(1));
    let from = world.clock.now();
    let new = [
        used(world, Some(admin), "a", 10, Some(7)),
        used(world, None, "a", 1, None),
    ];
    store.record_usage(&new).await.unwrap();
    let rows = store.usage_since(from).await.unwrap();
    let mine = rows.iter().find(|row| row.user.is_some()).unwrap();
    assert_eq!(
        (rows.len(), mine.input_tokens, mine.key.as_deref()),
        (2, 10, Some("token:7"))
    );
    assert_eq!(
        (
            mine.requested.as_deref(),
            mine.cost.as_ref().map(|cost| cost.nanos)
        ),
        (Some("card"), Some(7))
    );
    world.clock.advance(chrono::Duration::days(400));
    assert_eq!(store.sweep().await.unwrap().usage, 3);
    assert!(store.usage_since(from).await.unwrap().is_empty());
}
