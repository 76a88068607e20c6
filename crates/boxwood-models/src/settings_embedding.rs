//! What the binding of an embedding model says: how long its vectors are, and how it is asked.
//!
//! Invariant: the length is stated, never learned from a first reply, so that a wrong model is found at once. Called by
//! `settings.rs` only.

use crate::config_reader::TableReader;
use crate::host::{Embedding, Host};
use crate::protocol::embeddings::{self, EmbeddingDialect};

/// `host` is `None` where it had mistakes; the keys are read all the same, so that they are not called unknown.
pub(crate) fn read_embedding(
    host: Option<&Host>,
    is_card: bool,
    reader: &mut TableReader<'_>,
) -> Option<Embedding> {
    let names = EmbeddingDialect::TABLE.map(|(name, dialect, _)| (name, dialect));
    let written = reader.choice("family", &names);
    let dimensions = reader.number("dimensions", 1..=65_536);
    let shortened = reader.flag("send_dimensions").unwrap_or(false);
    let batch = reader.number("batch", 1..=2_048);
    let host = host?;
    if host.model.is_none() && !is_card {
        let message =
            "is missing: which embedding model is behind the deployment? Kept vectors are told apart by it";
        reader.error("model", message);
    }
    if dimensions.is_none() && !reader.has_error("dimensions") {
        reader.error(
            "dimensions",
            "is missing: how many numbers has a vector of this model?",
        );
    }
    let dialect = written.or_else(|| EmbeddingDialect::of_host(host.kind));
    let Some(dialect) = dialect else {
        if !reader.has_error("family") {
            reader.error(
                "family",
                "is missing; it is never guessed from a name: \"titan\" or \"cohere\"",
            );
        }
        return None;
    };
    if !dialect.fits(host.kind) {
        let kind = host.kind.row().name;
        reader.error(
            "family",
            format!("is not how embedding models on {kind} are asked"),
        );
        return None;
    }
    let count = |number: u64| usize::try_from(number).ok();
    let embedding = Embedding {
        dialect,
        dimensions: dimensions.and_then(count)?,
        shortened,
        batch: batch.and_then(count).unwrap_or_else(|| dialect.most_texts()),
    };
    if dialect == EmbeddingDialect::Titan && embedding.batch > 1 {
        reader.error("batch", "must be 1: Titan takes one text a request");
    }
    if let Err(error) = embeddings::url(host, &embedding) {
        reader.error("base_url", format!("makes no request URL: {error}"));
    }
    Some(embedding)
}
