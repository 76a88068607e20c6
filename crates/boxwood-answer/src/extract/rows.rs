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
use super::split::Part;
use super::tables::{self, TableGroup};
use super::windows::{LEAST_TOKENS, Window, join_rows, passage, windows};
use crate::error::AnswerError;
use crate::retrieve::{Shown, ShownSource};
use boxwood_search::{Span, estimate_tokens};
use futures::future::BoxFuture;
use futures::stream::{self, StreamExt, TryStreamExt};
use serde_json::{Map, Value, json};

/// Tokens of a window at most, where the model would take more: the rows of a window must fit one completion.
const WINDOW_TOKENS: u32 = 1_200;
/// How sure it is that there are no rows where none were found.
const NO_ROWS: f32 = 0.8;

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
    if filling.plan.whole {
        let shown = Shown::whole(filling.sources.len());
        if let Some(rows) =
            read_rows(filling, field, filling.sources, &shown, &filling.region(&shown)).await?
        {
            return Ok(Finding::list(rows, NO_ROWS));
        }
    }
    from_windows(filling, field).await
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

/// Goes through all pages of all sources.
async fn from_windows(filling: &Filling<'_>, field: &FieldSpec) -> Result<Finding, AnswerError> {
    let tokens = filling.plan.document_tokens.min(WINDOW_TOKENS);
    let mut all: Vec<Window> = Vec::new();
    for (index, source) in filling.sources.iter().enumerate() {
        let range = Span::new(0, source.document.text.len() as u32);
        all.extend(windows(index, &source.document, range, tokens));
    }
    // Made before they are streamed: the compiler can't prove a lazily mapped one to be `Send`.
    let work: Vec<_> = all
        .iter()
        .map(|window| rows_of(filling, field, *window))
        .collect();
    let mut read = stream::iter(work).buffered(CONCURRENT);
    let mut rows: Vec<Finding> = Vec::new();
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

/// The rows of one window; one whose rows do not fit a completion is divided.
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
        if let Some(rows) = read_rows(filling, field, sources, &shown, &region).await? {
            return Ok(rows);
        }
        let tokens = estimate_tokens(window.span.text(document)) / 2;
        let parts = windows(window.source, document, window.span, tokens);
        if tokens < LEAST_TOKENS || parts.len() < 2 {
            filling.warn(format!(
                "the field `{}` may lack rows of page {} of file {}: they do not fit one completion",
                field.key,
                window.first_page,
                source.file.id()
            ));
            return Ok(Vec::new());
        }
        let mut rows = Vec::new();
        for part in parts {
            let found = rows_of(filling, field, part).await?;
            join_rows(&mut rows, found, part.fresh);
        }
        Ok(rows)
    })
}

/// The rows that one completion lists; `None` when it broke off.
async fn read_rows(
    filling: &Filling<'_>,
    field: &FieldSpec,
    sources: &[crate::gather::Source],
    shown: &Shown,
    region: &Region,
) -> Result<Option<Vec<Finding>>, AnswerError> {
    let specs = std::slice::from_ref(field);
    for strictness in [Strictness::AsWritten, Strictness::Present] {
        let limit = filling.plan.output_tokens;
        let request = filling.request(specs, sources, shown, strictness, limit);
        let (raw, parsed) = filling.ask(request, region).await?;
        if !parsed.complete {
            return Ok(None);
        }
        let reading = filling.read(specs, &raw, &parsed, region).pop();
        let Some(found) = reading.map(|reading| reading.finding) else {
            break;
        };
        if strictness == Strictness::AsWritten && found.is_unmeant() {
            continue;
        }
        if let Content::List(rows) = found.content {
            let asked_again = strictness == Strictness::Present;
            return Ok(Some(
                rows.into_iter()
                    .filter(|row| !asked_again || row.is_grounded())
                    .collect(),
            ));
        }
        break;
    }
    Ok(Some(Vec::new()))
}
