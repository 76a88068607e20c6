//! Finding the parts of documents that matter to a question: chunks, lexical and vector ranking, fusion, passages.
//!
//! Architecture invariant: this crate does no I/O and knows no principal. It sees only documents that its caller
//! (`boxwood-answer`) already holds, so it can't rank a file that the principal may not read.
//!
//! The usual path of a question over documents that do not fit the model's window:
//!
//! 1. [`chunk_document`] for every document (cheap, deterministic; ranges into `Document::text`)
//! 2. [`rank_lexical`] with a [`Query`] made from the question and a few earlier turns
//! 3. embed the query and the best lexical candidates, [`rank_vectors`], and [`fuse`] both with [`FusionWeights`]
//! 4. [`select_passages`] fills the token budget and says how much of each document was covered

mod chunk;
mod evidence;
mod fuse;
mod lexical;
mod passages;
mod query;
mod script;
mod sentences;
mod stem;
mod stopwords;
mod terms;
mod tokens;
mod units;
mod vectors;

pub use chunk::{CHUNKER_VERSION, Chunk, ChunkKind, ChunkOptions, ChunkOptionsError, Span, chunk_document};
pub use evidence::{Evidence, EvidenceList, ShownDocument, find_evidence};
pub use fuse::{FusionWeights, RankedList, fuse};
pub use lexical::{ChunkRef, LexicalOptions, Scored, SearchDocument, rank_lexical};
pub use passages::{Coverage, Passage, SelectOptions, Selection, select_passages};
pub use query::Query;
pub use script::latin_share;
pub use tokens::estimate_tokens;
pub use vectors::{DocumentVectors, VectorError, VectorKey, rank_vectors};
