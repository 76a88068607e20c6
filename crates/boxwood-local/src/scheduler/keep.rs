//! Documents saved for the next run.
//!
//! Invariant: saving never delays the request that read the document (it happens when one has ended or nothing runs),
//! and a failure to save costs nothing but the saving.

use super::Scheduler;
use crate::disk::DiskCache;
use crate::handle::EngineState;
use crate::loaded::{LIBRARY_BUILD, LoadedModel};
use crate::prompt::PromptPrefix;
use sha2::{Digest, Sha256};
use std::sync::Arc;

/// A document of fewer tokens is read again after a restart rather than saved.
const SHORTEST_SAVED: usize = 128;

/// The folder of saved documents, where one is configured and usable.
pub(super) fn open(state: &EngineState, loaded: &LoadedModel) -> Option<DiskCache> {
    let config = state.config.prefix_cache.as_ref()?;
    let mut settings = Sha256::new();
    settings.update(LIBRARY_BUILD);
    settings.update(loaded.fingerprint);
    // The kind of attention, and so the form of a state, depends on the device too.
    settings.update(format!(
        "{:?} {} {}",
        state.config.kv_type, state.config.flash_attention, state.config.gpu_layers
    ));
    match DiskCache::open(
        config,
        settings.finalize().into(),
        Arc::clone(&state.counters.prefix_saves),
    ) {
        Ok(disk) => Some(disk),
        Err(error) => {
            tracing::warn!(folder = %config.dir.display(), %error, "read documents can't be kept between runs");
            None
        }
    }
}

impl Scheduler<'_> {
    /// A document that is worth saving and is not saved.
    pub(super) fn unsaved(&self) -> Option<i32> {
        self.disk.as_ref()?;
        self.prefixes
            .slots()
            .iter()
            .find(|slot| slot.is_complete() && !slot.saved && slot.tokens.len() >= SHORTEST_SAVED)
            .map(|slot| slot.sequence)
    }

    pub(super) fn save_one(&mut self) {
        match self.unsaved() {
            Some(sequence) => self.save(sequence),
            None => self.may_save = false,
        }
    }

    /// Saves every document that is not.
    pub fn save_all(&mut self) {
        while let Some(sequence) = self.unsaved() {
            self.save(sequence);
        }
    }

    /// Writes a document's state; checksum and syncing follow on the writer's thread.
    pub(super) fn save(&mut self, sequence: i32) {
        let (Some(disk), Some(slot)) = (&mut self.disk, self.prefixes.slot_mut(sequence)) else {
            return;
        };
        if slot.saved || !slot.is_complete() || slot.tokens.len() < SHORTEST_SAVED {
            return;
        }
        // One try: a full disk would fail again after every answer.
        slot.saved = true;
        let prefix = PromptPrefix {
            tokens: Arc::clone(&slot.tokens),
            partition: slot.partition.clone(),
        };
        let written = disk
            .unfinished_file()
            .map_err(|error| error.to_string())
            .and_then(|path| {
                match self.context.save(&path, sequence, &prefix.tokens) {
                    Ok(_) => Ok(path),
                    Err(error) => {
                        // A later start removes what can't be removed now.
                        let _ = std::fs::remove_file(&path);
                        Err(error.to_string())
                    }
                }
            });
        match written {
            Ok(path) => disk.commit(path, disk.key(&prefix)),
            Err(error) => {
                tracing::warn!(%error, "a read document can't be saved; it will be read again after a restart")
            }
        }
    }
}
