//! Processor `spreadsheet`: a question about a workbook is answered by computing over its cells, not over its text.
//!
//! The model is shown the tables' columns and chooses a query ([`choose`]); what it chose is put beside what else could be
//! computed ([`reconsider`]); the query is run exactly, over every row ([`run`]); the model then words the answer from the result and the rows that it comes from. Invariants: no number of the answer
//! is the model's own, for an answer that does not hold the result is replaced by it; where no query fits, the caller
//! answers from the text and says so. Called by [`crate::service`].

mod certainty;
mod choose;
mod decimal;
mod infer;
mod matching;
mod query;
mod reconsider;
mod run;
mod table;
#[cfg(test)]
mod tests;
mod worked;

pub(crate) use infer::{decimal_mark, number_of};

use crate::answer::{Calculation, Processor};
use crate::error::AnswerError;
use crate::gather::Source;
use crate::generate::{self, Completion, Raw};
use crate::progress::{Progress, ProgressSink};
use crate::prompt::{self, Asked, neutralise};
use crate::question::Question;
use crate::resolve::Plan;
use crate::retrieve::Shown;
use boxwood_core::{
    ChatMessage, ChatRequest, ChatRole, Document, JsonSchemaFormat, ModelError, SharedPrefix, Usage,
};
use boxwood_search::{EvidenceList, estimate_tokens};
use choose::Detail;
use query::Query;
use run::Outcome;
use table::{SheetTable, tables_of};
use worked::Worked;

/// Tokens that a query may take.
const QUERY_TOKENS: u32 = 400;
/// Times that the model may choose: once more when its query can't be run, or leaves out what the question names.
const TRIES: usize = 2;
/// Probability that is told for a query by a model that gives no probabilities of its own.
const UNMEASURED: f32 = 0.8;

/// An answer that was computed.
pub(crate) struct Computed {
    /// What the model wrote, or the bare result where it wrote something else.
    pub text: String,
    /// The completion that worded it; its usage counts the choice of the query too.
    pub completion: Completion,
    /// The rows that the result comes from.
    pub shown: Shown,
    /// The same rows, as evidence.
    pub evidence: EvidenceList,
    /// Probability that the query is the one that was asked for.
    pub probability: f32,
    /// What was computed.
    pub calculation: Calculation,
}

/// What became of a question.
pub(crate) enum Attempt {
    /// It was computed.
    Computed(Box<Computed>),
    /// It has to be answered from the text, for this reason.
    FromText(Option<String>),
}

/// Tries to answer by a calculation. A plan of another processor is answered from the text without a word.
///
/// # Errors
/// From the model.
pub(crate) async fn compute(
    plan: &Plan,
    question: &Question,
    sources: &[Source],
    progress: &dyn ProgressSink,
) -> Result<Attempt, AnswerError> {
    let [source] = sources else {
        return Ok(Attempt::FromText(None));
    };
    if plan.processor != Processor::Spreadsheet {
        return Ok(Attempt::FromText(None));
    }
    let document = source.document.as_ref();
    let tables = tables_of(document);
    if tables.iter().all(|table| table.rows.is_empty()) {
        return Ok(Attempt::FromText(None));
    }
    let chosen = match choose_query(plan, question, &tables, progress).await? {
        Ok(chosen) => reconsidered(plan, question, &tables, chosen).await?,
        Err(why) => return Ok(Attempt::FromText(Some(format!("nothing was computed: {why}")))),
    };
    let worked = Worked::of(&chosen.query, &chosen.outcome, &tables, document);
    let computed = word_answer(plan, question, source, document, chosen, worked, progress).await?;
    Ok(Attempt::Computed(Box::new(computed)))
}

/// A query that could be run.
struct Chosen {
    query: Query,
    outcome: Outcome,
    /// Probability that it is the one that was asked for.
    probability: f32,
    usage: Usage,
}

/// Lets the model choose until a query runs and uses what the question names. The inner error says why none runs.
async fn choose_query(
    plan: &Plan,
    question: &Question,
    tables: &[SheetTable<'_>],
    progress: &dyn ProgressSink,
) -> Result<Result<Chosen, String>, AnswerError> {
    let Some(mut request) = query_request(plan, question, tables) else {
        return Ok(Err(
            "the workbook has more columns than the model reads".to_owned()
        ));
    };
    let quiet = WithoutDraft(progress);
    let mut usage: Option<Usage> = None;
    let mut runs: Option<(usize, Chosen)> = None;
    let mut why = String::new();
    for _ in 0..TRIES {
        let reply = reply_to(&mut request, plan, question, &quiet).await?;
        usage = Some(match usage {
            None => reply.usage.clone(),
            Some(usage) => generate::sum(usage, reply.usage.clone()),
        });
        let again = match run_reply(&reply, tables) {
            Ok(None) if runs.is_none() => {
                return Ok(Err(
                    "the question asks for nothing that the cells can be queried for".to_owned(),
                ));
            }
            Ok(None) => break,
            Ok(Some(chosen)) => {
                let table = &tables[chosen.query.table];
                let unused = reconsider::unused(&question.prompt, &chosen.query, table);
                let complaint = left_out(&chosen, table, &unused);
                if runs.as_ref().is_none_or(|(missing, _)| unused.len() < *missing) {
                    runs = Some((unused.len(), chosen));
                }
                match complaint {
                    None => break,
                    Some(complaint) => complaint,
                }
            }
            Err(error) => {
                why = error;
                format!("That does not work: {why}. Write another query for the same question, or \"none\".")
            }
        };
        request
            .messages
            .push(ChatMessage::new(ChatRole::Assistant, reply.text));
        request.messages.push(ChatMessage::new(ChatRole::User, again));
        // The prefix is one of the last message, which is no longer the one that describes the workbook.
        request.shared_prefix = None;
    }
    let usage = usage.unwrap_or_default();
    Ok(runs.map(|(_, chosen)| Chosen { usage, ..chosen }).ok_or(why))
}

/// Runs what the model wrote; `Ok(None)`: it says that the question is no computation.
fn run_reply(reply: &Raw, tables: &[SheetTable<'_>]) -> Result<Option<Chosen>, String> {
    let Some(mut query) = choose::read(&reply.text, tables)? else {
        return Ok(None);
    };
    let table = &tables[query.table];
    let outcome = run::run(&mut query, table).map_err(|error| error.to_string())?;
    Ok(Some(Chosen {
        query,
        outcome,
        probability: certainty::of_values(&reply.text, &reply.pieces).unwrap_or(UNMEASURED),
        usage: reply.usage.clone(),
    }))
}

/// Tells the model what its query gives and what of the question it leaves out.
fn left_out(chosen: &Chosen, table: &SheetTable<'_>, unused: &[(&str, &str)]) -> Option<String> {
    let named: Vec<String> = unused
        .iter()
        .map(|(column, value)| format!("{value:?} of the column {column:?}"))
        .collect();
    (!named.is_empty()).then(|| {
        format!(
            "That is the {}. The question also names {}, which the query does not use. Write the query that answers the \
             question.",
            neutralise(&chosen.query.words(table)),
            neutralise(&named.join(" and "))
        )
    })
}

/// The same rows with what most probably answers the question computed over them.
async fn reconsidered(
    plan: &Plan,
    question: &Question,
    tables: &[SheetTable<'_>],
    chosen: Chosen,
) -> Result<Chosen, AnswerError> {
    let table = &tables[chosen.query.table];
    let Some(verdict) = reconsider::judge(plan, question, &chosen.query, table).await? else {
        return Ok(chosen);
    };
    let mut query = verdict.measure.over(&chosen.query);
    tracing::debug!(
        values = chosen.probability,
        measure = verdict.probability,
        changed = query != chosen.query,
        "what a query computes was weighed"
    );
    // What can't be computed over these rows is not what was asked for, and the choice stays as doubtful as it is.
    let (query, outcome) = match run::run(&mut query, table) {
        Ok(outcome) => (query, outcome),
        Err(_) => (chosen.query, chosen.outcome),
    };
    Ok(Chosen {
        query,
        outcome,
        probability: chosen.probability * verdict.probability,
        usage: chosen.usage,
    })
}

/// The model's reply; without a schema where it can't keep to this one.
async fn reply_to(
    request: &mut ChatRequest,
    plan: &Plan,
    question: &Question,
    progress: &dyn ProgressSink,
) -> Result<Raw, AnswerError> {
    match generate::complete(&plan.model, request.clone(), &question.cancel, progress).await {
        Err(AnswerError::Generation(ModelError::SchemaUnsupported { message, .. }))
            if request.response_format.is_some() =>
        {
            tracing::debug!(message, "a query is asked for without a schema");
            request.response_format = None;
            generate::complete(&plan.model, request.clone(), &question.cancel, progress).await
        }
        reply => reply,
    }
}

/// The request for a query: the workbook first, the question last. `None` where the columns alone are too many.
fn query_request(plan: &Plan, question: &Question, tables: &[SheetTable<'_>]) -> Option<ChatRequest> {
    let described = Detail::LEVELS
        .into_iter()
        .map(|detail| choose::describe(tables, detail))
        .find(|text| estimate_tokens(text) <= plan.document_tokens)?;
    let boundary = described.len();
    let asked = prompt::with_dialogue(question.words());
    let today = question.now.format("%Y-%m-%d");
    let messages = vec![
        ChatMessage::new(ChatRole::System, choose::SYSTEM),
        ChatMessage::new(
            ChatRole::User,
            format!("{described}\nToday is {today}.\nQuestion: {asked}"),
        ),
    ];
    let mut request = ChatRequest::new(messages, QUERY_TOKENS.min(plan.model.max_output_tokens()));
    request.shared_prefix = Some(SharedPrefix {
        boundary,
        partition: question.partition.clone(),
    });
    if plan.model.model.identity().json_schema {
        request.response_format = Some(JsonSchemaFormat {
            name: "query".to_owned(),
            schema: choose::schema(tables),
        });
    }
    Some(request)
}

/// Lets the model word the answer, and holds it to the result.
async fn word_answer(
    plan: &Plan,
    question: &Question,
    source: &Source,
    document: &Document,
    chosen: Chosen,
    worked: Worked,
    progress: &dyn ProgressSink,
) -> Result<Computed, AnswerError> {
    let content = worked.content(source.file.name(), document);
    let asked = Asked {
        text: &prompt::with_dialogue(question.words()),
        now: question.now,
        partition: &question.partition,
    };
    let request = prompt::fill(plan, &plan.tool.prompt_template, &content, asked);
    let mut completion = generate::generate(&plan.model, request, &question.cancel, progress).await?;
    completion.usage = generate::sum(chosen.usage, completion.usage);
    let text = match worked.is_said_by(&completion.text) {
        true => crate::parse::read_draft(&completion.text).text,
        false => worked.calculation.result.clone(),
    };
    Ok(Computed {
        text,
        completion,
        shown: worked.shown(document),
        evidence: worked.evidence(),
        probability: chosen.probability,
        calculation: worked.calculation,
    })
}

/// Passes on all progress but the text of a query, which is no draft of the answer.
struct WithoutDraft<'a>(&'a dyn ProgressSink);

impl ProgressSink for WithoutDraft<'_> {
    fn report(&self, progress: Progress) {
        if !matches!(progress, Progress::Draft(_)) {
            self.0.report(progress);
        }
    }
}
