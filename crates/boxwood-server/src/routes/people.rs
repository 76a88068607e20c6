//! Rows of groups, memberships, collaborations, events and search.

use super::Route;
use crate::handlers::{collaborations, groups, memberships, search, streams};

pub(super) fn rows() -> Vec<Route> {
    [
        group_rows(),
        membership_rows(),
        collaboration_rows(),
        event_rows(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn group_rows() -> Vec<Route> {
    const ONE: &str = "/2.0/groups/{group_id}";
    vec![
        Route::get("/2.0/groups", "get_groups", groups::list),
        Route::post("/2.0/groups", "post_groups", groups::create),
        Route::get(ONE, "get_groups_id", groups::get),
        Route::put(ONE, "put_groups_id", groups::update),
        Route::delete(ONE, "delete_groups_id", groups::delete),
    ]
}

fn membership_rows() -> Vec<Route> {
    const ONE: &str = "/2.0/group_memberships/{group_membership_id}";
    vec![
        Route::get(
            "/2.0/groups/{group_id}/memberships",
            "get_groups_id_memberships",
            memberships::of_group,
        ),
        Route::get(
            "/2.0/users/{user_id}/memberships",
            "get_users_id_memberships",
            memberships::of_user,
        ),
        Route::post(
            "/2.0/group_memberships",
            "post_group_memberships",
            memberships::create,
        ),
        Route::get(ONE, "get_group_memberships_id", memberships::get),
        Route::put(ONE, "put_group_memberships_id", memberships::update),
        Route::delete(ONE, "delete_group_memberships_id", memberships::delete),
    ]
}

fn event_rows() -> Vec<Route> {
    vec![
        Route::get("/2.0/search", "get_search", search::search),
        Route::get("/2.0/events", "get_events", streams::list),
        Route::options("/2.0/events", "options_events", streams::servers),
        Route::get(streams::WAIT_PATH, "boxwood_realtime", streams::wait),
    ]
}

fn collaboration_rows() -> Vec<Route> {
    const ONE: &str = "/2.0/collaborations/{collaboration_id}";
    vec![
        Route::get(
            "/2.0/collaborations",
            "get_collaborations",
            collaborations::pending,
        ),
        Route::post(
            "/2.0/collaborations",
            "post_collaborations",
            collaborations::create,
        ),
        Route::get(ONE, "get_collaborations_id", collaborations::get),
        Route::put(ONE, "put_collaborations_id", collaborations::update),
        Route::delete(ONE, "delete_collaborations_id", collaborations::delete),
        Route::get(
            "/2.0/files/{file_id}/collaborations",
            "get_files_id_collaborations",
            collaborations::of_file,
        ),
        Route::get(
            "/2.0/folders/{folder_id}/collaborations",
            "get_folders_id_collaborations",
            collaborations::of_folder,
        ),
        Route::get(
            "/2.0/groups/{group_id}/collaborations",
            "get_groups_id_collaborations",
            collaborations::of_group,
        ),
    ]
}
