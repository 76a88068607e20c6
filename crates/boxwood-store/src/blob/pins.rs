//! Which contents are in use by a request that has no row yet.
//!
//! Invariant: a content is never pinned and under removal at the same time. The sweep asks for a [`Removal`], then looks
//! for rows: a request that staged the content before has either committed its row (then the sweep sees it) or still
//! holds its pin (then there is no right to remove); one that stages it after waits until the removal is over and
//! writes the content again.

use boxwood_core::ContentHash;
use parking_lot::Mutex;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use tokio::sync::Notify;

#[derive(Debug, Default)]
struct State {
    pinned: HashMap<ContentHash, usize>,
    removing: HashSet<ContentHash>,
}

/// The pins of one blob store.
#[derive(Debug, Default)]
pub struct Pins {
    state: Mutex<State>,
    removal_ended: Notify,
}

impl Pins {
    /// Waits for a running removal, then pins.
    pub async fn pin(self: &Arc<Self>, hash: ContentHash) -> BlobPin {
        loop {
            let ended = self.removal_ended.notified();
            tokio::pin!(ended);
            ended.as_mut().enable();
            if let Some(pin) = self.try_pin(hash) {
                return pin;
            }
            ended.await;
        }
    }

    fn try_pin(self: &Arc<Self>, hash: ContentHash) -> Option<BlobPin> {
        let mut state = self.state.lock();
        if state.removing.contains(&hash) {
            return None;
        }
        *state.pinned.entry(hash).or_insert(0) += 1;
        Some(BlobPin {
            pins: Arc::clone(self),
            hash,
        })
    }

    /// The right to remove a content that nobody has pinned.
    pub fn begin_removal(self: &Arc<Self>, hash: ContentHash) -> Option<Removal> {
        let mut state = self.state.lock();
        if state.pinned.contains_key(&hash) || !state.removing.insert(hash) {
            return None;
        }
        Some(Removal {
            pins: Arc::clone(self),
            hash,
        })
    }
}

/// Keeps a content from being swept.
#[derive(Debug)]
pub struct BlobPin {
    pins: Arc<Pins>,
    hash: ContentHash,
}

impl Drop for BlobPin {
    fn drop(&mut self) {
        let mut state = self.pins.state.lock();
        if let Some(count) = state.pinned.get_mut(&self.hash) {
            *count -= 1;
            if *count == 0 {
                state.pinned.remove(&self.hash);
            }
        }
    }
}

/// The right to remove a content.
#[derive(Debug)]
pub struct Removal {
    pins: Arc<Pins>,
    hash: ContentHash,
}

impl Removal {
    /// Which content.
    pub fn hash(&self) -> &ContentHash {
        &self.hash
    }
}

impl Drop for Removal {
    fn drop(&mut self) {
        self.pins.state.lock().removing.remove(&self.hash);
        self.pins.removal_ended.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_pinned_content_is_not_removed_and_staging_waits_for_a_removal() {
        let pins = Arc::new(Pins::default());
        let hash = ContentHash([7; 32]);
        let first = pins.pin(hash).await;
        let second = pins.pin(hash).await;
        drop(first);
        assert!(pins.begin_removal(hash).is_none(), "still pinned once");
        drop(second);
        let removal = pins.begin_removal(hash).expect("nobody pins it");
        assert!(pins.begin_removal(hash).is_none(), "one removal at a time");
        let waiting = tokio::spawn({
            let pins = Arc::clone(&pins);
            async move { pins.pin(hash).await }
        });
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        drop(removal);
        waiting.await.expect("the pin is given");
    }
}
