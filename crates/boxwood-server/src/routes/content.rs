//! Rows of the content operations: files, folders, uploads, versions, the trash, users.

use super::Route;
use crate::handlers::{
    downloads, files, folders, representations, thumbnails, upload_sessions, uploads, users, versions,
};

pub(super) fn rows() -> Vec<Route> {
    [
        file_rows(),
        version_rows(),
        upload_rows(),
        folder_rows(),
        user_rows(),
        own_rows(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn file_rows() -> Vec<Route> {
    vec![
        Route::get("/2.0/files/{file_id}", "get_files_id", files::get),
        Route::put("/2.0/files/{file_id}", "put_files_id", files::update),
        Route::delete("/2.0/files/{file_id}", "delete_files_id", files::delete),
        Route::post("/2.0/files/{file_id}", "post_files_id", files::restore),
        Route::post("/2.0/files/{file_id}/copy", "post_files_id_copy", files::copy),
        Route::get(
            "/2.0/files/{file_id}/content",
            "get_files_id_content",
            downloads::locate,
        ),
        Route::get(
            "/2.0/files/{file_id}/thumbnail.png",
            "get_files_id_thumbnail_id",
            thumbnails::png,
        ),
        Route::get(
            "/2.0/files/{file_id}/thumbnail.jpg",
            "get_files_id_thumbnail_id",
            thumbnails::jpg,
        ),
        Route::get(
            "/2.0/files/{file_id}/trash",
            "get_files_id_trash",
            files::get_trashed,
        ),
        Route::delete(
            "/2.0/files/{file_id}/trash",
            "delete_files_id_trash",
            files::purge,
        ),
    ]
}

fn version_rows() -> Vec<Route> {
    const ONE: &str = "/2.0/files/{file_id}/versions/{file_version_id}";
    vec![
        Route::get(
            "/2.0/files/{file_id}/versions",
            "get_files_id_versions",
            versions::list,
        ),
        Route::post(
            "/2.0/files/{file_id}/versions/current",
            "post_files_id_versions_current",
            versions::promote,
        ),
        Route::get(ONE, "get_files_id_versions_id", versions::get),
        Route::delete(ONE, "delete_files_id_versions_id", versions::delete),
        Route::put(ONE, "put_files_id_versions_id", versions::restore),
    ]
}

fn upload_rows() -> Vec<Route> {
    const SESSION: &str = "/2.0/files/upload_sessions/{upload_session_id}";
    const PARTS: &str = "/2.0/files/upload_sessions/{upload_session_id}/parts";
    const COMMIT: &str = "/2.0/files/upload_sessions/{upload_session_id}/commit";
    const OF_FILE: &str = "/2.0/files/{file_id}/upload_sessions";
    vec![
        Route::post("/2.0/files/content", "post_files_content", uploads::upload_file),
        Route::options(
            "/2.0/files/content",
            "options_files_content",
            uploads::preflight_file,
        ),
        Route::post(
            "/2.0/files/{file_id}/content",
            "post_files_id_content",
            uploads::upload_version,
        ),
        Route::options(
            "/2.0/files/{file_id}/content",
            "options_files_id_content",
            uploads::preflight_version,
        ),
        Route::post(
            "/2.0/files/upload_sessions",
            "post_files_upload_sessions",
            upload_sessions::create,
        ),
        Route::post(
            OF_FILE,
            "post_files_id_upload_sessions",
            upload_sessions::create_for_version,
        ),
        Route::get(SESSION, "get_files_upload_sessions_id", upload_sessions::get),
        Route::put(
            SESSION,
            "put_files_upload_sessions_id",
            upload_sessions::upload_part,
        ),
        Route::delete(SESSION, "delete_files_upload_sessions_id", upload_sessions::abort),
        Route::get(
            PARTS,
            "get_files_upload_sessions_id_parts",
            upload_sessions::list_parts,
        ),
        Route::post(
            COMMIT,
            "post_files_upload_sessions_id_commit",
            upload_sessions::commit,
        ),
    ]
}

fn folder_rows() -> Vec<Route> {
    vec![
        Route::post("/2.0/folders", "post_folders", folders::create),
        Route::get(
            "/2.0/folders/trash/items",
            "get_folders_trash_items",
            folders::trashed_items,
        ),
        Route::get("/2.0/folders/{folder_id}", "get_folders_id", folders::get),
        Route::put("/2.0/folders/{folder_id}", "put_folders_id", folders::update),
        Route::delete("/2.0/folders/{folder_id}", "delete_folders_id", folders::delete),
        Route::post("/2.0/folders/{folder_id}", "post_folders_id", folders::restore),
        Route::get(
            "/2.0/folders/{folder_id}/items",
            "get_folders_id_items",
            folders::items,
        ),
        Route::post(
            "/2.0/folders/{folder_id}/copy",
            "post_folders_id_copy",
            folders::copy,
        ),
        Route::get(
            "/2.0/folders/{folder_id}/trash",
            "get_folders_id_trash",
            folders::get_trashed,
        ),
        Route::delete(
            "/2.0/folders/{folder_id}/trash",
            "delete_folders_id_trash",
            folders::purge,
        ),
    ]
}

fn user_rows() -> Vec<Route> {
    vec![
        Route::get("/2.0/users/me", "get_users_me", users::me),
        Route::get("/2.0/users", "get_users", users::list),
        Route::post("/2.0/users", "post_users", users::create),
        Route::get("/2.0/users/{user_id}", "get_users_id", users::get),
        Route::put("/2.0/users/{user_id}", "put_users_id", users::update),
        Route::delete("/2.0/users/{user_id}", "delete_users_id", users::delete),
    ]
}

/// Rows that Box's description does not have: where its answers point to.
fn own_rows() -> Vec<Route> {
    const FORM: &str = "/2.0/internal_files/{file_id}/versions/{file_version_id}/representations/{form}";
    const TEXT: &str =
        "/2.0/internal_files/{file_id}/versions/{file_version_id}/representations/{form}/content/";
    vec![
        Route::get("/dl/{ticket}", "boxwood_download", downloads::content),
        Route::get(FORM, "boxwood_representation", representations::info),
        Route::get(TEXT, "boxwood_representation_content", representations::content),
        Route::get(
            "/placeholders/file.png",
            "boxwood_placeholder_png",
            thumbnails::placeholder_png,
        ),
        Route::get(
            "/placeholders/file.jpg",
            "boxwood_placeholder_jpg",
            thumbnails::placeholder_jpg,
        ),
    ]
}
