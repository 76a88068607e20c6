//! What the database said last, kept as long as nothing was written since: a question over a warm server then costs no
//! trip to the database's threads.
//!
//! Invariants: an answer is given only while no transaction was committed since *before* it was read, so it is word for
//! word what the database would say now; one process writes (the data folder is locked) and everything that a memo
//! depends on (items, versions, users, tokens, groups, collaborations) is written through [`Writing`] only. What depends on the
//! time, such as a token's end, is looked at anew by the caller; a collaboration that ended is removed before it asks.

use super::convert::Doing;
use crate::error::StoreError;
use parking_lot::Mutex;
use sqlx::{Sqlite, SqliteConnection, Transaction};
use std::collections::HashMap;
use std::hash::Hash;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Answers that one memo holds at most; it is emptied when there are more.
const MOST_ANSWERS: usize = 1024;

/// Counts commits.
#[derive(Debug, Clone, Default)]
pub(super) struct Commits(Arc<AtomicU64>);

/// How many commits were done: read *before* the database is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Moment(u64);

impl Commits {
    pub(super) fn now(&self) -> Moment {
        Moment(self.0.load(Ordering::Acquire))
    }
}

/// The open writing transaction.
pub(super) struct Writing {
    transaction: Transaction<'static, Sqlite>,
    commits: Commits,
}

impl Writing {
    pub(super) fn new(transaction: Transaction<'static, Sqlite>, commits: Commits) -> Self {
        Self { transaction, commits }
    }

    /// Commits in a task of its own: a caller that goes away in between must not leave a commit uncounted.
    pub(super) async fn commit(self) -> Result<(), StoreError> {
        let committing = tokio::spawn(async move {
            let committed = self.transaction.commit().await;
            self.commits.0.fetch_add(1, Ordering::AcqRel);
            committed.doing("commit")
        });
        committing
            .await
            .unwrap_or_else(|error| Err(sqlx::Error::Io(std::io::Error::other(error))).doing("commit"))
    }
}

impl Deref for Writing {
    type Target = SqliteConnection;

    fn deref(&self) -> &SqliteConnection {
        &self.transaction
    }
}

impl DerefMut for Writing {
    fn deref_mut(&mut self) -> &mut SqliteConnection {
        &mut self.transaction
    }
}

/// Answers by what was asked.
#[derive(Debug)]
pub(super) struct Memo<Key, Answer>(Mutex<HashMap<Key, (Moment, Answer)>>);

impl<Key, Answer> Default for Memo<Key, Answer> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<Key: Eq + Hash, Answer: Clone> Memo<Key, Answer> {
    /// The answer, if nothing was committed since it was read.
    pub(super) fn get(&self, now: Moment, key: &Key) -> Option<Answer> {
        let kept = self.0.lock();
        let (read_at, answer) = kept.get(key)?;
        (*read_at == now).then(|| answer.clone())
    }

    /// Keeps an answer that was read after `before`.
    pub(super) fn put(&self, before: Moment, key: Key, answer: Answer) {
        let mut kept = self.0.lock();
        if kept.len() >= MOST_ANSWERS {
            kept.clear();
        }
        kept.insert(key, (before, answer));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_ends_with_the_next_commit_and_memory_is_bounded() {
        let commits = Commits::default();
        let memo = Memo::default();
        let before = commits.now();
        memo.put(before, 1, "one");
        assert_eq!(memo.get(commits.now(), &1), Some("one"));
        assert_eq!(memo.get(commits.now(), &2), None);
        commits.0.fetch_add(1, Ordering::AcqRel);
        assert_eq!(memo.get(commits.now(), &1), None);
        memo.put(before, 1, "read before the commit");
        assert_eq!(memo.get(commits.now(), &1), None);
        for key in 0..3 * MOST_ANSWERS {
            memo.put(commits.now(), key, "many");
        }
        assert!(memo.0.lock().len() <= MOST_ANSWERS);
    }
}
