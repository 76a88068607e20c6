//! Agents of AI Studio.

use super::{World, principal, refused};
use crate::{
    Agent, AgentCapability, AgentQuery, GroupRole, NewAgent, NewGroup, NewMembership, NewUser, Seed,
    StoreError, Thing, UserKind, UserRole,
};
use boxwood_core::{AgentAccess, AgentId, AgentMode, AllowedEntity, Clock, EntityKind, Principal};
use chrono::Duration;
use serde_json::json;

fn capability(mode: AgentMode) -> AgentCapability {
    AgentCapability {
        mode,
        enabled: true,
        settings: json!({"description": "reads", "basic_text": {"num_tokens_for_completion": 8400.0}}),
        suggested_questions: Some(vec!["What is in it?".to_owned()]),
    }
}

fn new(name: &str, access: AgentAccess) -> NewAgent {
    NewAgent {
        name: name.to_owned(),
        access,
        icon_reference: Some("https://example.com/icon.png".to_owned()),
        allowed: Vec::new(),
        capabilities: vec![capability(AgentMode::Ask)],
    }
}

fn allowed(user: &Principal) -> AllowedEntity {
    AllowedEntity {
        kind: EntityKind::User,
        id: user.user_id.to_string(),
    }
}

fn all() -> AgentQuery {
    AgentQuery {
        modes: Vec::new(),
        states: Vec::new(),
        after: None,
        limit: 100,
    }
}

async fn names(world: &World, principal: &Principal, query: AgentQuery) -> Vec<String> {
    let page = world.store.agents(principal, query).await.unwrap();
    page.entries.into_iter().map(|agent| agent.name).collect()
}

async fn make(world: &World, agent: NewAgent) -> Agent {
    world.store.create_agent(&world.admin, agent).await.unwrap()
}

pub(crate) async fn an_agent_is_kept_as_it_was_made(world: &World) {
    let made = make(world, new("Reader", AgentAccess::Enabled)).await;
    assert_eq!(made.capabilities, [capability(AgentMode::Ask)]);
    assert_eq!(
        (made.created_at, made.created_by.clone()),
        (world.clock.now(), world.admin.user_id.clone())
    );
    assert!(made.usable && made.allowed.is_empty() && made.revision == 0);
    assert_eq!(world.store.agent(&world.admin, &made.id).await.unwrap(), made);
    let unknown: AgentId = "77".parse().unwrap();
    refused!(
        world.store.agent(&world.admin, &unknown).await,
        StoreError::NotFound { thing: Thing::Agent, id } if id == "77"
    );
}

pub(crate) async fn a_replacement_keeps_only_identity_and_origin(world: &World) {
    let mut first = new("Reader", AgentAccess::Enabled);
    first.capabilities.push(capability(AgentMode::Extract));
    first.allowed = vec![allowed(&world.admin)];
    let made = make(world, first).await;
    world.clock.advance(Duration::minutes(5));
    let other = NewAgent {
        icon_reference: None,
        capabilities: vec![capability(AgentMode::TextGen)],
        ..new("Writer", AgentAccess::Disabled)
    };
    let service = principal(&world.seeded.service_account);
    let changed = world
        .store
        .replace_agent(&service, &made.id, other)
        .await
        .unwrap();
    assert_eq!(
        (&changed.id, &changed.created_by, changed.created_at),
        (&made.id, &made.created_by, made.created_at)
    );
    assert_eq!(
        (&changed.modified_by, changed.modified_at),
        (&service.user_id, world.clock.now())
    );
    assert_eq!(
        (changed.name.as_str(), changed.icon_reference.as_ref()),
        ("Writer", None)
    );
    assert!(changed.allowed.is_empty() && !changed.usable && changed.revision == 1);
    assert_eq!(changed.capabilities, [capability(AgentMode::TextGen)]);
}

pub(crate) async fn a_removed_agent_is_gone(world: &World) {
    let made = make(world, new("Reader", AgentAccess::Enabled)).await;
    world.store.delete_agent(&world.admin, &made.id).await.unwrap();
    for gone in [
        world.store.agent(&world.admin, &made.id).await.map(|_| ()),
        world.store.delete_agent(&world.admin, &made.id).await,
        world
            .store
            .replace_agent(&world.admin, &made.id, new("x", AgentAccess::Enabled))
            .await
            .map(|_| ()),
    ] {
        refused!(
            gone,
            StoreError::NotFound {
                thing: Thing::Agent,
                ..
            }
        );
    }
    assert!(names(world, &world.admin, all()).await.is_empty());
}

pub(crate) async fn only_those_who_may_use_an_agent_see_it(world: &World) {
    let ann = world.user("ann").await;
    let bob = world.user("bob").await;
    make(world, new("for all", AgentAccess::Enabled)).await;
    let selected = NewAgent {
        allowed: vec![allowed(&ann)],
        ..new("for ann", AgentAccess::SelectedUsers)
    };
    let selected = make(world, selected).await;
    make(world, new("for nobody", AgentAccess::Disabled)).await;

    assert_eq!(names(world, &ann, all()).await, ["for all", "for ann"]);
    assert_eq!(names(world, &bob, all()).await, ["for all"]);
    assert_eq!(
        names(world, &world.admin, all()).await,
        ["for all", "for ann", "for nobody"]
    );
    assert!(world.store.agent(&ann, &selected.id).await.unwrap().usable);
    refused!(
        world.store.agent(&bob, &selected.id).await,
        StoreError::NotFound { .. }
    );
    let seen = world.store.agent(&world.admin, &selected.id).await.unwrap();
    assert!(
        !seen.usable,
        "who manages an agent sees it, and may still not use it"
    );
}

pub(crate) async fn agents_stay_in_their_enterprise(world: &World) {
    let made = make(world, new("ours", AgentAccess::Enabled)).await;
    let other = world
        .store
        .seed(Seed {
            enterprise_name: "Other".into(),
            admin_login: "olga@example.com".into(),
            client_id: "other-client".into(),
            developer_token: None,
            ..super::seed()
        })
        .await
        .unwrap();
    let olga = principal(&other.admin);
    assert!(names(world, &olga, all()).await.is_empty());
    refused!(
        world.store.agent(&olga, &made.id).await,
        StoreError::NotFound { .. }
    );
    refused!(
        world.store.delete_agent(&olga, &made.id).await,
        StoreError::NotFound { .. }
    );
    let stranger = NewAgent {
        allowed: vec![allowed(&olga)],
        ..new("x", AgentAccess::SelectedUsers)
    };
    refused!(
        world.store.create_agent(&world.admin, stranger).await,
        StoreError::NotFound { thing: Thing::User, id } if id == olga.user_id.as_str()
    );
    assert_eq!(
        names(world, &world.admin, all()).await,
        ["ours"],
        "nothing is half made"
    );
}

pub(crate) async fn a_user_who_goes_is_not_allowed_any_more(world: &World) {
    let user = NewUser {
        enterprise_id: world.seeded.enterprise.id.clone(),
        name: "Guest".into(),
        login: "guest@example.com".into(),
        role: UserRole::User,
        kind: UserKind::Managed,
    };
    let guest = principal(&world.store.create_user(user).await.unwrap());
    let selected = NewAgent {
        allowed: vec![allowed(&guest), allowed(&world.admin)],
        ..new("x", AgentAccess::SelectedUsers)
    };
    let made = make(world, selected).await;
    assert_eq!(made.allowed, [allowed(&guest), allowed(&world.admin)]);
    world.store.delete_user(&guest.user_id).await.unwrap();
    let left = world.store.agent(&world.admin, &made.id).await.unwrap();
    assert_eq!(left.allowed, [allowed(&world.admin)]);
}

pub(crate) async fn members_of_a_group_may_what_the_group_may(world: &World) {
    let (ann, bob) = (world.user("ann").await, world.user("bob").await);
    let group = world
        .store
        .create_group(&world.admin, NewGroup::new("Readers"))
        .await
        .unwrap();
    let membership = NewMembership {
        group: group.id.clone(),
        user: ann.user_id.clone(),
        role: GroupRole::Member,
        permissions: None,
    };
    let membership = world.store.add_member(&world.admin, membership).await.unwrap();
    let readers = AllowedEntity {
        kind: EntityKind::Group,
        id: group.id.to_string(),
    };
    let selected = NewAgent {
        allowed: vec![readers.clone(), allowed(&world.admin)],
        ..new("x", AgentAccess::SelectedUsers)
    };
    let made = make(world, selected).await;
    assert!(world.store.agent(&ann, &made.id).await.unwrap().usable);
    refused!(
        world.store.agent(&bob, &made.id).await,
        StoreError::NotFound { .. }
    );
    world
        .store
        .remove_member(&world.admin, &membership.id)
        .await
        .unwrap();
    refused!(
        world.store.agent(&ann, &made.id).await,
        StoreError::NotFound { .. }
    );
    world.store.delete_group(&world.admin, &group.id).await.unwrap();
    let left = world.store.agent(&world.admin, &made.id).await.unwrap();
    assert_eq!(left.allowed, [allowed(&world.admin)]);
    let gone = NewAgent {
        allowed: vec![readers],
        ..new("y", AgentAccess::SelectedUsers)
    };
    refused!(
        world.store.create_agent(&world.admin, gone).await,
        StoreError::NotFound { thing: Thing::Group, id } if id == group.id.as_str()
    );
}

pub(crate) async fn pages_and_filters_join(world: &World) {
    for (name, access, mode) in [
        ("a", AgentAccess::Enabled, AgentMode::Ask),
        ("b", AgentAccess::Disabled, AgentMode::Ask),
        ("c", AgentAccess::Enabled, AgentMode::TextGen),
        ("d", AgentAccess::SelectedUsers, AgentMode::Extract),
    ] {
        let agent = NewAgent {
            capabilities: vec![capability(mode)],
            ..new(name, access)
        };
        make(world, agent).await;
    }
    let enabled = AgentQuery {
        states: vec![AgentAccess::Enabled],
        ..all()
    };
    assert_eq!(names(world, &world.admin, enabled).await, ["a", "c"]);
    let modes = AgentQuery {
        modes: vec![AgentMode::TextGen, AgentMode::Extract],
        ..all()
    };
    assert_eq!(names(world, &world.admin, modes).await, ["c", "d"]);
    let both = AgentQuery {
        modes: vec![AgentMode::Ask],
        states: vec![AgentAccess::Disabled],
        ..all()
    };
    assert_eq!(names(world, &world.admin, both).await, ["b"]);
    let mut found = Vec::new();
    let mut after = None;
    loop {
        let query = AgentQuery {
            after: after.clone(),
            limit: 3,
            ..all()
        };
        let page = world.store.agents(&world.admin, query).await.unwrap();
        after = page.entries.last().map(|agent| agent.id.clone());
        found.extend(page.entries.into_iter().map(|agent| agent.name));
        if !page.more {
            break;
        }
    }
    assert_eq!(found, ["a", "b", "c", "d"]);
    refused!(
        world
            .store
            .agents(&world.admin, AgentQuery { limit: 0, ..all() })
            .await,
        StoreError::InvalidValue { field: "limit", .. }
    );
}

pub(crate) async fn questions_are_put_once_and_never_into_a_newer_agent(world: &World) {
    let unsuggested = NewAgent {
        capabilities: vec![
            AgentCapability {
                suggested_questions: None,
                ..capability(AgentMode::Ask)
            },
            capability(AgentMode::Extract),
        ],
        ..new("x", AgentAccess::Enabled)
    };
    let made = make(world, unsuggested.clone()).await;
    let waiting = world.store.unsuggested_agents(10).await.unwrap();
    assert_eq!(
        waiting
            .iter()
            .map(|one| (&one.id, one.capability.mode))
            .collect::<Vec<_>>(),
        [(&made.id, AgentMode::Ask)]
    );
    let questions = ["Why?".to_owned()];
    let put = |revision| {
        world
            .store
            .put_suggested_questions(&made.id, revision, AgentMode::Ask, &questions)
    };
    world
        .store
        .replace_agent(&world.admin, &made.id, unsuggested)
        .await
        .unwrap();
    assert!(!put(0).await.unwrap(), "they were written for an older agent");
    assert!(put(1).await.unwrap());
    assert!(!put(1).await.unwrap(), "it has questions");
    assert!(world.store.unsuggested_agents(10).await.unwrap().is_empty());
    let kept = world.store.agent(&world.admin, &made.id).await.unwrap();
    let ask = kept.capability(AgentMode::Ask).unwrap();
    assert_eq!(ask.suggested_questions.as_deref(), Some(&questions[..]));
}
