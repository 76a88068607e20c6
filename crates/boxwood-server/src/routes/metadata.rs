//! Rows of the metadata operations: templates, instances, queries, taxonomies.

use super::Route;
use crate::handlers::metadata::{cascades, instances, queries, taxonomies, taxonomy_nodes, templates};

pub(super) fn rows() -> Vec<Route> {
    [
        template_rows(),
        file_rows(),
        folder_rows(),
        query_rows(),
        taxonomy_rows(),
        node_rows(),
        cascade_rows(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn template_rows() -> Vec<Route> {
    const SCHEMA: &str = "/2.0/metadata_templates/{scope}/{template_key}/schema";
    vec![
        Route::get(
            "/2.0/metadata_templates",
            "get_metadata_templates",
            templates::of_instance,
        ),
        Route::get(
            "/2.0/metadata_templates/global",
            "get_metadata_templates_global",
            templates::list_global,
        ),
        Route::get(
            "/2.0/metadata_templates/enterprise",
            "get_metadata_templates_enterprise",
            templates::list_enterprise,
        ),
        Route::post(
            "/2.0/metadata_templates/schema",
            "post_metadata_templates_schema",
            templates::create,
        ),
        Route::get(
            "/2.0/metadata_templates/{template_id}",
            "get_metadata_templates_id",
            templates::get_by_id,
        ),
        Route::get(SCHEMA, "get_metadata_templates_id_id_schema", templates::get),
        Route::put(SCHEMA, "put_metadata_templates_id_id_schema", templates::update),
        Route::delete(
            SCHEMA,
            "delete_metadata_templates_id_id_schema",
            templates::delete,
        ),
    ]
}

fn file_rows() -> Vec<Route> {
    const ONE: &str = "/2.0/files/{file_id}/metadata/{scope}/{template_key}";
    vec![
        Route::get(
            "/2.0/files/{file_id}/metadata",
            "get_files_id_metadata",
            instances::list_of_file,
        ),
        Route::get(ONE, "get_files_id_metadata_id_id", instances::get_of_file),
        Route::post(ONE, "post_files_id_metadata_id_id", instances::create_on_file),
        Route::put(ONE, "put_files_id_metadata_id_id", instances::update_on_file),
        Route::delete(ONE, "delete_files_id_metadata_id_id", instances::delete_from_file),
    ]
}

fn folder_rows() -> Vec<Route> {
    const ONE: &str = "/2.0/folders/{folder_id}/metadata/{scope}/{template_key}";
    vec![
        Route::get(
            "/2.0/folders/{folder_id}/metadata",
            "get_folders_id_metadata",
            instances::list_of_folder,
        ),
        Route::get(ONE, "get_folders_id_metadata_id_id", instances::get_of_folder),
        Route::post(ONE, "post_folders_id_metadata_id_id", instances::create_on_folder),
        Route::put(ONE, "put_folders_id_metadata_id_id", instances::update_on_folder),
        Route::delete(
            ONE,
            "delete_folders_id_metadata_id_id",
            instances::delete_from_folder,
        ),
    ]
}

fn query_rows() -> Vec<Route> {
    vec![Route::post(
        "/2.0/metadata_queries/execute_read",
        "post_metadata_queries_execute_read",
        queries::execute,
    )]
}

fn taxonomy_rows() -> Vec<Route> {
    const ONE: &str = "/2.0/metadata_taxonomies/{namespace}/{taxonomy_key}";
    const LEVELS: &str = "/2.0/metadata_taxonomies/{namespace}/{taxonomy_key}/levels";
    vec![
        Route::post(
            "/2.0/metadata_taxonomies",
            "post_metadata_taxonomies",
            taxonomies::create,
        ),
        Route::get(
            "/2.0/metadata_taxonomies/{namespace}",
            "get_metadata_taxonomies_id",
            taxonomies::list,
        ),
        Route::get(ONE, "get_metadata_taxonomies_id_id", taxonomies::get),
        Route::patch(ONE, "patch_metadata_taxonomies_id_id", taxonomies::update),
        Route::delete(ONE, "delete_metadata_taxonomies_id_id", taxonomies::delete),
        Route::post(
            LEVELS,
            "post_metadata_taxonomies_id_id_levels",
            taxonomies::create_levels,
        ),
        Route::post(
            "/2.0/metadata_taxonomies/{namespace}/{taxonomy_key}/levels:append",
            "post_metadata_taxonomies_id_id_levels:append",
            taxonomies::append_level,
        ),
        Route::post(
            "/2.0/metadata_taxonomies/{namespace}/{taxonomy_key}/levels:trim",
            "post_metadata_taxonomies_id_id_levels:trim",
            taxonomies::trim_levels,
        ),
        Route::patch(
            "/2.0/metadata_taxonomies/{namespace}/{taxonomy_key}/levels/{level_index}",
            "patch_metadata_taxonomies_id_id_levels_id",
            taxonomies::update_level,
        ),
    ]
}

fn node_rows() -> Vec<Route> {
    const ALL: &str = "/2.0/metadata_taxonomies/{namespace}/{taxonomy_key}/nodes";
    const ONE: &str = "/2.0/metadata_taxonomies/{namespace}/{taxonomy_key}/nodes/{node_id}";
    vec![
        Route::get(ALL, "get_metadata_taxonomies_id_id_nodes", taxonomy_nodes::list),
        Route::post(
            ALL,
            "post_metadata_taxonomies_id_id_nodes",
            taxonomy_nodes::create,
        ),
        Route::get(ONE, "get_metadata_taxonomies_id_id_nodes_id", taxonomy_nodes::get),
        Route::patch(
            ONE,
            "patch_metadata_taxonomies_id_id_nodes_id",
            taxonomy_nodes::update,
        ),
        Route::delete(
            ONE,
            "delete_metadata_taxonomies_id_id_nodes_id",
            taxonomy_nodes::delete,
        ),
        Route::get(
            "/2.0/metadata_templates/{namespace}/{template_key}/fields/{field_key}/options",
            "get_metadata_templates_id_id_fields_id_options",
            taxonomy_nodes::options,
        ),
    ]
}

fn cascade_rows() -> Vec<Route> {
    const ALL: &str = "/2.0/metadata_cascade_policies";
    const ONE: &str = "/2.0/metadata_cascade_policies/{metadata_cascade_policy_id}";
    vec![
        Route::get(ALL, "get_metadata_cascade_policies", cascades::list),
        Route::post(ALL, "post_metadata_cascade_policies", cascades::create),
        Route::get(ONE, "get_metadata_cascade_policies_id", cascades::get),
        Route::delete(ONE, "delete_metadata_cascade_policies_id", cascades::delete),
        Route::post(
            "/2.0/metadata_cascade_policies/{metadata_cascade_policy_id}/apply",
            "post_metadata_cascade_policies_id_apply",
            cascades::apply,
        ),
    ]
}
