//! Measures retrieval: how often the passages within a token budget hold the answer inside its gold paragraph.
//!
//! `cargo run --release -p boxwood-search --example recall -- EVAL_FOLDER [--embed COMMAND] [--chunk TOKENS] [--set NAME]`
//!
//! `EVAL_FOLDER` holds `SET/dev.jsonl` (see the README there; the data never enters the repository). `COMMAND` reads
//! one JSON string a line and answers each with one line, a JSON array of numbers: `boxwood-local` has the example
//! `embed_lines`. Without it only the lexical ranking is measured. Tokens are [`boxwood_search::estimate_tokens`].
#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a measuring tool: it prints a table and stops at the first broken input"
)]

use boxwood_core::document::DocumentBuilder;
use boxwood_core::{Document, DocumentFormat, LineKind, TextSource};
use boxwood_search::{
    Chunk, ChunkOptions, DocumentVectors, FusionWeights, LexicalOptions, Query, RankedList, Scored,
    SearchDocument, SelectOptions, VectorKey, chunk_document, estimate_tokens, fuse, rank_lexical,
    rank_vectors, select_passages,
};
use serde_json::Value;
use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};

const BUDGETS: [u32; 4] = [500, 1000, 2000, 3000];
const SETS: [&str; 9] = [
    "squad2",
    "squad2-pool",
    "jsquad",
    "jsquad-pool",
    "cmrc2018",
    "cmrc2018-pool",
    "needle",
    "nq_multidoc",
    "hotpotqa_multidoc",
];
/// Chunks that are embedded before the first answer.
const CANDIDATES: usize = 48;

struct Arguments {
    folder: PathBuf,
    embed: Option<String>,
    chunk_tokens: u32,
    sets: Vec<String>,
    misses: bool,
}

/// A document with its chunks.
struct Entry {
    name: String,
    document: Document,
    chunks: Vec<Chunk>,
}

/// Where an answer must be found: in this range of this document.
struct Gold {
    document: usize,
    start: usize,
    end: usize,
}

struct Item {
    question: String,
    history: Vec<String>,
    entries: std::rc::Rc<Vec<Entry>>,
    /// All must be found.
    gold: Vec<Gold>,
    answers: Vec<String>,
}

type Vectors = HashMap<String, Vec<f32>>;

fn main() {
    let arguments = read_arguments();
    let options = ChunkOptions::new(arguments.chunk_tokens).expect("--chunk");
    println!(
        "chunks of {} tokens; share of items whose gold is in the passages, in %",
        arguments.chunk_tokens
    );
    println!(
        "{:<20}{:>5}  {:<18}{}",
        "set",
        "n",
        "ranking",
        BUDGETS.map(|b| format!("{b:>7}")).concat()
    );
    for set in &arguments.sets {
        let items = read_set(&arguments.folder, set, &options);
        let vectors = arguments
            .embed
            .as_deref()
            .map(|command| embed_all(command, &items));
        let mut rankings = vec!["lexical"];
        if vectors.is_some() {
            rankings.extend(["vector", "fused", "fused candidates"]);
        }
        for kind in rankings {
            let mut hits = [0usize; BUDGETS.len()];
            for item in &items {
                let ranking = rank(item, kind, vectors.as_ref(), &options);
                for (hit, budget) in hits.iter_mut().zip(BUDGETS) {
                    let found = is_found(item, &ranking, budget);
                    *hit += usize::from(found);
                    if arguments.misses && kind == "lexical" && budget == 1000 && !found {
                        println!("    missed: {} → {:?}", item.question, item.answers);
                    }
                }
            }
            let shares = hits
                .map(|hit| format!("{:>7.1}", 100.0 * hit as f64 / items.len() as f64))
                .concat();
            println!("{set:<20}{:>5}  {kind:<18}{shares}", items.len());
        }
    }
}

fn read_arguments() -> Arguments {
    let mut arguments = Arguments {
        folder: PathBuf::new(),
        embed: None,
        chunk_tokens: 64,
        sets: SETS.map(str::to_owned).to_vec(),
        misses: false,
    };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        match word.as_str() {
            "--embed" => arguments.embed = words.next(),
            "--chunk" => {
                arguments.chunk_tokens = words
                    .next()
                    .expect("--chunk TOKENS")
                    .parse()
                    .expect("--chunk TOKENS")
            }
            "--set" => arguments.sets = vec![words.next().expect("--set NAME")],
            "--misses" => arguments.misses = true,
            folder => arguments.folder = PathBuf::from(folder),
        }
    }
    arguments
}

fn read_set(folder: &Path, set: &str, options: &ChunkOptions) -> Vec<Item> {
    let (name, pooled) = set
        .strip_suffix("-pool")
        .map_or((set, false), |name| (name, true));
    let folder = folder.join(name);
    let rows: Vec<Value> = std::fs::read_to_string(folder.join("dev.jsonl"))
        .expect("SET/dev.jsonl")
        .lines()
        .map(|line| serde_json::from_str(line).expect("a row"))
        .collect();
    let mut shared: HashMap<String, std::rc::Rc<Vec<Entry>>> = HashMap::new();
    if pooled {
        let mut paths: Vec<&str> = rows
            .iter()
            .filter_map(|row| row["long_document"]["path"].as_str())
            .collect();
        paths.sort_unstable();
        paths.dedup();
        let text: String = paths
            .iter()
            .map(|path| std::fs::read_to_string(folder.join(path)).unwrap() + "\n\n")
            .collect();
        shared.insert(
            "pool".into(),
            std::rc::Rc::new(vec![entry("pool", &text, options)]),
        );
    }
    rows.iter()
        .filter_map(|row| read_item(row, &folder, pooled, options, &mut shared))
        .collect()
}

fn read_item(
    row: &Value,
    folder: &Path,
    pooled: bool,
    options: &ChunkOptions,
    shared: &mut HashMap<String, std::rc::Rc<Vec<Entry>>>,
) -> Option<Item> {
    let documents = row["documents"].as_array()?;
    let answers: Vec<String> = strings(&row["answers"]);
    let path = row["long_document"]["path"]
        .as_str()
        .or_else(|| documents[0]["path"].as_str());
    let entries = match path {
        Some(path) => {
            let key = if pooled { "pool" } else { path };
            shared
                .entry(key.to_owned())
                .or_insert_with(|| {
                    let text = std::fs::read_to_string(folder.join(path)).expect("the long document");
                    std::rc::Rc::new(vec![entry("document.txt", &text, options)])
                })
                .clone()
        }
        None => std::rc::Rc::new(
            documents
                .iter()
                .map(|document| {
                    entry(
                        document["title"].as_str().unwrap_or(""),
                        document["text"].as_str().unwrap(),
                        options,
                    )
                })
                .collect(),
        ),
    };
    let gold = find_gold(row, &entries, &answers);
    if gold.is_empty() {
        return None;
    }
    Some(Item {
        question: row["question"].as_str()?.to_owned(),
        history: row["history"]
            .as_array()
            .map(|turns| {
                turns
                    .iter()
                    .filter_map(|turn| turn["content"].as_str().map(str::to_owned))
                    .collect()
            })
            .unwrap_or_default(),
        entries,
        gold,
        answers,
    })
}

/// The gold paragraph of a long document, the gold documents of many, or the place of the answer itself (needle).
fn find_gold(row: &Value, entries: &[Entry], answers: &[String]) -> Vec<Gold> {
    let ids = ["gold_doc_ids", "supporting_doc_ids"]
        .iter()
        .flat_map(|key| strings(&row[*key]))
        .collect::<Vec<_>>();
    let documents = row["documents"].as_array().cloned().unwrap_or_default();
    if !ids.is_empty() {
        return documents
            .iter()
            .enumerate()
            .filter(|(_, document)| ids.iter().any(|id| document["doc_id"] == *id))
            .map(|(document, _)| Gold {
                document,
                start: 0,
                end: entries[document].document.text.len(),
            })
            .collect();
    }
    let wanted = documents[0]["text"]
        .as_str()
        .map(str::to_owned)
        .or_else(|| answers.first().cloned());
    let Some(wanted) = wanted.filter(|_| documents.len() == 1) else {
        return Vec::new();
    };
    let text = &entries[0].document.text;
    let first = wanted.lines().next().unwrap_or("");
    text.find(first)
        .map(|start| Gold {
            document: 0,
            start,
            end: (start + wanted.len()).min(text.len()),
        })
        .into_iter()
        .collect()
}

fn strings(value: &Value) -> Vec<String> {
    value
        .as_array()
        .map(|list| {
            list.iter()
                .filter_map(|entry| entry.as_str().map(str::to_owned))
                .collect()
        })
        .unwrap_or_default()
}

fn entry(name: &str, text: &str, options: &ChunkOptions) -> Entry {
    let mut builder = DocumentBuilder::new(1, DocumentFormat::Text);
    builder.page(None, None, TextSource::Native);
    for line in text.lines() {
        match line.strip_prefix("# ") {
            Some(_) => builder.line(line, LineKind::Heading(1)),
            None => builder.line(line, LineKind::Body),
        }
    }
    let document = builder.finish();
    let chunks = chunk_document(&document, options);
    Entry {
        name: name.to_owned(),
        document,
        chunks,
    }
}

fn embed_all(command: &str, items: &[Item]) -> Vectors {
    let mut texts: Vec<String> = items
        .iter()
        .flat_map(|item| {
            let chunks = item.entries.iter().flat_map(|entry| {
                entry
                    .chunks
                    .iter()
                    .map(|chunk| chunk.text_with_context(&entry.document))
            });
            chunks.chain([item.question.clone()])
        })
        .collect();
    texts.sort_unstable();
    texts.dedup();
    let mut child = std::process::Command::new("sh")
        .args(["-c", command])
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .expect("--embed COMMAND");
    let mut input = child.stdin.take().unwrap();
    let lines: Vec<String> = texts
        .iter()
        .map(|text| Value::from(text.as_str()).to_string())
        .collect();
    let writer = std::thread::spawn(move || {
        for line in lines {
            writeln!(input, "{line}").expect("the embedder reads");
        }
    });
    let output = BufReader::new(child.stdout.take().unwrap());
    let vectors = texts
        .into_iter()
        .zip(output.lines())
        .map(|(text, line)| {
            (
                text,
                serde_json::from_str(&line.unwrap()).expect("an array of numbers"),
            )
        })
        .collect();
    writer.join().unwrap();
    child.wait().unwrap();
    vectors
}

fn rank(item: &Item, kind: &str, vectors: Option<&Vectors>, options: &ChunkOptions) -> Vec<Scored> {
    let history: Vec<&str> = item.history.iter().map(String::as_str).collect();
    let query = Query::with_history(&item.question, &history);
    let lexical = rank_lexical(&documents(item), &query, &LexicalOptions::default(), usize::MAX);
    let Some(vectors) = vectors.filter(|_| kind != "lexical") else {
        return lexical;
    };
    let mut rows: Vec<DocumentVectors> = item
        .entries
        .iter()
        .map(|entry| DocumentVectors::empty(VectorKey::new("eval", 384, options, 1), entry.chunks.len()))
        .collect();
    let only: Option<std::collections::HashSet<_>> = (kind == "fused candidates")
        .then(|| lexical.iter().take(CANDIDATES).map(|scored| scored.at).collect());
    for ((document, entry), rows) in (0u32..).zip(item.entries.iter()).zip(&mut rows) {
        for (index, chunk) in entry.chunks.iter().enumerate() {
            let at = boxwood_search::ChunkRef {
                document,
                chunk: index as u32,
            };
            if only.as_ref().is_none_or(|only| only.contains(&at)) {
                rows.set(index, &vectors[&chunk.text_with_context(&entry.document)])
                    .unwrap();
            }
        }
    }
    let nearest = rank_vectors(
        &vectors[&item.question],
        &rows.iter().collect::<Vec<_>>(),
        usize::MAX,
    );
    if kind == "vector" {
        return nearest;
    }
    let weights = FusionWeights::for_english_embedder(&item.question);
    fuse(&[
        RankedList {
            ranking: &lexical,
            weight: weights.lexical,
        },
        RankedList {
            ranking: &nearest,
            weight: weights.vector,
        },
    ])
}

fn documents(item: &Item) -> Vec<SearchDocument<'_>> {
    item.entries
        .iter()
        .map(|entry| SearchDocument {
            name: &entry.name,
            document: &entry.document,
            chunks: &entry.chunks,
        })
        .collect()
}

/// Every gold range is touched, and an answer that stands in the gold text stands in a passage of it.
fn is_found(item: &Item, ranking: &[Scored], budget: u32) -> bool {
    let selection = select_passages(
        &documents(item),
        ranking,
        &SelectOptions::new(budget),
        &estimate_tokens,
    );
    assert!(selection.tokens <= budget, "the budget holds");
    let mut answer_in_gold = false;
    let mut answer_found = false;
    let all_touched = item.gold.iter().all(|gold| {
        let gold_text = item.entries[gold.document]
            .document
            .text
            .get(gold.start..gold.end)
            .unwrap_or("");
        answer_in_gold |= item.answers.iter().any(|answer| holds(gold_text, answer));
        let mut covered = 0;
        for passage in selection
            .passages
            .iter()
            .filter(|passage| passage.document == gold.document)
        {
            let range = passage.span.range();
            let overlap = range
                .end
                .min(gold.end)
                .saturating_sub(range.start.max(gold.start));
            covered += overlap;
            answer_found |= overlap > 0 && item.answers.iter().any(|answer| holds(&passage.text, answer));
        }
        covered * 2 >= gold_text.trim().len() || (covered > 0 && !item.answers.is_empty())
    });
    all_touched && (answer_found || !answer_in_gold)
}

fn holds(text: &str, answer: &str) -> bool {
    !answer.trim().is_empty() && text.to_lowercase().contains(&answer.trim().to_lowercase())
}
