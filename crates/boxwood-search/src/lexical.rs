//! Lexical ranking: BM25 over the chunks of the candidate documents, in one pass over their text.
//!
//! Invariants: document frequencies are those of the given documents only; ranking is deterministic (equal scores keep
//! document order); memory grows with the number of matching chunks, not with the text. Called by `boxwood-answer`
//! for every question over documents that do not fit the window.

use crate::chunk::Chunk;
use crate::query::Query;
use crate::terms::for_each_term;
use boxwood_core::Document;
use std::collections::HashMap;

/// A document as ranking sees it.
#[derive(Debug, Clone, Copy)]
pub struct SearchDocument<'a> {
    /// The file's name; its words count as weak context of every chunk, so that "in contract.pdf" finds it.
    pub name: &'a str,
    /// The parsed file.
    pub document: &'a Document,
    /// Its chunks, from [`crate::chunk_document`].
    pub chunks: &'a [Chunk],
}

/// Which chunk of which document, as indexes into the slices that ranking was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ChunkRef {
    /// Index of the document.
    pub document: u32,
    /// Index of the chunk in it.
    pub chunk: u32,
}

/// A chunk with its score; scores of different rankings can't be compared, only their order.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scored {
    /// The chunk.
    pub at: ChunkRef,
    /// Larger is better.
    pub score: f32,
}

/// Weights of lexical ranking. The defaults were chosen by recall on six open question sets in three languages.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LexicalOptions {
    /// BM25's saturation of repeated terms.
    pub saturation: f32,
    /// BM25's length normalisation, 0 to 1.
    pub length_normalisation: f32,
    /// How much terms in the headings and table header over a chunk count, against 1 for its own.
    pub context: f32,
    /// How much terms in the document's name and title count.
    pub name: f32,
    /// How much a chunk gains from its neighbours' terms.
    pub neighbour: f32,
}

impl Default for LexicalOptions {
    fn default() -> Self {
        Self {
            saturation: 1.2,
            length_normalisation: 0.5,
            context: 0.4,
            name: 0.3,
            neighbour: 0.2,
        }
    }
}

/// The `limit` best chunks, best first; chunks without any term of the query are left out.
pub fn rank_lexical(
    documents: &[SearchDocument<'_>],
    query: &Query,
    options: &LexicalOptions,
    limit: usize,
) -> Vec<Scored> {
    let slots = Slots::new(query);
    let counted = count_chunks(documents, &slots, options);
    let mut scored = score_chunks(&counted, &slots, options);
    sort_best_first(&mut scored);
    scored.truncate(limit);
    scored
}

/// Best first; equal scores in document order.
pub(crate) fn sort_best_first(scored: &mut [Scored]) {
    scored.sort_by(|left, right| right.score.total_cmp(&left.score).then(left.at.cmp(&right.at)));
}

/// The query's terms, numbered.
struct Slots {
    by_hash: HashMap<u64, u16>,
    weights: Vec<f32>,
}

impl Slots {
    /// A query has at most 65,535 different terms; Box's prompts end at 10,000 characters.
    fn new(query: &Query) -> Self {
        let mut terms: Vec<(u64, f32)> = query
            .terms
            .iter()
            .map(|(&hash, &weight)| (hash, weight))
            .collect();
        terms.sort_by(|left, right| right.1.total_cmp(&left.1).then(left.0.cmp(&right.0)));
        terms.truncate(usize::from(u16::MAX));
        Self {
            by_hash: terms
                .iter()
                .zip(0u16..)
                .map(|(&(hash, _), slot)| (hash, slot))
                .collect(),
            weights: terms.into_iter().map(|(_, weight)| weight).collect(),
        }
    }
}

/// Term counts of one chunk: slot → weighted count.
struct CountedChunk {
    at: ChunkRef,
    counts: Vec<(u16, f32)>,
}

struct CountedChunks {
    /// Chunks that hold at least one term, in document order.
    chunks: Vec<CountedChunk>,
    /// Weighted length of every chunk, by document.
    lengths: Vec<Vec<f32>>,
}

/// Adds up terms of one chunk.
struct Counter<'a> {
    slots: &'a Slots,
    counts: Vec<f32>,
    length: f32,
}

impl<'a> Counter<'a> {
    fn new(slots: &'a Slots) -> Self {
        Self {
            slots,
            counts: vec![0.0; slots.weights.len()],
            length: 0.0,
        }
    }

    fn add(&mut self, text: &str, weight: f32, counts_as_length: bool) {
        for_each_term(text, |term| {
            if counts_as_length {
                self.length += term.weight;
            }
            if let Some(&slot) = self.slots.by_hash.get(&term.hash)
                && let Some(count) = self.counts.get_mut(usize::from(slot))
            {
                *count += weight;
            }
        });
    }

    fn take(&mut self) -> (Vec<(u16, f32)>, f32) {
        let mut found = Vec::new();
        for (slot, count) in (0u16..).zip(&mut self.counts) {
            if *count > 0.0 {
                found.push((slot, std::mem::take(count)));
            }
        }
        (found, std::mem::take(&mut self.length))
    }
}

fn count_chunks(documents: &[SearchDocument<'_>], slots: &Slots, options: &LexicalOptions) -> CountedChunks {
    let mut counter = Counter::new(slots);
    let mut chunks = Vec::new();
    let mut lengths = Vec::with_capacity(documents.len());
    for (document_index, entry) in (0u32..).zip(documents) {
        counter.add(entry.name, options.name, false);
        counter.add(entry.document.title.as_deref().unwrap_or(""), options.name, false);
        let (name_counts, _) = counter.take();
        let mut document_lengths = Vec::with_capacity(entry.chunks.len());
        for (chunk_index, chunk) in (0u32..).zip(entry.chunks) {
            counter.add(chunk.text(entry.document), 1.0, true);
            for span in chunk.headings.iter().chain(&chunk.table_header) {
                counter.add(span.text(entry.document), options.context, false);
            }
            for &(slot, count) in &name_counts {
                counter.counts[usize::from(slot)] += count.min(options.name);
            }
            let (counts, length) = counter.take();
            document_lengths.push(length);
            if !counts.is_empty() {
                chunks.push(CountedChunk {
                    at: ChunkRef {
                        document: document_index,
                        chunk: chunk_index,
                    },
                    counts,
                });
            }
        }
        lengths.push(document_lengths);
    }
    CountedChunks { chunks, lengths }
}

fn score_chunks(counted: &CountedChunks, slots: &Slots, options: &LexicalOptions) -> Vec<Scored> {
    let total: usize = counted.lengths.iter().map(Vec::len).sum();
    let length_sum: f32 = counted.lengths.iter().flatten().sum();
    let average = (length_sum / total.max(1) as f32).max(1.0);
    let mut frequency = vec![0.0f32; slots.weights.len()];
    for chunk in &counted.chunks {
        for &(slot, count) in &chunk.counts {
            frequency[usize::from(slot)] += count.min(1.0);
        }
    }
    let importance: Vec<f32> = frequency
        .iter()
        .zip(&slots.weights)
        .map(|(&found, weight)| weight * (1.0 + (total as f32 - found + 0.5).max(0.5) / (found + 0.5)).ln())
        .collect();
    let own: Vec<Scored> = counted
        .chunks
        .iter()
        .map(|chunk| {
            let length = counted.lengths[chunk.at.document as usize][chunk.at.chunk as usize];
            let norm = 1.0 - options.length_normalisation + options.length_normalisation * length / average;
            let score = chunk
                .counts
                .iter()
                .map(|&(slot, count)| {
                    let saturated = count * (options.saturation + 1.0) / (count + options.saturation * norm);
                    importance[usize::from(slot)] * saturated
                })
                .sum();
            Scored { at: chunk.at, score }
        })
        .collect();
    add_neighbours(&own, options.neighbour)
}

/// A part of an answer often stands beside the words of the question: each chunk gains a share of its neighbours' scores.
fn add_neighbours(own: &[Scored], share: f32) -> Vec<Scored> {
    own.iter()
        .enumerate()
        .map(|(index, scored)| {
            let beside = |other: Option<&Scored>| {
                other
                    .filter(|other| {
                        other.at.document == scored.at.document
                            && other.at.chunk.abs_diff(scored.at.chunk) == 1
                    })
                    .map_or(0.0, |other| other.score)
            };
            let before = beside(index.checked_sub(1).and_then(|before| own.get(before)));
            let after = beside(own.get(index + 1));
            Scored {
                at: scored.at,
                score: scored.score + share * before.max(after),
            }
        })
        .collect()
}

#[cfg(test)]
#[path = "lexical_tests.rs"]
mod tests;
