//! Step 4: all text where it fits, else the passages that matter, within the budget of the serving model.
//!
//! Invariant: what the model is shown is a set of exact spans of the documents, and [`Shown::coverage`] says which.
//! Called by [`crate::service`].

use crate::answer::{FileCoverage, ModelUse};
use crate::error::AnswerError;
use crate::gather::{Gathered, Source};
use crate::library::Library;
use crate::question::Words;
use crate::resolve::Plan;
use boxwood_core::{Document, Embedder};
use boxwood_models::{CatalogPurpose, ModelRegistry, ResolveError, catalog};
use boxwood_search::{
    Chunk, ChunkOptions, ChunkRef, DocumentVectors, FusionWeights, LexicalOptions, Passage, Query,
    RankedList, Scored, SearchDocument, SelectOptions, Span, VectorKey, chunk_document, estimate_tokens,
    fuse, rank_lexical, rank_vectors, select_passages,
};
use boxwood_store::ReadableFiles;
use std::sync::Arc;

/// Chunks that the lexical ranking hands on.
const LEXICAL_CANDIDATES: usize = 256;
/// Best lexical candidates that are embedded before the first answer; about 20 ms of CPU each.
const EMBEDDED_CANDIDATES: usize = 48;
/// Turns of the dialogue that take part in the search.
const SEARCHED_TURNS: usize = 2;
/// The estimate is corrected this often when the model counts more tokens than the budget.
const BUDGET_CORRECTIONS: usize = 3;

/// What the model is shown of one source: exact spans, in document order.
#[derive(Debug, Clone)]
pub struct ShownSource {
    /// Passages; `None`: the whole text.
    pub passages: Option<Vec<Passage>>,
}

/// What the model is shown.
#[derive(Debug, Clone)]
pub struct Shown {
    /// One for each source.
    pub sources: Vec<ShownSource>,
    /// The embedder that took part.
    pub embedding: Option<ModelUse>,
}

impl Shown {
    /// All text of every source.
    pub(crate) fn whole(sources: usize) -> Self {
        Self {
            sources: vec![ShownSource { passages: None }; sources],
            embedding: None,
        }
    }

    /// The spans of a source that the model is shown.
    pub fn spans(&self, source: usize, document: &Document) -> Vec<Span> {
        match self.sources.get(source).and_then(|shown| shown.passages.as_ref()) {
            None => vec![Span::new(0, document.text.len() as u32)],
            Some(passages) => passages.iter().map(|passage| passage.span).collect(),
        }
    }

    /// What was shown of every file, in the order of the request.
    pub fn coverage(&self, readable: &ReadableFiles, gathered: &Gathered) -> Vec<FileCoverage> {
        let spans = |index: usize| {
            let source = gathered.sources.get(index);
            source.map_or_else(Vec::new, |source| self.spans(index, &source.document))
        };
        coverage_of(readable, gathered, spans)
    }
}

/// What was shown of every file, in the order of the request; `spans` gives the parts of a source, without overlaps.
pub(crate) fn coverage_of(
    readable: &ReadableFiles,
    gathered: &Gathered,
    spans: impl Fn(usize) -> Vec<Span>,
) -> Vec<FileCoverage> {
    let mut files: Vec<FileCoverage> = Vec::with_capacity(readable.len());
    for file in readable {
        let source = gathered
            .sources
            .iter()
            .position(|source| source.file.id() == file.id());
        files.push(match source {
            Some(index) => source_coverage(&gathered.sources[index], &spans(index)),
            None => FileCoverage {
                file_id: file.id().clone(),
                pages: 0,
                text_bytes: 0,
                searched_bytes: 0,
                shown_bytes: 0,
                shown_pages: Vec::new(),
                notes: gathered
                    .unread
                    .iter()
                    .filter(|unread| unread.file.id() == file.id())
                    .map(|unread| unread.note.clone())
                    .collect(),
            },
        });
    }
    files
}

fn source_coverage(source: &Source, spans: &[Span]) -> FileCoverage {
    let document = &source.document;
    let shown_pages = document
        .pages
        .iter()
        .filter(|page| {
            spans
                .iter()
                .any(|span| span.start < page.end && page.start < span.end)
        })
        .map(|page| page.number)
        .collect();
    FileCoverage {
        file_id: source.file.id().clone(),
        pages: document.pages.len() as u32,
        text_bytes: document.text.len() as u64,
        searched_bytes: document.text.len() as u64,
        shown_bytes: spans.iter().map(|span| u64::from(span.end - span.start)).sum(),
        shown_pages,
        notes: document.notes.clone(),
    }
}

/// Chooses what the model is shown.
///
/// # Errors
/// From the store, the embedder or the model's tokenizer.
pub async fn retrieve(
    library: &Library,
    models: &ModelRegistry,
    plan: &Plan,
    query: &Query,
    sources: &[Source],
) -> Result<Shown, AnswerError> {
    if plan.whole {
        return Ok(Shown::whole(sources.len()));
    }
    let options = chunk_options(plan)?;
    let documents: Vec<Arc<Document>> = sources
        .iter()
        .map(|source| Arc::clone(&source.document))
        .collect();
    let chunks: Vec<Vec<Chunk>> = blocking(move || {
        documents
            .iter()
            .map(|document| chunk_document(document, &options))
            .collect()
    })
    .await?;
    let search: Vec<SearchDocument<'_>> = sources
        .iter()
        .zip(&chunks)
        .map(|(source, chunks)| SearchDocument {
            name: source.file.name(),
            document: &source.document,
            chunks,
        })
        .collect();
    let lexical = rank_lexical(&search, query, &LexicalOptions::default(), LEXICAL_CANDIDATES);
    let embedder = plan
        .tool
        .embeddings
        .as_ref()
        .map(|embeddings| embeddings.model.as_str());
    let embedded = match models.resolve_embedder(embedder) {
        Ok(resolved) => Some(
            rank_by_vectors(
                library,
                resolved.embedder.as_ref(),
                &options,
                sources,
                &search,
                query,
                &lexical,
            )
            .await?,
        ),
        // Without any embedder on this machine words alone rank; that is a weaker search, not a wrong request.
        Err(ResolveError::NoModel | ResolveError::NotInstalled { .. }) => None,
        Err(error) => return Err(AnswerError::model_of(plan.field("embeddings.model"))(error)),
    };
    let ranking = join(query, &lexical, embedded.as_ref());
    let passages = select(plan, &search, &ranking).await?;
    Ok(by_source(
        sources.len(),
        passages,
        embedded.map(|ranked| ranked.model),
    ))
}

/// The name of the default embedder: of the one that is here, else of the one that a pull would bring.
pub(crate) fn default_embedding(models: &ModelRegistry) -> String {
    let installed = models
        .resolve_embedder(None)
        .ok()
        .map(|resolved| resolved.requested);
    let known = || {
        catalog()
            .iter()
            .find(|model| model.purpose == CatalogPurpose::Embedding)
            .map(|model| model.name.to_owned())
    };
    installed.or_else(known).unwrap_or_default()
}

fn chunk_options(plan: &Plan) -> Result<ChunkOptions, AnswerError> {
    let tokens = plan
        .tool
        .embeddings
        .as_ref()
        .map_or(crate::agent::DEFAULT_CHUNK_TOKENS, |e| e.chunk_tokens);
    ChunkOptions::new(tokens).map_err(|error| AnswerError::Agent {
        field: plan.field("embeddings.strategy.num_tokens_per_chunk"),
        message: error.to_string(),
    })
}

/// What is searched for a question: its own words, and a little of the dialogue before it.
pub fn search_query(words: Words<'_>) -> Query {
    let recent = words.dialogue.iter().rev().take(SEARCHED_TURNS).rev();
    let history: Vec<&str> = recent.map(|turn| turn.prompt.as_str()).collect();
    Query::with_history(words.prompt, &history)
}

/// A ranking by vectors with the model that made them.
struct VectorRanking {
    ranking: Vec<Scored>,
    model: ModelUse,
}

/// Embeds the best candidates that have no vector yet and ranks every chunk that has one.
async fn rank_by_vectors(
    library: &Library,
    embedder: &dyn Embedder,
    options: &ChunkOptions,
    sources: &[Source],
    search: &[SearchDocument<'_>],
    query: &Query,
    lexical: &[Scored],
) -> Result<VectorRanking, AnswerError> {
    let identity = embedder.identity();
    let key = VectorKey::new(
        &identity.name,
        embedder.dimensions(),
        options,
        boxwood_ingest::PARSER_VERSION,
    );
    let mut vectors = Vec::with_capacity(sources.len());
    for (source, search) in sources.iter().zip(search) {
        vectors.push(match source.given {
            true => DocumentVectors::empty(key.clone(), search.chunks.len()),
            false => library.vectors(&source.file, &key, search.chunks.len()).await?,
        });
    }
    let wanted = candidates(search, lexical, &vectors);
    let mut texts = vec![query.text().to_owned()];
    texts.extend(wanted.iter().filter_map(|at| chunk_text(search, *at)));
    let mut embedded = embedder.embed(&texts).await?.into_iter();
    let query_vector = embedded.next().unwrap_or_default();
    for (at, vector) in wanted.iter().zip(embedded) {
        if let Err(error) = vectors[at.document as usize].set(at.chunk as usize, &vector) {
            tracing::warn!(%error, "a vector of the embedder can't be used");
        }
    }
    for ((index, source), vectors) in sources.iter().enumerate().zip(&vectors) {
        if !source.given && wanted.iter().any(|at| at.document as usize == index) {
            library.keep_vectors(&source.file, vectors).await;
        }
    }
    let all: Vec<&DocumentVectors> = vectors.iter().collect();
    Ok(VectorRanking {
        ranking: rank_vectors(&query_vector, &all, LEXICAL_CANDIDATES),
        model: ModelUse {
            name: identity.name.clone(),
            provider: identity.provider.clone(),
            supported_purpose: "embedding",
        },
    })
}

/// The best chunks without a vector: by lexical rank, then the beginnings of the documents.
fn candidates(
    search: &[SearchDocument<'_>],
    lexical: &[Scored],
    vectors: &[DocumentVectors],
) -> Vec<ChunkRef> {
    let beginnings = search.iter().enumerate().flat_map(|(document, search)| {
        (0..search.chunks.len().min(EMBEDDED_CANDIDATES)).map(move |chunk| ChunkRef {
            document: document as u32,
            chunk: chunk as u32,
        })
    });
    let mut wanted: Vec<ChunkRef> = Vec::with_capacity(EMBEDDED_CANDIDATES);
    for at in lexical.iter().map(|scored| scored.at).chain(beginnings) {
        if wanted.len() == EMBEDDED_CANDIDATES {
            break;
        }
        if !vectors[at.document as usize].has(at.chunk as usize) && !wanted.contains(&at) {
            wanted.push(at);
        }
    }
    wanted
}

fn chunk_text(search: &[SearchDocument<'_>], at: ChunkRef) -> Option<String> {
    let search = search.get(at.document as usize)?;
    Some(
        search
            .chunks
            .get(at.chunk as usize)?
            .text_with_context(search.document),
    )
}

fn join(query: &Query, lexical: &[Scored], embedded: Option<&VectorRanking>) -> Vec<Scored> {
    let Some(embedded) = embedded else {
        return lexical.to_vec();
    };
    // The model inside the program knows English only; hosts' embedding models know many languages.
    let weights = if embedded.model.provider == "boxwood" {
        FusionWeights::for_english_embedder(query.text())
    } else {
        FusionWeights::equal()
    };
    fuse(&[
        RankedList {
            ranking: lexical,
            weight: weights.lexical,
        },
        RankedList {
            ranking: &embedded.ranking,
            weight: weights.vector,
        },
    ])
}

/// Fills the budget by estimate and corrects it by the model's own count.
async fn select(
    plan: &Plan,
    search: &[SearchDocument<'_>],
    ranking: &[Scored],
) -> Result<Vec<Passage>, AnswerError> {
    let mut budget = plan.document_tokens;
    let mut passages = Vec::new();
    for _ in 0..BUDGET_CORRECTIONS {
        passages = select_passages(search, ranking, &SelectOptions::new(budget), &estimate_tokens).passages;
        let rendered: String = passages.iter().map(|passage| passage.rendered() + "\n").collect();
        let counted = plan.model.model.count_tokens(&rendered).await?;
        if counted <= plan.document_tokens {
            break;
        }
        // The estimate was short by this share for this document's language.
        budget = (u64::from(budget) * u64::from(plan.document_tokens) / u64::from(counted.max(1))) as u32
            * 19
            / 20;
    }
    Ok(passages)
}

fn by_source(sources: usize, passages: Vec<Passage>, embedding: Option<ModelUse>) -> Shown {
    let mut shown = vec![
        ShownSource {
            passages: Some(Vec::new())
        };
        sources
    ];
    for passage in passages {
        if let Some(list) = shown
            .get_mut(passage.document)
            .and_then(|shown| shown.passages.as_mut())
        {
            list.push(passage);
        }
    }
    Shown {
        sources: shown,
        embedding,
    }
}

/// Runs work that takes milliseconds of CPU away from the threads that serve requests.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, AnswerError> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|_| AnswerError::Cancelled)
}
