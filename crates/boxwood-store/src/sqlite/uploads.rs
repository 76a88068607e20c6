//! Chunked uploads: sessions and parts as rows, their bytes in the blob store.
//!
//! Invariant: a part's row is written after its bytes are on disk, and the commit makes the file and ends the session in
//! one transaction; so a crash at any point leaves a session that can be continued.

use super::access::user_number;
use super::convert::{Doing, column, number, signed, time, unsigned};
use super::files::{self, folder_id, reload};
use super::{SqliteStore, commit, versions};
use crate::blob::{ByteStream, StoredPart};
use crate::error::{DigestKind, StoreError, Thing};
use crate::items::{File, NewFile, NewVersion};
use crate::store::{FileStore, UploadStore};
use crate::uploads::{NewUploadSession, PartRange, UploadCommit, UploadPart, UploadSession, UploadTarget};
use async_trait::async_trait;
use boxwood_core::{FileId, Principal};
use chrono::Duration;
use sqlx::SqliteConnection;
use sqlx::sqlite::SqliteRow;

/// The least that a part has, and the usual.
const PART_SIZE: u64 = 8 * 1024 * 1024;
/// Larger contents get larger parts, so that there are never more.
const MAX_PARTS: u64 = 10_000;
/// How long a session lives.
const LIFETIME: Duration = Duration::days(7);

fn part_size(size: u64) -> u64 {
    const MEBIBYTE: u64 = 1024 * 1024;
    PART_SIZE.max(
        size.div_ceil(MAX_PARTS)
            .div_ceil(MEBIBYTE)
            .saturating_mul(MEBIBYTE),
    )
}

/// A session with what the rows say beyond the public value.
struct Session {
    public: UploadSession,
    committed: Option<(i64, String)>,
}

#[async_trait]
impl UploadStore for SqliteStore {
    async fn create_upload_session(
        &self,
        principal: &Principal,
        session: NewUploadSession,
    ) -> Result<UploadSession, StoreError> {
        let size = Some(session.size);
        if session.size == 0 {
            let reason = "a chunked upload has at least one byte".into();
            return Err(StoreError::InvalidValue {
                field: "file_size",
                reason,
            });
        }
        let (folder, file, name) = match &session.target {
            UploadTarget::NewFile { parent, name } => {
                self.check_new_file(principal, parent, name, size).await?;
                (Some(parent.as_str()), None, Some(name.as_str()))
            }
            UploadTarget::NewVersion { file, name } => {
                self.check_new_version(principal, file, name.as_deref(), size)
                    .await?;
                (None, Some(file.as_str()), name.as_deref())
            }
        };
        let id = self.options.ids.hex(16).to_uppercase();
        let now = self.now();
        let mut writing = self.write().await?;
        sqlx::query(
            "INSERT INTO upload_sessions (id, user_id, folder_id, file_id, name, size, part_size, created_at, expires_at) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        )
        .bind(&id)
        .bind(user_number(principal)?)
        .bind(folder.map(|folder| number(folder, Thing::Folder)).transpose()?)
        .bind(file.map(|file| number(file, Thing::File)).transpose()?)
        .bind(name)
        .bind(signed(session.size, "file_size")?)
        .bind(signed(part_size(session.size), "part_size")?)
        .bind(now)
        .bind(now.saturating_add(LIFETIME.num_milliseconds()))
        .execute(&mut *writing)
        .await
        .doing("open an upload session")?;
        let made = self.open_session(&mut writing, principal, &id).await?;
        commit(writing).await?;
        Ok(made)
    }

    async fn upload_session(&self, principal: &Principal, id: &str) -> Result<UploadSession, StoreError> {
        let mut reading = self.read().await?;
        self.open_session(&mut reading, principal, id).await
    }

    async fn upload_part(
        &self,
        principal: &Principal,
        id: &str,
        range: PartRange,
        sha1: &str,
        content: ByteStream<'_>,
    ) -> Result<UploadPart, StoreError> {
        let sha1 = sha1.to_ascii_lowercase();
        let mut reading = self.read().await?;
        let session = self.open_session(&mut reading, principal, id).await?;
        check_place(&session, range)?;
        if let Some(known) = part_at(&mut reading, id, range.offset).await? {
            return same_part(known, &sha1);
        }
        drop(reading);
        let announced = StoredPart {
            offset: range.offset,
            size: range.size,
            sha1: sha1.clone(),
        };
        self.blobs.put_part(id, &announced, content).await?;
        let mut writing = self.write().await?;
        self.open_session(&mut writing, principal, id).await?;
        sqlx::query(
            "INSERT INTO upload_parts (session_id, offset, part_id, size, sha1) VALUES (?1, ?2, ?3, ?4, ?5) \
             ON CONFLICT (session_id, offset) DO NOTHING",
        )
        .bind(id)
        .bind(signed(range.offset, "offset")?)
        .bind(part_id(&self.options.ids.hex(32)))
        .bind(signed(range.size, "size")?)
        .bind(&sha1)
        .execute(&mut *writing)
        .await
        .doing("add a part")?;
        let part = part_at(&mut writing, id, range.offset).await?;
        commit(writing).await?;
        same_part(
            part.ok_or_else(|| StoreError::not_found(Thing::UploadSession, id))?,
            &sha1,
        )
    }

    async fn upload_parts(
        &self,
        principal: &Principal,
        id: &str,
        offset: u64,
        limit: u32,
    ) -> Result<(Vec<UploadPart>, u64), StoreError> {
        let mut reading = self.read().await?;
        let session = self.open_session(&mut reading, principal, id).await?;
        let parts = parts(&mut reading, id, offset, limit).await?;
        Ok((parts, u64::from(session.parts_present)))
    }

    async fn commit_upload(
        &self,
        principal: &Principal,
        id: &str,
        request: UploadCommit,
    ) -> Result<File, StoreError> {
        let expected = request.sha1.to_ascii_lowercase();
        let mut reading = self.read().await?;
        let session = self.session(&mut reading, principal, id).await?;
        if let Some((file, sha1)) = session.committed {
            check_whole(&expected, sha1)?;
            return reload(&mut reading, principal, file).await;
        }
        let present = parts(&mut reading, id, 0, u32::MAX).await?;
        drop(reading);
        check_complete(&session.public, &present)?;
        check_sent(&request.parts, &present)?;
        let stored = present
            .into_iter()
            .map(|part| StoredPart {
                offset: part.offset,
                size: part.size,
                sha1: part.sha1,
            })
            .collect();
        let content = self
            .blobs
            .join_parts(id, stored, self.options.max_file_size)
            .await?;
        check_whole(&expected, content.sha1())?;
        let mut writing = self.write().await?;
        let again = self.session(&mut writing, principal, id).await?;
        if let Some((file, sha1)) = again.committed {
            check_whole(&expected, sha1)?;
            return reload(&mut writing, principal, file).await;
        }
        let file = self
            .make_file(&mut writing, principal, session.public.target, request, &content)
            .await?;
        end_session(&mut writing, id, file, &expected).await?;
        let made = reload(&mut writing, principal, file).await?;
        commit(writing).await?;
        self.discard_parts(id).await;
        Ok(made)
    }

    async fn abort_upload(&self, principal: &Principal, id: &str) -> Result<(), StoreError> {
        let mut writing = self.write().await?;
        if self
            .session(&mut writing, principal, id)
            .await?
            .committed
            .is_some()
        {
            // Clients abort also after a commit; the row stays, so that a repeated commit answers the same.
            return Ok(());
        }
        sqlx::query("DELETE FROM upload_sessions WHERE id = ?1")
            .bind(id)
            .execute(&mut *writing)
            .await
            .doing("abort an upload")?;
        commit(writing).await?;
        self.discard_parts(id).await;
        Ok(())
    }
}

impl SqliteStore {
    /// The session, committed or not; only for the user who opened it.
    async fn session(
        &self,
        connection: &mut SqliteConnection,
        principal: &Principal,
        id: &str,
    ) -> Result<Session, StoreError> {
        let row = sqlx::query(
            "SELECT upload_sessions.*, \
             (SELECT count(*) FROM upload_parts WHERE session_id = upload_sessions.id) AS parts_present \
             FROM upload_sessions WHERE id = ?1 AND user_id = ?2 AND expires_at > ?3",
        )
        .bind(id)
        .bind(user_number(principal)?)
        .bind(self.now())
        .fetch_optional(connection)
        .await
        .doing("read an upload session")?
        .ok_or_else(|| StoreError::not_found(Thing::UploadSession, id))?;
        session(&row)
    }

    /// A session that can still take parts.
    async fn open_session(
        &self,
        connection: &mut SqliteConnection,
        principal: &Principal,
        id: &str,
    ) -> Result<UploadSession, StoreError> {
        let session = self.session(connection, principal, id).await?;
        if session.committed.is_some() {
            return Err(StoreError::not_found(Thing::UploadSession, id));
        }
        Ok(session.public)
    }

    async fn make_file(
        &self,
        connection: &mut SqliteConnection,
        principal: &Principal,
        target: UploadTarget,
        request: UploadCommit,
        content: &crate::content::StagedBlob,
    ) -> Result<i64, StoreError> {
        match target {
            UploadTarget::NewFile { parent, name } => {
                let file = NewFile {
                    parent,
                    name,
                    description: request.description,
                    content_created_at: request.content_created_at,
                    content_modified_at: request.content_modified_at,
                };
                files::create(self, connection, principal, &file, content).await
            }
            UploadTarget::NewVersion { file, name } => {
                let content_modified_at = request.content_modified_at;
                let version = NewVersion {
                    name,
                    content_modified_at,
                    if_match: request.if_match,
                };
                versions::create(self, connection, principal, (&file, &version), content).await
            }
        }
    }

    /// Removes the bytes of an ended session; the sweep repeats what fails here.
    async fn discard_parts(&self, id: &str) {
        if let Err(error) = self.blobs.remove_session(id).await {
            tracing::warn!(%error, "the parts of an ended upload stay until the next sweep");
        }
    }
}

fn session(row: &SqliteRow) -> Result<Session, StoreError> {
    let name: Option<String> = column(row, "name")?;
    let target = match (
        column::<Option<i64>>(row, "folder_id")?,
        column::<Option<i64>>(row, "file_id")?,
    ) {
        (Some(folder), _) => UploadTarget::NewFile {
            parent: folder_id(folder)?,
            name: name.unwrap_or_default(),
        },
        (None, file) => UploadTarget::NewVersion {
            file: FileId::from_number(unsigned(file.unwrap_or_default())?),
            name,
        },
    };
    let (size, part_size) = (
        unsigned(column(row, "size")?)?,
        unsigned(column(row, "part_size")?)?,
    );
    let committed = column::<Option<i64>>(row, "committed_file")?;
    Ok(Session {
        public: UploadSession {
            id: column(row, "id")?,
            target,
            size,
            part_size,
            total_parts: u32::try_from(size.div_ceil(part_size.max(1))).unwrap_or(u32::MAX),
            parts_present: column(row, "parts_present")?,
            created_at: time(column(row, "created_at")?)?,
            expires_at: time(column(row, "expires_at")?)?,
        },
        committed: committed.zip(column(row, "committed_sha1")?),
    })
}

fn part_id(random: &str) -> String {
    random.get(8..16).unwrap_or(random).to_uppercase()
}

fn part(row: &SqliteRow) -> Result<UploadPart, StoreError> {
    Ok(UploadPart {
        part_id: column(row, "part_id")?,
        offset: unsigned(column(row, "offset")?)?,
        size: unsigned(column(row, "size")?)?,
        sha1: column(row, "sha1")?,
    })
}

async fn part_at(
    connection: &mut SqliteConnection,
    session: &str,
    offset: u64,
) -> Result<Option<UploadPart>, StoreError> {
    let row = sqlx::query("SELECT * FROM upload_parts WHERE session_id = ?1 AND offset = ?2")
        .bind(session)
        .bind(signed(offset, "offset")?)
        .fetch_optional(connection)
        .await
        .doing("read a part")?;
    row.as_ref().map(part).transpose()
}

async fn parts(
    connection: &mut SqliteConnection,
    session: &str,
    skip: u64,
    limit: u32,
) -> Result<Vec<UploadPart>, StoreError> {
    let rows =
        sqlx::query("SELECT * FROM upload_parts WHERE session_id = ?1 ORDER BY offset LIMIT ?2 OFFSET ?3")
            .bind(session)
            .bind(limit)
            .bind(signed(skip, "offset")?)
            .fetch_all(connection)
            .await
            .doing("list parts")?;
    rows.iter().map(part).collect()
}

async fn end_session(
    connection: &mut SqliteConnection,
    id: &str,
    file: i64,
    sha1: &str,
) -> Result<(), StoreError> {
    sqlx::query("UPDATE upload_sessions SET committed_file = ?2, committed_sha1 = ?3 WHERE id = ?1")
        .bind(id)
        .bind(file)
        .bind(sha1)
        .execute(&mut *connection)
        .await
        .doing("end an upload session")?;
    sqlx::query("DELETE FROM upload_parts WHERE session_id = ?1")
        .bind(id)
        .execute(connection)
        .await
        .doing("end an upload session")?;
    Ok(())
}

fn check_place(session: &UploadSession, range: PartRange) -> Result<(), StoreError> {
    let fits = session.part_size.min(session.size.saturating_sub(range.offset));
    let reason = if range.total != session.size {
        format!(
            "the session is for {} bytes, not for {}",
            session.size, range.total
        )
    } else if range.offset >= session.size {
        format!("it begins after the last byte of {}", session.size)
    } else if !range.offset.is_multiple_of(session.part_size) {
        format!("parts begin at multiples of {}", session.part_size)
    } else if range.size != fits {
        format!("the part there has {fits} bytes")
    } else {
        return Ok(());
    };
    Err(StoreError::PartOutOfPlace {
        offset: range.offset,
        size: range.size,
        reason,
    })
}

fn same_part(known: UploadPart, sha1: &str) -> Result<UploadPart, StoreError> {
    if known.sha1 == sha1 {
        return Ok(known);
    }
    let reason = "another content was uploaded there; abort the session and begin again".into();
    Err(StoreError::PartOutOfPlace {
        offset: known.offset,
        size: known.size,
        reason,
    })
}

fn check_complete(session: &UploadSession, present: &[UploadPart]) -> Result<(), StoreError> {
    let mut next = 0u64;
    for part in present {
        if part.offset != next {
            break;
        }
        next = next.saturating_add(part.size);
    }
    if next == session.size {
        return Ok(());
    }
    Err(StoreError::MissingParts {
        present: u32::try_from(present.len()).unwrap_or(u32::MAX),
        total: session.total_parts,
        first_missing: next,
    })
}

/// What the client believes to have sent must be what is there.
fn check_sent(sent: &[UploadPart], present: &[UploadPart]) -> Result<(), StoreError> {
    if sent.is_empty() {
        return Ok(());
    }
    for claimed in sent {
        let known = present.iter().find(|part| part.offset == claimed.offset);
        let same = known.is_some_and(|part| {
            let same_sum = claimed.sha1.is_empty() || part.sha1.eq_ignore_ascii_case(&claimed.sha1);
            part.size == claimed.size && part.part_id == claimed.part_id && same_sum
        });
        if !same {
            let reason = format!("no part `{}` like that was uploaded", claimed.part_id);
            return Err(StoreError::PartOutOfPlace {
                offset: claimed.offset,
                size: claimed.size,
                reason,
            });
        }
    }
    if sent.len() == present.len() {
        return Ok(());
    }
    let reason = format!(
        "the commit lists {} parts, but there are {}",
        sent.len(),
        present.len()
    );
    Err(StoreError::InvalidValue {
        field: "parts",
        reason,
    })
}

fn check_whole(expected: &str, found: String) -> Result<(), StoreError> {
    if expected == found {
        return Ok(());
    }
    Err(StoreError::DigestMismatch {
        kind: DigestKind::Whole,
        expected: expected.to_owned(),
        found,
    })
}

#[cfg(test)]
mod tests {
    use super::part_size;

    #[test]
    fn parts_are_never_more_than_ten_thousand() {
        for (size, expected) in [
            (1, 8 << 20),
            (20 << 20, 8 << 20),
            (80_000 << 20, 8 << 20),
            (100_000 << 20, 10 << 20),
        ] {
            assert_eq!(part_size(size), expected, "{size}");
        }
    }
}
