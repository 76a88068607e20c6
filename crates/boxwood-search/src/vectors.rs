//! Vectors of a document's chunks: kept small, stored as an artifact, searched exactly.
//!
//! Invariants: one row for each chunk, in chunk order, which may still be missing (chunks are embedded as questions
//! need them, and the rest in the background); vectors are stored as int8 with one scale a row, which costs about one
//! part in a hundred of cosine; an artifact is used only for the [`VectorKey`] that it was made for.

use crate::chunk::{CHUNKER_VERSION, ChunkOptions};
use crate::lexical::{ChunkRef, Scored, sort_best_first};
use serde::{Deserialize, Serialize};

/// What vectors depend on beside the file's content: other models or cuts give other vectors.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VectorKey {
    /// The embedder's `ModelIdentity::name`.
    pub model: String,
    /// Length of each vector.
    pub dimensions: u32,
    /// Chunk size that the document was cut with.
    pub target_tokens: u32,
    /// [`CHUNKER_VERSION`] of the cut.
    pub chunker_version: u32,
    /// `Document::parser_version` of the text that was cut.
    pub parser_version: u32,
}

impl VectorKey {
    /// The key for this build's chunks of a document.
    pub fn new(model: &str, dimensions: usize, options: &ChunkOptions, parser_version: u32) -> Self {
        Self {
            model: model.to_owned(),
            dimensions: dimensions as u32,
            target_tokens: options.target_tokens(),
            chunker_version: CHUNKER_VERSION,
            parser_version,
        }
    }
}

/// The vectors of one document's chunks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DocumentVectors {
    key: VectorKey,
    /// Scale of each row; 0 where the chunk has no vector yet.
    scales: Vec<f32>,
    /// Rows of `dimensions` values, −127 to 127.
    codes: Vec<i8>,
}

/// What can be wrong with vectors.
#[derive(Debug, thiserror::Error)]
pub enum VectorError {
    /// The stored bytes are not vectors.
    #[error("the stored vectors are damaged")]
    Damaged(#[source] postcard::Error),
    /// They were made by another model, for other chunks, or for another text.
    #[error("the stored vectors were made for {found:?}, not for {wanted:?}")]
    OtherKey {
        /// What was wanted.
        wanted: Box<VectorKey>,
        /// What the artifact holds.
        found: Box<VectorKey>,
    },
    /// The number of rows is not the number of chunks.
    #[error("the stored vectors have {rows} rows for {chunks} chunks")]
    OtherChunks {
        /// Rows of the artifact.
        rows: usize,
        /// Chunks of the document.
        chunks: usize,
    },
    /// A vector of the wrong length.
    #[error("a vector has {length} values, but {dimensions} were expected")]
    WrongLength {
        /// Its length.
        length: usize,
        /// The embedder's length.
        dimensions: u32,
    },
    /// A row that no chunk has.
    #[error("chunk {chunk} of {chunks} was given a vector")]
    NoSuchChunk {
        /// The index.
        chunk: usize,
        /// How many there are.
        chunks: usize,
    },
}

impl DocumentVectors {
    /// No vectors yet, for a document with this many chunks.
    pub fn empty(key: VectorKey, chunks: usize) -> Self {
        Self {
            scales: vec![0.0; chunks],
            codes: vec![0; chunks * key.dimensions as usize],
            key,
        }
    }

    /// What they were made for.
    pub fn key(&self) -> &VectorKey {
        &self.key
    }

    /// Chunks that have no vector yet, in order.
    pub fn missing(&self) -> impl Iterator<Item = usize> + '_ {
        self.scales
            .iter()
            .enumerate()
            .filter(|(_, scale)| **scale == 0.0)
            .map(|(chunk, _)| chunk)
    }

    /// Whether the chunk has its vector.
    pub fn has(&self, chunk: usize) -> bool {
        self.scales.get(chunk).is_some_and(|scale| *scale != 0.0)
    }

    /// Keeps the unit vector of a chunk.
    ///
    /// # Errors
    /// [`VectorError::WrongLength`], [`VectorError::NoSuchChunk`].
    pub fn set(&mut self, chunk: usize, vector: &[f32]) -> Result<(), VectorError> {
        let dimensions = self.key.dimensions as usize;
        if vector.len() != dimensions {
            return Err(VectorError::WrongLength {
                length: vector.len(),
                dimensions: self.key.dimensions,
            });
        }
        let chunks = self.scales.len();
        let row = self.codes.get_mut(chunk * dimensions..(chunk + 1) * dimensions);
        let (Some(row), Some(scale)) = (row, self.scales.get_mut(chunk)) else {
            return Err(VectorError::NoSuchChunk { chunk, chunks });
        };
        let largest = vector.iter().fold(0.0f32, |most, value| most.max(value.abs()));
        // A zero vector (text without any known token) is kept as present, with no direction.
        *scale = (largest / 127.0).max(f32::MIN_POSITIVE);
        for (code, value) in row.iter_mut().zip(vector) {
            *code = (value / *scale).round().clamp(-127.0, 127.0) as i8;
        }
        Ok(())
    }

    /// Cosine of each present chunk with a unit vector.
    pub fn similarities<'a>(&'a self, query: &'a [f32]) -> impl Iterator<Item = (usize, f32)> + 'a {
        let dimensions = (self.key.dimensions as usize).max(1);
        self.codes
            .chunks_exact(dimensions)
            .zip(&self.scales)
            .enumerate()
            .filter(|(_, (_, scale))| **scale != 0.0)
            .map(move |(chunk, (row, scale))| {
                let sum: f32 = row
                    .iter()
                    .zip(query)
                    .map(|(&code, value)| f32::from(code) * value)
                    .sum();
                (chunk, sum * scale)
            })
    }

    /// The bytes of the artifact of kind `"vectors"`.
    ///
    /// # Errors
    /// When the encoder fails, which only lack of memory can cause.
    pub fn to_artifact(&self) -> Result<Vec<u8>, VectorError> {
        postcard::to_stdvec(self).map_err(VectorError::Damaged)
    }

    /// Reads an artifact for a document that has this many chunks.
    ///
    /// # Errors
    /// [`VectorError`]: the caller starts from [`DocumentVectors::empty`].
    pub fn from_artifact(bytes: &[u8], wanted: &VectorKey, chunks: usize) -> Result<Self, VectorError> {
        let found: Self = postcard::from_bytes(bytes).map_err(VectorError::Damaged)?;
        if found.key != *wanted {
            return Err(VectorError::OtherKey {
                wanted: Box::new(wanted.clone()),
                found: Box::new(found.key),
            });
        }
        let rows = found.scales.len();
        if rows != chunks || found.codes.len() != chunks * wanted.dimensions as usize {
            return Err(VectorError::OtherChunks { rows, chunks });
        }
        Ok(found)
    }
}

/// The `limit` chunks whose vectors are nearest to the query's, best first; chunks without a vector are left out.
/// Every present vector is compared (exact search): permission was checked before, so nothing is filtered after.
pub fn rank_vectors(query: &[f32], documents: &[&DocumentVectors], limit: usize) -> Vec<Scored> {
    let mut scored: Vec<Scored> = (0u32..)
        .zip(documents)
        .flat_map(|(document, vectors)| {
            vectors.similarities(query).map(move |(chunk, score)| Scored {
                at: ChunkRef {
                    document,
                    chunk: chunk as u32,
                },
                score,
            })
        })
        .collect();
    sort_best_first(&mut scored);
    scored.truncate(limit);
    scored
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> VectorKey {
        VectorKey::new("test", 3, &ChunkOptions::default(), 1)
    }

    #[test]
    fn the_nearest_comes_first_and_missing_chunks_stay_out() {
        let mut vectors = DocumentVectors::empty(key(), 3);
        vectors.set(0, &[1.0, 0.0, 0.0]).unwrap();
        vectors.set(2, &[0.6, 0.8, 0.0]).unwrap();
        let order: Vec<u32> = rank_vectors(&[0.0, 1.0, 0.0], &[&vectors], 9)
            .iter()
            .map(|s| s.at.chunk)
            .collect();
        assert_eq!(order, [2, 0]);
        assert_eq!(vectors.missing().collect::<Vec<_>>(), [1]);
        let best = rank_vectors(&[0.6, 0.8, 0.0], &[&vectors], 1)[0].score;
        assert!((best - 1.0).abs() < 0.01, "{best}");
    }

    #[test]
    fn artifacts_survive_and_foreign_ones_are_refused() {
        let mut vectors = DocumentVectors::empty(key(), 2);
        vectors.set(1, &[0.0, 0.6, -0.8]).unwrap();
        let bytes = vectors.to_artifact().unwrap();
        assert_eq!(
            DocumentVectors::from_artifact(&bytes, &key(), 2).unwrap(),
            vectors
        );
        let other = VectorKey {
            model: "other".into(),
            ..key()
        };
        assert!(matches!(
            DocumentVectors::from_artifact(&bytes, &other, 2),
            Err(VectorError::OtherKey { .. })
        ));
        assert!(matches!(
            DocumentVectors::from_artifact(&bytes, &key(), 3),
            Err(VectorError::OtherChunks { rows: 2, chunks: 3 })
        ));
        assert!(matches!(
            DocumentVectors::from_artifact(&bytes[..4], &key(), 2),
            Err(VectorError::Damaged(_))
        ));
        assert!(matches!(
            vectors.set(0, &[1.0]),
            Err(VectorError::WrongLength { length: 1, .. })
        ));
        assert!(matches!(
            vectors.set(7, &[1.0, 0.0, 0.0]),
            Err(VectorError::NoSuchChunk { chunk: 7, chunks: 2 })
        ));
    }
}
