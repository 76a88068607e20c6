//! Filling a token budget with the best parts of the documents.
//!
//! Invariants: the rendered passages never exceed the budget by the given counter; passages of a document are in
//! document order and do not overlap; what was left out is told in [`Selection::coverage`], never silently.

use crate::chunk::{Chunk, Span};
use crate::lexical::{ChunkRef, Scored, SearchDocument};
use boxwood_core::Document;

/// How passages are chosen.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SelectOptions {
    /// Tokens that all rendered passages may have together.
    pub budget_tokens: u32,
    /// Share of the budget in which every document first gets its best chunk, where there are several documents.
    pub fair_share: f32,
    /// Share of a chunk's score that lifts the chunks beside it, so that passages grow before scattered chunks are added.
    pub neighbour: f32,
}

impl SelectOptions {
    /// Defaults for a budget.
    pub fn new(budget_tokens: u32) -> Self {
        Self {
            budget_tokens,
            fair_share: 0.4,
            neighbour: 0.75,
        }
    }
}

/// A contiguous part of a document.
#[derive(Debug, Clone, PartialEq)]
pub struct Passage {
    /// Index into the documents that selection was given.
    pub document: usize,
    /// Byte range in `Document::text`; [`Passage::text`] is exactly this.
    pub span: Span,
    /// Page of its first line, 1-based.
    pub first_page: u32,
    /// Page of its last line.
    pub last_page: u32,
    /// Headings that it stands under, topmost first.
    pub headings: Vec<String>,
    /// Header rows of its table, where they are not in the text.
    pub table_header: Option<String>,
    /// The text of the range.
    pub text: String,
    /// Tokens of [`Passage::rendered`] by the given counter.
    pub tokens: u32,
    /// Best fused score among its chunks.
    pub score: f32,
}

impl Passage {
    /// Headings in one line, table header, then the text: what the model should see.
    pub fn rendered(&self) -> String {
        let mut text = String::new();
        if !self.headings.is_empty() {
            text.push_str(&self.headings.join(" > "));
            text.push('\n');
        }
        if let Some(header) = &self.table_header {
            text.push_str(header);
            text.push('\n');
        }
        text.push_str(&self.text);
        text
    }
}

/// How much of a document was selected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Coverage {
    /// Bytes of chunks that are in passages.
    pub selected_bytes: u64,
    /// Bytes of all chunks.
    pub total_bytes: u64,
}

impl Coverage {
    /// 0 to 1; 1 for a document without text.
    pub fn share(self) -> f64 {
        if self.total_bytes == 0 {
            1.0
        } else {
            self.selected_bytes as f64 / self.total_bytes as f64
        }
    }
}

/// What fits the budget.
#[derive(Debug, Clone, PartialEq)]
pub struct Selection {
    /// By document, then in document order.
    pub passages: Vec<Passage>,
    /// One for each document, in order.
    pub coverage: Vec<Coverage>,
    /// Tokens of all rendered passages together.
    pub tokens: u32,
}

/// The best passages within the budget. Chunks that the ranking does not name are taken last, in document order, so a
/// budget that holds everything selects everything.
///
/// `count_tokens` is called a few times for each chunk that is considered, with texts of chunk size.
pub fn select_passages(
    documents: &[SearchDocument<'_>],
    ranking: &[Scored],
    options: &SelectOptions,
    count_tokens: &dyn Fn(&str) -> u32,
) -> Selection {
    let mut filler = Filler::new(documents, options.budget_tokens, count_tokens);
    let fair_limit = (options.budget_tokens as f32 * options.fair_share.clamp(0.0, 1.0)) as u32;
    if documents.len() > 1 {
        filler.take_best_of_each(ranking, fair_limit);
    }
    filler.take_ranked(ranking, options.neighbour);
    filler.take_rest();
    filler.finish(ranking)
}

/// Chosen chunks and what they cost.
struct Filler<'a> {
    documents: &'a [SearchDocument<'a>],
    count_tokens: &'a dyn Fn(&str) -> u32,
    budget: u32,
    used: u32,
    chosen: Vec<Vec<bool>>,
    /// Chunks in the order of choice, so that the last can be given back.
    order: Vec<ChunkRef>,
}

impl<'a> Filler<'a> {
    fn new(documents: &'a [SearchDocument<'a>], budget: u32, count_tokens: &'a dyn Fn(&str) -> u32) -> Self {
        Self {
            documents,
            count_tokens,
            budget,
            used: 0,
            chosen: documents
                .iter()
                .map(|entry| vec![false; entry.chunks.len()])
                .collect(),
            order: Vec::new(),
        }
    }

    fn is_chosen(&self, at: ChunkRef) -> bool {
        self.chosen
            .get(at.document as usize)
            .and_then(|chunks| chunks.get(at.chunk as usize))
            .copied()
            .unwrap_or(true)
    }

    /// Takes the chunk if it fits under the limit.
    fn take(&mut self, at: ChunkRef, limit: u32) -> bool {
        if self.is_chosen(at) {
            return true;
        }
        let cost = self.cost(at);
        if self.used.saturating_add(cost) > limit.min(self.budget) {
            return false;
        }
        self.used += cost;
        self.order.push(at);
        self.mark(at, true);
        true
    }

    fn mark(&mut self, at: ChunkRef, value: bool) {
        let chunk = self
            .chosen
            .get_mut(at.document as usize)
            .and_then(|chunks| chunks.get_mut(at.chunk as usize));
        if let Some(chunk) = chunk {
            *chunk = value;
        }
    }

    /// What the chunk adds: its text, a line break, and its context unless the chunk before it already shows it.
    fn cost(&self, at: ChunkRef) -> u32 {
        let Some((document, chunk)) = self.chunk(at) else {
            return 0;
        };
        let mut cost = (self.count_tokens)(chunk.text(document)).saturating_add(1);
        let joins = at.chunk > 0
            && self.is_chosen(ChunkRef {
                chunk: at.chunk - 1,
                ..at
            });
        if !joins {
            for span in chunk.headings.iter().chain(&chunk.table_header) {
                cost = cost.saturating_add((self.count_tokens)(span.text(document)) + 1);
            }
        }
        cost
    }

    fn chunk(&self, at: ChunkRef) -> Option<(&'a Document, &'a Chunk)> {
        let entry = self.documents.get(at.document as usize)?;
        Some((entry.document, entry.chunks.get(at.chunk as usize)?))
    }

    fn take_best_of_each(&mut self, ranking: &[Scored], limit: u32) {
        let mut seen = vec![false; self.documents.len()];
        for scored in ranking {
            let Some(seen) = seen.get_mut(scored.at.document as usize) else {
                continue;
            };
            if !std::mem::replace(seen, true) {
                self.take(scored.at, limit);
            }
        }
    }

    /// Takes chunks by score; each chunk that is taken offers its neighbours at a share of its own score.
    fn take_ranked(&mut self, ranking: &[Scored], neighbour: f32) {
        let mut offers = std::collections::BinaryHeap::new();
        for scored in ranking {
            offers.push(Offer(*scored));
        }
        while let Some(Offer(scored)) = offers.pop() {
            let was_chosen = self.is_chosen(scored.at);
            if !self.take(scored.at, self.budget) {
                // The rest of a nearly full budget is left to smaller chunks, but not to ones that say much less.
                if self.budget.saturating_sub(self.used) < self.budget / 50 {
                    break;
                }
                continue;
            }
            if neighbour > 0.0 && (!was_chosen || scored.score > 0.0) {
                self.offer_neighbours(scored, neighbour, &mut offers);
            }
        }
    }

    fn offer_neighbours(&self, scored: Scored, share: f32, offers: &mut std::collections::BinaryHeap<Offer>) {
        let beside = [scored.at.chunk.checked_sub(1), scored.at.chunk.checked_add(1)];
        for chunk in beside.into_iter().flatten() {
            let at = ChunkRef { chunk, ..scored.at };
            if !self.is_chosen(at) {
                offers.push(Offer(Scored {
                    at,
                    score: scored.score * share,
                }));
            }
        }
    }

    fn take_rest(&mut self) {
        for (document, entry) in (0u32..).zip(self.documents) {
            for chunk in 0..entry.chunks.len() as u32 {
                if !self.take(ChunkRef { document, chunk }, self.budget) {
                    return;
                }
            }
        }
    }

    fn finish(mut self, ranking: &[Scored]) -> Selection {
        let mut passages = self.passages(ranking);
        // Tokenizers are not additive: joined text may have a few tokens more than its parts. Give back the last chunks.
        while total_tokens(&passages) > self.budget {
            let Some(last) = self.order.pop() else { break };
            self.mark(last, false);
            passages = self.passages(ranking);
        }
        Selection {
            tokens: total_tokens(&passages),
            coverage: self.coverage(),
            passages,
        }
    }

    fn passages(&self, ranking: &[Scored]) -> Vec<Passage> {
        let scores: std::collections::HashMap<ChunkRef, f32> =
            ranking.iter().map(|scored| (scored.at, scored.score)).collect();
        let mut passages = Vec::new();
        for (index, (entry, chosen)) in self.documents.iter().zip(&self.chosen).enumerate() {
            let mut previous_chosen = false;
            for (number, (chunk, &is_chosen)) in entry.chunks.iter().zip(chosen).enumerate() {
                if is_chosen {
                    let at = ChunkRef {
                        document: index as u32,
                        chunk: number as u32,
                    };
                    let score = scores.get(&at).copied().unwrap_or(0.0);
                    match passages.last_mut().filter(|_| previous_chosen) {
                        Some(passage) => extend(passage, chunk, score),
                        None => passages.push(begin(index, entry.document, chunk, score)),
                    }
                }
                previous_chosen = is_chosen;
            }
        }
        for passage in &mut passages {
            if let Some(entry) = self.documents.get(passage.document) {
                passage.text = passage.span.text(entry.document).to_owned();
            }
            passage.tokens = (self.count_tokens)(&passage.rendered());
        }
        passages
    }

    fn coverage(&self) -> Vec<Coverage> {
        let bytes = |chunk: &Chunk| u64::from(chunk.span.end - chunk.span.start);
        self.documents
            .iter()
            .zip(&self.chosen)
            .map(|(entry, chosen)| Coverage {
                selected_bytes: entry
                    .chunks
                    .iter()
                    .zip(chosen)
                    .filter(|(_, chosen)| **chosen)
                    .map(|(chunk, _)| bytes(chunk))
                    .sum(),
                total_bytes: entry.chunks.iter().map(bytes).sum(),
            })
            .collect()
    }
}

fn total_tokens(passages: &[Passage]) -> u32 {
    passages
        .iter()
        .fold(0, |sum, passage| sum.saturating_add(passage.tokens))
}

fn begin(index: usize, document: &Document, chunk: &Chunk, score: f32) -> Passage {
    Passage {
        document: index,
        span: chunk.span,
        first_page: chunk.first_page,
        last_page: chunk.last_page,
        headings: chunk
            .headings
            .iter()
            .map(|span| span.text(document).trim().to_owned())
            .collect(),
        table_header: chunk.table_header.map(|span| span.text(document).to_owned()),
        text: String::new(),
        tokens: 0,
        score,
    }
}

fn extend(passage: &mut Passage, chunk: &Chunk, score: f32) {
    passage.span.end = chunk.span.end;
    passage.last_page = chunk.last_page;
    passage.score = passage.score.max(score);
}

/// Orders offers by score, then by place, so that selection is deterministic.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Offer(Scored);

impl Eq for Offer {}

impl PartialOrd for Offer {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Offer {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0
            .score
            .total_cmp(&other.0.score)
            .then(other.0.at.cmp(&self.0.at))
    }
}

#[cfg(test)]
#[path = "passages_tests.rs"]
mod tests;
