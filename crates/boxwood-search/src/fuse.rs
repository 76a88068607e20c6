//! Joining rankings: a weighted sum of scores, with weights that follow the script of the question.
//!
//! Invariant: each ranking is scaled by its own best score, so rankings of any kind can be joined. Reciprocal ranks
//! were measured beside it and found fewer answers within 500 and 1,000 tokens (82.7 against 90.7 % and 92.7 against
//! 94.7 % on squad2): they forget by how much a chunk leads, which passage selection needs to weigh its neighbours.

use crate::lexical::{ChunkRef, Scored, sort_best_first};
use crate::script::latin_share;
use std::collections::HashMap;

/// A ranking with its weight.
#[derive(Debug, Clone, Copy)]
pub struct RankedList<'a> {
    /// Best first.
    pub ranking: &'a [Scored],
    /// How much it counts; 0 leaves it out.
    pub weight: f32,
}

/// How much each kind of ranking counts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FusionWeights {
    /// Of the lexical ranking.
    pub lexical: f32,
    /// Of the vector ranking.
    pub vector: f32,
}

impl FusionWeights {
    /// Weights for a question and an embedder that knows English only: the less Latin the question's script, the less
    /// its vectors count; below a quarter of Latin letters they do not count at all.
    pub fn for_english_embedder(question: &str) -> Self {
        let latin = latin_share(question);
        let vector = ((latin - 0.25) / 0.75).max(0.0);
        Self { lexical: 1.0, vector }
    }

    /// Equal weights, for a multilingual embedder.
    pub fn equal() -> Self {
        Self {
            lexical: 1.0,
            vector: 1.0,
        }
    }
}

/// One ranking from several, best first: the sum of `weight × score / best score` over the rankings that name a chunk.
/// Negative scores count nothing.
pub fn fuse(lists: &[RankedList<'_>]) -> Vec<Scored> {
    let mut sums: HashMap<ChunkRef, f32> = HashMap::new();
    for list in lists.iter().filter(|list| list.weight > 0.0) {
        let best = list
            .ranking
            .first()
            .map_or(1.0, |scored| scored.score.max(f32::MIN_POSITIVE));
        for scored in list.ranking {
            *sums.entry(scored.at).or_insert(0.0) += list.weight * (scored.score.max(0.0) / best);
        }
    }
    let mut fused: Vec<Scored> = sums.into_iter().map(|(at, score)| Scored { at, score }).collect();
    sort_best_first(&mut fused);
    fused
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ranking(chunks: &[(u32, f32)]) -> Vec<Scored> {
        chunks
            .iter()
            .map(|&(chunk, score)| Scored {
                at: ChunkRef { document: 0, chunk },
                score,
            })
            .collect()
    }

    #[test]
    fn what_both_rankings_like_comes_first() {
        let (lexical, vector) = (
            ranking(&[(1, 12.0), (2, 9.0), (3, 1.0)]),
            ranking(&[(9, 0.8), (2, 0.7), (8, -0.1)]),
        );
        let check = |vector_weight: f32, expected: &[u32]| {
            let fused = fuse(&[
                RankedList {
                    ranking: &lexical,
                    weight: 1.0,
                },
                RankedList {
                    ranking: &vector,
                    weight: vector_weight,
                },
            ]);
            let order: Vec<u32> = fused.iter().map(|scored| scored.at.chunk).collect();
            assert_eq!(order[..expected.len()], *expected, "{vector_weight}");
        };
        check(1.0, &[2, 1, 9]);
        check(0.0, &[1, 2, 3]);
        check(5.0, &[2, 9, 1]);
    }

    #[test]
    fn an_english_embedder_has_no_say_in_japanese() {
        assert_eq!(
            FusionWeights::for_english_embedder("契約期間は何年ですか").vector,
            0.0
        );
        assert_eq!(
            FusionWeights::for_english_embedder("How long is the term?").vector,
            1.0
        );
    }
}
