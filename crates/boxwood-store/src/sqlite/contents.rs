//! Contents: taking them in, handing out what a principal may read, artifacts.

use super::access;
use super::convert::{Doing, column, unsigned};
use super::{SqliteStore, rows, versions};
use crate::blob::{ArtifactKey, ByteStream};
use crate::content::{ReadableFile, ReadableFiles, StagedBlob};
use crate::error::{StoreError, Thing};
use crate::store::ContentStore;
use async_trait::async_trait;
use boxwood_core::{ContentHash, FileId, FileVersionId, Principal};
use bytes::Bytes;
use sqlx::SqliteConnection;
use std::collections::HashSet;
use std::sync::Arc;

#[async_trait]
impl ContentStore for SqliteStore {
    async fn stage(&self, _principal: &Principal, content: ByteStream<'_>) -> Result<StagedBlob, StoreError> {
        self.blobs.stage(content, self.options.max_file_size).await
    }

    async fn readable(&self, principal: &Principal, ids: &[FileId]) -> Result<ReadableFiles, StoreError> {
        self.end_collaborations().await?;
        let before = self.commits.now();
        let asked = (principal.clone(), ids.to_vec());
        if let Some(files) = self.found_readable.get(before, &asked) {
            return Ok(ReadableFiles::new(files));
        }
        let mut reading = self.read().await?;
        let mut seen = HashSet::new();
        let mut files = Vec::with_capacity(ids.len());
        for id in ids.iter().filter(|id| seen.insert(*id)) {
            let access = access::file(&mut reading, principal, id).await?;
            access.require("read", |may| may.can_preview)?;
            files.push(self.current_content(&mut reading, id, access.item).await?);
        }
        self.found_readable.put(before, asked, files.clone());
        Ok(ReadableFiles::new(files))
    }

    async fn downloadable(
        &self,
        principal: &Principal,
        id: &FileId,
        version: Option<&FileVersionId>,
    ) -> Result<ReadableFile, StoreError> {
        let mut reading = self.read().await?;
        let access = access::file(&mut reading, principal, id).await?;
        access.require("download", |may| may.can_download)?;
        let Some(version) = version else {
            return self.current_content(&mut reading, id, access.item).await;
        };
        let found = versions::find(&mut reading, access.item, version).await?;
        if found.trashed_at.is_some() {
            return Err(StoreError::Trashed {
                thing: Thing::FileVersion,
                id: version.to_string(),
            });
        }
        let blobs = Arc::clone(&self.blobs);
        Ok(ReadableFile::of_blob(
            blobs,
            id.clone(),
            found.id,
            found.name,
            found.content_hash,
            found.size,
        ))
    }

    async fn artifact(
        &self,
        content: &ContentHash,
        kind: &str,
        version: u32,
    ) -> Result<Option<Bytes>, StoreError> {
        self.blobs
            .artifact(&ArtifactKey {
                content: *content,
                kind: kind.to_owned(),
                version,
            })
            .await
    }

    async fn put_artifact(
        &self,
        content: &ContentHash,
        kind: &str,
        version: u32,
        bytes: Bytes,
    ) -> Result<(), StoreError> {
        let key = ArtifactKey {
            content: *content,
            kind: kind.to_owned(),
            version,
        };
        self.blobs.put_artifact(&key, bytes).await
    }
}

impl SqliteStore {
    async fn current_content(
        &self,
        connection: &mut SqliteConnection,
        id: &FileId,
        item: i64,
    ) -> Result<ReadableFile, StoreError> {
        let row = sqlx::query(
            "SELECT items.name, versions.id, versions.content, versions.size FROM items \
             JOIN versions ON versions.id = items.current_version WHERE items.id = ?1",
        )
        .bind(item)
        .fetch_one(connection)
        .await
        .doing("read a content")?;
        Ok(ReadableFile::of_blob(
            Arc::clone(&self.blobs),
            id.clone(),
            FileVersionId::from_number(unsigned(column(&row, "id")?)?),
            column(&row, "name")?,
            rows::content_hash(&row, "content")?,
            unsigned(column(&row, "size")?)?,
        ))
    }
}
