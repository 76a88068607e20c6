//! Fields of open length: from the cells of the files' own tables where they are known, else from all pages, window by
//! window.
//!
//! Invariant: every line of every source is read for rows; rows come in the order of the files. Called by the running step.

use super::field::{FieldKind, FieldSpec};
use super::fill::Filling;
use super::finding::{Content, Finding};
use super::ground::Region;
use super::read::ReadingOf;
use super::run::CONCURRENT;
use super::schema::Strictness;
use super::second;
use super::split::Part;
use super::tables::{self, TableGroup};
use super::windows::{LEAST_TOKENS, Window, join_rows, passage, places_of, windows};
use crate::error::AnswerError;
use crate::gather::Source;
use crate::retrieve::{Shown, ShownSource};
use boxwood_search::{Span, estimate_tokens};
use futures::future::BoxFuture;
use futures::stream::{self, StreamExt, TryStreamExt};
use serde_json::{Map, Value, json};

/// Tokens of a window at most, where the model would take more: the rows of a window must fit one completion.
const WINDOW_TOKENS: u32 = 1_200;
/// How much likelier than none rows are, as a natural logarithm, where a model that wrote none is made to list some: then
/// it invents them if there are none.
const LIKELY_ROWS: f32 = 2.0;
/// How sure it is that there are no rows where none were found.
const NO_ROWS: f32 = 0.8;

/// What one completion lists.
#[derive(Default)]
struct Listed {
    rows: Vec<Finding>,
    end: End,
}

/// Where a completion ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum End {
    /// At the last row that it saw.
    #[default]
    Last,
    /// In the middle: it had no room for more.
    Room,
    /// In rows that it had listed before.
    Circle,
}

/// A place in the sources.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Start {
    source: usize,
    at: u32,
}

impl Start {
    /// What comes after it, source by source.
    fn behind(self, sources: &[Source]) -> impl Iterator<Item = (usize, &Source, Span)> {
        let sources = sources.iter().enumerate().skip(self.source);
        sources.map(move |(index, source)| {
            let start = if index == self.source { self.at } else { 0 };
            (index, source, Span::new(start, source.document.text.len() as u32))
        })
    }

    /// Whether enough text comes after it to look for rows there.
    fn is_early(self, sources: &[Source]) -> bool {
        let behind = self.behind(sources);
        let tokens = behind.map(|(_, source, span)| estimate_tokens(span.text(&source.document)));
        tokens.sum::<u32>() >= 2 * LEAST_TOKENS
    }
}

impl Listed {
    /// The end of the row that stands last in the sources.
    fn reached(&self, filling: &Filling<'_>) -> Option<Start> {
        let places = self.rows.iter().flat_map(places_of);
        let starts = places.filter_map(|place| {
            let mut sources = filling.sources.iter();
            let source = sources.position(|source| *source.file.id() == place.file_id)?;
            Some(Start {
                source,
                at: place.end,
            })
        });
        starts.max()
    }
}

/// Fills in a field of open length.
///
/// # Errors
/// From the model; cancellation.
pub async fn fill(filling: &Filling<'_>, part: &Part) -> Result<Finding, AnswerError> {
    let field = &part.spec;
    // A cell holds no rows of its own.
    let is_flat = |column: &FieldSpec| !column.kind.is_open() && column.kind.fields().is_empty();
    if let FieldKind::Table(columns) = &field.kind
        && columns.iter().all(is_flat)
        && let Some(rows) = from_tables(filling, field, columns).await?
    {
        return Ok(Finding::list(rows, NO_ROWS));
    }
    if matches!(field.kind, FieldKind::Struct(_)) {
        let shown = filling.show(std::slice::from_ref(field)).await?;
        let mut found = filling.fill(std::slice::from_ref(part), &shown).await?;
        return Ok(found.pop().unwrap_or_else(|| Finding::absent(0.0)));
    }
    let mut listed = Listed::default();
    let mut from = Start::default();
    if filling.plan.whole {
        let shown = Shown::whole(filling.sources.len());
        listed = read_rows(filling, field, filling.sources, &shown, &filling.region(&shown)).await?;
        match listed.end {
            End::Last => return Ok(Finding::list(listed.rows, NO_ROWS)),
            End::Circle => match listed
                .reached(filling)
                .filter(|reached| reached.is_early(filling.sources))
            {
                Some(reached) => from = reached,
                None => {
                    filling.warn(format!(
                        "the field `{}` may lack rows: the model repeated itself",
                        field.key
                    ));
                    return Ok(Finding::list(listed.rows, NO_ROWS));
                }
            },
            End::Room => listed.rows.clear(),
        }
    }
    from_windows(filling, field, from, listed.rows).await
}

/// The rows of the files' own tables, if their columns are those that are wanted.
async fn from_tables(
    filling: &Filling<'_>,
    field: &FieldSpec,
    columns: &[FieldSpec],
) -> Result<Option<Vec<Finding>>, AnswerError> {
    let mut rows = Vec::new();
    let mut any = false;
    for mut group in tables::groups(filling.sources, columns) {
        if group.is_open() {
            ask_columns(filling, field, columns, &mut group).await?;
        }
        if !group.fits() {
            continue;
        }
        any = true;
        let region = Region::default();
        let reading = ReadingOf {
            looking: filling.looking(&region),
            pieces: &[],
            scores: &filling.scores,
        };
        rows.extend(tables::rows(&group, columns, filling.sources, reading));
    }
    Ok(any.then_some(rows))
}

/// Asks the model which column holds each field that no heading names.
async fn ask_columns(
    filling: &Filling<'_>,
    field: &FieldSpec,
    columns: &[FieldSpec],
    group: &mut TableGroup,
) -> Result<(), AnswerError> {
    let Some(source) = filling.sources.get(group.source) else {
        return Ok(());
    };
    let free: Vec<usize> = (0..group.headings.len())
        .filter(|column| {
            !group.columns.contains(&Some(*column)) && !group.headings[*column].trim().is_empty()
        })
        .collect();
    let mut options: Vec<Value> = free.iter().map(|column| json!(group.headings[*column])).collect();
    options.push(Value::Null);
    let open: Vec<usize> = (0..columns.len())
        .filter(|index| group.columns[*index].is_none())
        .collect();
    let mut properties = Map::new();
    for index in &open {
        properties.insert(
            columns[*index].key.clone(),
            json!({"type": ["string", "null"], "enum": options}),
        );
    }
    let keys: Vec<&str> = open.iter().map(|index| columns[*index].key.as_str()).collect();
    let schema = json!({
        "type": "object", "properties": properties, "required": keys, "additionalProperties": false,
    });
    let wanted: Vec<String> = open
        .iter()
        .map(|index| {
            format!(
                "- {}: {}",
                json!(columns[*index].key),
                columns[*index].search_text()
            )
        })
        .collect();
    let asked = format!(
        "A table has these columns and begins with these rows:\n{}\n{}\n\nIt is read for: {}. In which column does each of \
         these stand? Write the column's heading, or null where no column holds it.\n{}",
        group.headings.join(" | "),
        group.sample(&source.document),
        field.search_text(),
        wanted.join("\n")
    );
    // The table's beginning stands in the question itself; no document is shown.
    let shown = Shown::whole(0);
    let request = filling.request_for(&asked, schema, &[], &shown, 40 * open.len() as u32 + 40);
    let (_, parsed) = filling.ask(request, &Region::default()).await?;
    for index in open {
        let node = parsed
            .node
            .as_ref()
            .and_then(|node| node.member(&columns[index].key));
        let named = node.map(|node| node.to_value());
        let column = free
            .iter()
            .find(|column| named == Some(json!(group.headings[**column])));
        if let Some(column) = column.filter(|column| !group.columns.contains(&Some(**column))) {
            group.columns[index] = Some(*column);
        }
    }
    Ok(())
}

/// Goes through all pages of all sources, from a place on up to which rows were read.
async fn from_windows(
    filling: &Filling<'_>,
    field: &FieldSpec,
    from: Start,
    mut rows: Vec<Finding>,
) -> Result<Finding, AnswerError> {
    let tokens = filling.plan.document_tokens.min(WINDOW_TOKENS);
    let mut all: Vec<Window> = Vec::new();
    for (index, source, range) in from.behind(filling.sources) {
        all.extend(windows(index, &source.document, range, tokens));
    }
    // Made before they are streamed: the compiler can't prove a lazily mapped one to be `Send`.
    let work: Vec<_> = all
        .iter()
        .map(|window| rows_of(filling, field, *window))
        .collect();
    let mut read = stream::iter(work).buffered(CONCURRENT);
    let mut of_source: Vec<Finding> = Vec::new();
    let mut next = 0;
    while let Some(found) = read.try_next().await? {
        let window = all[next];
        if next > 0 && all[next - 1].source != window.source {
            rows.append(&mut of_source);
        }
        join_rows(&mut of_source, found, window.fresh);
        next += 1;
    }
    rows.append(&mut of_source);
    Ok(Finding::list(rows, NO_ROWS))
}

/// The rows of one window. One whose rows do not fit a completion is divided, and so is what comes after the last row
/// that a completion listed before it went round in a circle.
fn rows_of<'f>(
    filling: &'f Filling<'_>,
    field: &'f FieldSpec,
    window: Window,
) -> BoxFuture<'f, Result<Vec<Finding>, AnswerError>> {
    Box::pin(async move {
        let Some(source) = filling.sources.get(window.source) else {
            return Ok(Vec::new());
        };
        let document = &source.document;
        let shown = Shown {
            sources: vec![ShownSource {
                passages: Some(vec![passage(&window, document)]),
            }],
            embedding: None,
        };
        let region = Region(vec![(window.source, window.span)]);
        let sources = std::slice::from_ref(source);
        let listed = read_rows(filling, field, sources, &shown, &region).await?;
        let rest = match listed.end {
            End::Last => return Ok(listed.rows),
            End::Room => window.span,
            End::Circle => {
                let reached = listed
                    .reached(filling)
                    .map_or(window.span.end, |reached| reached.at);
                Span::new(reached.max(window.span.start), window.span.end)
            }
        };
        let tokens = estimate_tokens(rest.text(document)) / 2;
        let parts = windows(window.source, document, rest, tokens);
        if tokens < LEAST_TOKENS || parts.len() < 2 {
            let reason = match listed.end {
                End::Circle => "the model repeated itself",
                _ => "they do not fit one completion",
            };
            filling.warn(format!(
                "the field `{}` may lack rows of page {} of file {}: {reason}",
                field.key,
                window.last_page,
                source.file.id()
            ));
            return Ok(listed.rows);
        }
        let mut rows = match listed.end {
            End::Circle => listed.rows,
            _ => Vec::new(),
        };
        for part in parts {
            let found = rows_of(filling, field, part).await?;
            join_rows(&mut rows, found, part.fresh);
        }
        Ok(rows)
    })
}

/// The rows that one completion lists.
async fn read_rows(
    filling: &Filling<'_>,
    field: &FieldSpec,
    sources: &[Source],
    shown: &Shown,
    region: &Region,
) -> Result<Listed, AnswerError> {
    let specs = std::slice::from_ref(field);
    for strictness in [Strictness::AsWritten, Strictness::Present] {
        let limit = filling.plan.output_tokens;
        let request = filling.request(specs, sources, shown, strictness, limit);
        let (raw, parsed) = filling.ask(request, region).await?;
        let reading = filling.read(specs, &raw, &parsed, region).pop();
        let Some(found) = reading.map(|reading| reading.finding) else {
            break;
        };
        let asked_again = strictness == Strictness::Present;
        let may_be_unmeant = !asked_again && parsed.complete && found.is_unmeant();
        if may_be_unmeant && means_rows(filling, field, sources, shown).await? {
            continue;
        }
        let mut rows = match found.content {
            Content::List(rows) => rows,
            _ => Vec::new(),
        };
        if asked_again {
            rows.retain(Finding::is_grounded);
        }
        let end = match (parsed.complete, parsed.circles) {
            (true, _) => End::Last,
            // Kept from saying that there is nothing, it found nothing to say.
            (false, true) if asked_again && rows.is_empty() => End::Last,
            (false, true) => End::Circle,
            (false, false) => End::Room,
        };
        return Ok(Listed { rows, end });
    }
    Ok(Listed::default())
}

/// Whether a model that wrote no rows, and found that unlikely, finds rows clearly more likely.
async fn means_rows(
    filling: &Filling<'_>,
    field: &FieldSpec,
    sources: &[Source],
    shown: &Shown,
) -> Result<bool, AnswerError> {
    if !filling.plan.model.model.identity().scores_choices {
        return Ok(true);
    }
    let (presence, _) = second::odds(filling, field, None, sources, shown).await?;
    Ok(presence.is_none_or(|presence| presence > LIKELY_ROWS))
}
