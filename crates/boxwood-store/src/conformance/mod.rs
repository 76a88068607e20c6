//! The contract of a store as functions: every implementation runs all of them.
//!
//! An implementation's test module gives [`suite!`] a factory of [`World`]s; each function gets its own empty store.

pub(crate) mod agents;
pub(crate) mod answers;
pub(crate) mod cascades;
pub(crate) mod collaborations;
pub(crate) mod contents;
pub(crate) mod events;
pub(crate) mod folders;
pub(crate) mod groups;
pub(crate) mod identity;
pub(crate) mod jobs;
pub(crate) mod listing;
pub(crate) mod metadata;
pub(crate) mod metadata_queries;
pub(crate) mod permissions;
pub(crate) mod responses;
pub(crate) mod search;
pub(crate) mod taxonomies;
pub(crate) mod templates;
pub(crate) mod trash;
pub(crate) mod uploads;
pub(crate) mod usage;
pub(crate) mod versions;

use crate::{
    ByteStream, File, Folder, NewFile, NewFolder, NewUser, Seed, Seeded, StagedBlob, Store, User, UserKind,
    UserRole,
};
use boxwood_core::{FixedClock, FolderId, Principal, Resource, ScopeSet};
use std::any::Any;
use std::sync::Arc;
use tokio::io::AsyncReadExt;

/// Makes one test of each function, over stores from the factory.
macro_rules! suite {
    ($factory:path) => {
        crate::conformance::suite! { @modules $factory;
            answers { answers_are_kept_listed_and_removed, answers_are_ones_own_or_the_administrators,
                answers_go_with_their_file_and_with_time }
            collaborations { collaborators_are_invited_changed_and_removed, pages_of_collaborations_join,
                an_address_becomes_its_user, users_of_other_enterprises_answer_first, a_collaboration_ends_at_its_time,
                an_item_is_handed_over, a_group_is_invited_by_whom_it_allows,
                a_path_is_shown_where_the_invitation_says_so }
            agents { an_agent_is_kept_as_it_was_made, a_replacement_keeps_only_identity_and_origin,
                a_removed_agent_is_gone, only_those_who_may_use_an_agent_see_it, agents_stay_in_their_enterprise,
                a_user_who_goes_is_not_allowed_any_more, members_of_a_group_may_what_the_group_may,
                pages_and_filters_join, questions_are_put_once_and_never_into_a_newer_agent }
            contents { content_is_handed_out_whole_and_in_ranges, own_files_are_read_in_place,
                artifacts_are_kept_by_content_kind_and_version, equal_content_is_kept_once_and_swept_last,
                what_is_too_large_or_breaks_off_leaves_nothing, health_is_told }
            events { changes_are_recorded_with_their_item, a_stream_shows_what_its_user_reached,
                events_are_filtered_and_end }
            folders { a_folder_is_made_and_read, names_are_unique_in_a_folder, bad_names_are_refused,
                a_rename_changes_the_etag_once, an_old_etag_is_refused, folders_move_with_everything_below,
                a_folder_does_not_move_into_itself, the_root_stays, copies_are_deep_and_share_content,
                concurrent_creations_leave_one, sizes_and_space_add_up }
            groups { groups_are_made_changed_and_removed, members_come_and_go, what_a_group_reaches_its_members_reach }
            identity { the_seed_is_repeatable, secrets_are_compared_and_replaced, tokens_end,
                exchanged_tokens_end_with_their_parent, refresh_tokens_work_once, codes_work_once_and_briefly,
                revoking_takes_the_family, jwt_ids_are_seen_once, logins_are_unique,
                users_change_and_go_when_nothing_is_theirs }
            jobs { an_upload_queues_one_job_a_content, a_lease_that_ended_goes_to_the_next,
                only_the_newest_lease_ends_a_job, retries_end, silent_workers_end_in_a_refusal,
                a_requested_job_goes_first, a_lost_artifact_is_made_again }
            listing { folders_come_first_in_every_order, pages_join_without_gaps, markers_belong_to_their_listing,
                limits_are_told, items_that_come_and_go_do_not_disturb_markers }
            cascades { what_comes_into_a_folder_gets_its_metadata, a_policy_is_applied_to_what_is_there }
            metadata { metadata_lives_on_an_item, wrong_metadata_changes_nothing,
                metadata_follows_the_role_on_its_item, metadata_goes_with_its_item_and_its_template,
                copies_take_metadata_along_where_the_template_says_so }
            metadata_queries { queries_find_what_is_asked, queries_find_only_what_may_be_seen,
                filters_take_values_ranges_and_lists }
            permissions { other_users_find_nothing, roles_allow_what_they_say, a_shared_folder_shows_in_the_root,
                a_limited_token_reaches_only_its_item, a_limited_folder_token_reaches_below,
                a_moved_item_belongs_to_its_new_folder, locks_hold_others_off, an_invitation_ends }
            responses { responses_are_kept_changed_and_removed, responses_follow_one_another,
                responses_are_ones_own_and_end }
            search { names_descriptions_and_texts_are_found, a_search_tells_nothing_of_others_items,
                filters_narrow_a_search, hits_are_ordered_and_paged, a_text_is_indexed_once_and_goes_with_its_content }
            taxonomies { a_taxonomy_has_levels_and_nodes, taxonomies_belong_to_their_enterprise,
                a_taxonomy_field_takes_nodes_of_its_levels }
            templates { a_template_is_made_and_found, other_enterprises_have_no_templates_here,
                templates_are_listed_in_pages, a_template_changes_as_a_whole }
            trash { a_trashed_file_is_not_read, a_folder_goes_and_comes_back_whole, a_taken_name_blocks_the_way_back,
                a_purged_folder_is_gone_but_not_what_was_deleted_before, a_full_folder_needs_recursive }
            uploads { parts_become_a_file, parts_become_a_version, wrong_parts_are_refused, a_commit_can_be_repeated,
                a_session_belongs_to_its_user_and_ends, an_aborted_session_is_gone }
            usage { uses_are_kept_and_summed, uses_are_ones_own_or_the_administrators,
                budgets_begin_with_what_was_used }
            versions { a_new_version_is_current, an_old_version_is_promoted, versions_go_and_come_back,
                the_current_version_stays, preflight_tells_what_the_upload_would }
        }
    };
    (@modules $factory:path; $($module:ident { $($function:ident),* $(,)? })*) => {
        $(mod $module {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $function() {
                crate::conformance::$module::$function(&$factory().await).await;
            })*
        })*
    };
}
pub(crate) use suite;

/// An empty store with its seed, and what a test needs around it.
pub(crate) struct World {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) clock: Arc<FixedClock>,
    pub(crate) seeded: Seeded,
    pub(crate) admin: Principal,
    _keep: Box<dyn Any + Send + Sync>,
}

/// The usual seed of tests.
pub(crate) fn seed() -> Seed {
    Seed {
        enterprise_name: "Test".into(),
        admin_name: "Ada Admin".into(),
        admin_login: "ada@example.com".into(),
        client_id: "test-client".into(),
        client_secret: "test-secret".into(),
        client_keys: Vec::new(),
        redirect_uris: vec!["http://127.0.0.1/callback".into()],
        developer_token: Some("test-developer-token".into()),
    }
}

impl World {
    pub(crate) async fn new(
        store: Arc<dyn Store>,
        clock: Arc<FixedClock>,
        keep: Box<dyn Any + Send + Sync>,
    ) -> Self {
        let seeded = store.seed(seed()).await.unwrap();
        let admin = principal(&seeded.admin);
        Self {
            store,
            clock,
            seeded,
            admin,
            _keep: keep,
        }
    }

    /// Another user of the enterprise.
    pub(crate) async fn user(&self, name: &str) -> Principal {
        let user = NewUser {
            enterprise_id: self.seeded.enterprise.id.clone(),
            name: name.into(),
            login: format!("{name}@example.com"),
            role: UserRole::User,
            kind: UserKind::Managed,
        };
        principal(&self.store.create_user(user).await.unwrap())
    }

    pub(crate) async fn stage(&self, principal: &Principal, content: &[u8]) -> StagedBlob {
        self.store.stage(principal, stream(content)).await.unwrap()
    }

    pub(crate) async fn upload(
        &self,
        principal: &Principal,
        parent: &FolderId,
        name: &str,
        content: &[u8],
    ) -> File {
        let staged = self.stage(principal, content).await;
        self.store
            .create_file(principal, NewFile::new(parent.clone(), name), staged)
            .await
            .unwrap()
    }

    /// A file of the administrator in his root.
    pub(crate) async fn file(&self, name: &str, content: &[u8]) -> File {
        self.upload(&self.admin, &FolderId::root(), name, content).await
    }

    /// A folder of the administrator.
    pub(crate) async fn folder(&self, parent: &FolderId, name: &str) -> Folder {
        self.store
            .create_folder(&self.admin, NewFolder::new(parent.clone(), name))
            .await
            .unwrap()
    }
}

pub(crate) fn principal(user: &User) -> Principal {
    Principal {
        user_id: user.id.clone(),
        enterprise_id: user.enterprise.id.clone(),
        scopes: ScopeSet::full(),
        resource: None,
    }
}

pub(crate) fn limited(principal: &Principal, resource: Resource) -> Principal {
    Principal {
        resource: Some(resource),
        ..principal.clone()
    }
}

pub(crate) fn stream(content: &[u8]) -> ByteStream<'_> {
    Box::pin(content)
}

pub(crate) async fn read(mut stream: ByteStream<'static>) -> Vec<u8> {
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).await.unwrap();
    bytes
}

pub(crate) fn sha1_hex(content: &[u8]) -> String {
    use sha1::Digest;
    hex::encode(sha1::Sha1::digest(content))
}

/// The result is an error that fits the pattern.
macro_rules! refused {
    ($result:expr, $pattern:pat $(if $guard:expr)?) => {
        match $result {
            Err($pattern) $(if $guard)? => {}
            other => panic!("{other:?} is not {}", stringify!($pattern $(if $guard)?)),
        }
    };
}
pub(crate) use refused;
