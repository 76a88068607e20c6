//! Budgets: whose requests they count, when they refuse, what comes back.

use super::*;
use crate::meter::Price;
use boxwood_core::UserId;
use chrono::TimeZone;

fn now() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 11, 30, 23, 30, 0).unwrap()
}

fn budget(limit: Limit) -> Budget {
    Budget {
        name: "b".into(),
        user: Whose::Everyone,
        key: Whose::Everyone,
        model: Whose::Everyone,
        period: Period::Day,
        limit,
    }
}

fn caller(user: &str, client: &str) -> Caller {
    Caller {
        user: Some(user.parse::<UserId>().unwrap()),
        client: Some(client.into()),
        ..Caller::program("ask")
    }
}

fn price() -> Priced {
    Priced::Known(Price {
        currency: "USD".into(),
        input: 1_000_000_000,
        cached_input: 0,
        output: 2_000_000_000,
        as_of: "2026-11-22".into(),
        source: "test".into(),
    })
}

fn wanted<'a>(caller: &'a Caller, priced: &'a Priced, input: u32, output: u32) -> Wanted<'a> {
    Wanted {
        caller,
        names: ["asked", "answers"],
        priced,
        input_tokens: input,
        output_tokens: output,
    }
}

#[test]
fn requests_that_run_together_do_not_exceed_a_budget() {
    let budgets = Budgets::new(vec![budget(Limit::Tokens(100))]);
    let (me, local) = (caller("1", "app"), Priced::Local);
    let first = budgets.reserve(wanted(&me, &local, 30, 30), now()).unwrap();
    let message = budgets
        .reserve(wanted(&me, &local, 20, 30), now())
        .unwrap_err()
        .to_string();
    for part in [
        "`b`",
        "100 tokens a day",
        "60 tokens are spent or reserved",
        "50 tokens",
        "2026-12-01T00:00:00Z",
    ] {
        assert!(message.contains(part), "{part} is missing in: {message}");
    }
    first.settle(45, None);
    // What was not used came back, what was used did not.
    let second = budgets.reserve(wanted(&me, &local, 25, 30), now()).unwrap();
    assert!(budgets.reserve(wanted(&me, &local, 1, 0), now()).is_err());
    drop(second);
    let state = &budgets.states(now())[0];
    assert_eq!((state.spent, state.reserved), (45, 0));
}

#[test]
fn a_new_period_begins_anew() {
    let mut monthly = budget(Limit::Tokens(10));
    monthly.period = Period::Month;
    let budgets = Budgets::new(vec![monthly]);
    let (me, local) = (caller("1", "app"), Priced::Local);
    budgets
        .reserve(wanted(&me, &local, 10, 0), now())
        .unwrap()
        .settle(10, None);
    let later = now() + chrono::Duration::minutes(29);
    assert!(budgets.reserve(wanted(&me, &local, 1, 0), later).is_err());
    let next = now() + chrono::Duration::minutes(30);
    assert!(budgets.reserve(wanted(&me, &local, 1, 0), next).is_ok());
}

#[test]
fn whose_requests_a_budget_counts() {
    let check = |user: Whose, key: Whose, model: Whose, second: &Caller, refused: bool| {
        let budgets = Budgets::new(vec![Budget {
            user,
            key,
            model,
            ..budget(Limit::Tokens(10))
        }]);
        let local = Priced::Local;
        let first = caller("1", "app");
        budgets
            .reserve(wanted(&first, &local, 10, 0), now())
            .unwrap()
            .settle(10, None);
        let outcome = budgets.reserve(wanted(second, &local, 1, 0), now());
        assert_eq!(outcome.is_err(), refused, "{second:?}");
    };
    use Whose::{Each, Everyone, Only};
    let (same, other_user, other_app) = (caller("1", "app"), caller("2", "app"), caller("1", "b"));
    check(Everyone, Everyone, Everyone, &other_user, true);
    check(Each, Everyone, Everyone, &other_user, false);
    check(Each, Everyone, Everyone, &other_app, true);
    check(Everyone, Each, Everyone, &other_app, false);
    check(Everyone, Each, Everyone, &other_user, true);
    check(Only("2".into()), Everyone, Everyone, &same, false);
    check(Only("1".into()), Everyone, Everyone, &same, true);
    check(Everyone, Everyone, Only("asked".into()), &same, true);
    check(Everyone, Everyone, Only("answers".into()), &same, true);
    check(Everyone, Everyone, Only("else".into()), &same, false);
    check(Everyone, Everyone, Each, &same, true);
    // Work of the program itself is nobody's.
    check(Each, Everyone, Everyone, &Caller::program("suggestions"), false);
}

#[test]
fn money_is_counted_where_the_price_is_known() {
    let limit = Limit::Money(Money {
        currency: "USD".into(),
        nanos: 100_000,
    });
    let budgets = Budgets::new(vec![budget(limit)]);
    let me = caller("1", "app");
    // 40 × 1,000 + 30 × 2,000 billionths.
    let held = budgets.reserve(wanted(&me, &price(), 40, 30), now()).unwrap();
    assert!(budgets.reserve(wanted(&me, &price(), 1, 0), now()).is_err());
    // A model of this machine costs no money.
    assert!(
        budgets
            .reserve(wanted(&me, &Priced::Local, 900, 900), now())
            .is_ok()
    );
    let unknown = Priced::Unknown("no price is known for X".into());
    let message = budgets
        .reserve(wanted(&me, &unknown, 1, 0), now())
        .unwrap_err()
        .to_string();
    assert!(message.contains("no price is known"), "{message}");
    let cost = Money {
        currency: "USD".into(),
        nanos: 60_000,
    };
    held.settle(70, Some(&cost));
    assert_eq!(budgets.states(now())[0].spent, 60_000);
}

#[test]
fn what_was_spent_before_a_restart_counts() {
    let budgets = Budgets::new(vec![Budget {
        user: Whose::Each,
        ..budget(Limit::Tokens(100))
    }]);
    let row = |user: &str, tokens| SpentBefore {
        user: Some(user.into()),
        key: None,
        requested: "asked".into(),
        model: "answers".into(),
        tokens,
        cost: None,
    };
    budgets.restore(Period::Day, now(), &[row("1", 60), row("1", 30), row("2", 5)]);
    budgets.restore(Period::Month, now(), &[row("1", 9_000)]);
    let (me, local) = (caller("1", "app"), Priced::Local);
    assert!(budgets.reserve(wanted(&me, &local, 11, 0), now()).is_err());
    assert!(budgets.reserve(wanted(&me, &local, 10, 0), now()).is_ok());
    assert_eq!(budgets.periods().collect::<Vec<_>>(), [Period::Day]);
}

#[test]
fn a_refusal_of_one_budget_takes_nothing_from_another() {
    let wide = budget(Limit::Tokens(100));
    let narrow = Budget {
        name: "narrow".into(),
        ..budget(Limit::Tokens(5))
    };
    let budgets = Budgets::new(vec![wide, narrow]);
    let (me, local) = (caller("1", "app"), Priced::Local);
    assert!(budgets.reserve(wanted(&me, &local, 6, 0), now()).is_err());
    assert!(budgets.states(now()).iter().all(|state| state.reserved == 0));
    assert!(budgets.reserve(wanted(&me, &local, 5, 0), now()).is_ok());
}
