//! Copies of items take along the metadata whose template says so.

use super::super::SqliteStore;
use super::super::convert::{Doing, column};
use super::instances;
use crate::error::StoreError;
use sqlx::SqliteConnection;
use std::collections::HashMap;

/// Copies metadata from originals to their copies (original → copy).
pub(in super::super) async fn copy_metadata(
    store: &SqliteStore,
    connection: &mut SqliteConnection,
    copies: &HashMap<i64, i64>,
) -> Result<(), StoreError> {
    let any: bool =
        sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM metadata_templates WHERE copy_with_item = 1)")
            .fetch_one(&mut *connection)
            .await
            .doing("look for templates")?;
    if !any {
        return Ok(());
    }
    for (original, copy) in copies {
        let rows = sqlx::query(
            "SELECT template_id, type_version, field_values FROM metadata_instances \
             JOIN metadata_templates ON metadata_templates.id = template_id \
             WHERE item_id = ?1 AND copy_with_item = 1",
        )
        .bind(original)
        .fetch_all(&mut *connection)
        .await
        .doing("read metadata")?;
        for row in &rows {
            let template: String = column(row, "template_id")?;
            let revision: u32 = column(row, "type_version")?;
            let values: String = column(row, "field_values")?;
            instances::insert(store, connection, *copy, (&template, revision), &values).await?;
        }
    }
    Ok(())
}
