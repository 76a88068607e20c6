//! One run: each row that has no prediction yet is asked, and its answer is on disk before the next one is.
//!
//! Invariant: a row's failure is recorded and the run goes on; only what would fail every row ends it. Cancelling ends it
//! after what is written, and a later call goes on from there. Called by the verb.

use crate::error::EvalError;
use crate::predictions::{Prediction, PredictionFile, Predictions};
use crate::program::ProgramRunner;
use crate::rows::{DataSet, Row, Task};
use crate::target::{RowFailure, Target};
use futures::StreamExt;
use std::path::PathBuf;
use std::time::Instant;
use tokio_util::sync::CancellationToken;

/// How a run goes.
#[derive(Debug, Clone)]
pub struct RunOptions {
    /// The file of predictions.
    pub out: PathBuf,
    /// Whether rows that failed before are asked again.
    pub retry_errors: bool,
    /// Rows that are asked at the same time, at least 1.
    pub parallel: usize,
}

/// Is told how far a run is; must not block.
pub trait RunProgress: Send + Sync {
    /// Before the first row: rows of the run, and how many were done before.
    fn begin(&self, rows: usize, done: usize);
    /// After each row.
    fn answered(&self, row: &Row, prediction: &Prediction);
}

/// What a run gave.
#[derive(Debug)]
pub struct RunEnd {
    /// All predictions of the file.
    pub predictions: Predictions,
    /// Rows that were asked in this call.
    pub asked: usize,
    /// Whether it was cancelled before its end.
    pub interrupted: bool,
}

/// Runs a set. `programs` is needed for sets of task `code` only.
///
/// # Errors
/// [`EvalError`]: the file, or a target that can't answer any row.
pub async fn run(
    set: &DataSet,
    target: &dyn Target,
    programs: Option<&ProgramRunner>,
    options: &RunOptions,
    progress: &dyn RunProgress,
    cancel: &CancellationToken,
) -> Result<RunEnd, EvalError> {
    let (mut file, mut predictions) = PredictionFile::open(&options.out, options.retry_errors)?;
    let open: Vec<&Row> = set
        .rows
        .iter()
        .filter(|row| predictions.get(&row.id).is_none())
        .collect();
    progress.begin(set.rows.len(), set.rows.len() - open.len());
    let asking: Vec<_> = open
        .into_iter()
        .map(|row| ask(row, target, programs, cancel))
        .collect();
    let mut answers = futures::stream::iter(asking).buffered(options.parallel.max(1));
    let (mut asked, mut interrupted, mut ended) = (0, false, Ok(()));
    while let Some((row, answer)) = answers.next().await {
        match answer {
            Ok(prediction) => {
                file.write(&prediction)?;
                progress.answered(row, &prediction);
                predictions.add(prediction);
                asked += 1;
            }
            Err(RowFailure::Target(error)) => {
                ended = Err(error);
                break;
            }
            Err(RowFailure::Cancelled | RowFailure::Row(_)) => {
                interrupted = true;
                break;
            }
        }
    }
    drop(answers);
    file.finish()?;
    target.finish().await;
    ended.map(|()| RunEnd {
        predictions,
        asked,
        interrupted,
    })
}

/// Asks one row; its own failure is its prediction.
async fn ask<'a>(
    row: &'a Row,
    target: &dyn Target,
    programs: Option<&ProgramRunner>,
    cancel: &CancellationToken,
) -> (&'a Row, Result<Prediction, RowFailure>) {
    if cancel.is_cancelled() {
        return (row, Err(RowFailure::Cancelled));
    }
    let started = Instant::now();
    let answer = tokio::select! {
        biased;
        () = cancel.cancelled() => Err(RowFailure::Cancelled),
        answer = target.answer(row, cancel) => answer,
    };
    let mut prediction = match answer {
        Ok(prediction) => prediction,
        Err(RowFailure::Row(error)) => Prediction {
            error: Some(error),
            ..Prediction::default()
        },
        Err(other) => return (row, Err(other)),
    };
    row.id.clone_into(&mut prediction.id);
    prediction.seconds = Some((started.elapsed().as_secs_f64() * 1_000.0).round() / 1_000.0);
    if let (Task::Code, None, Some(programs)) = (row.task, &prediction.error, programs)
        && let Err(error) = programs.judge(row, &mut prediction).await
    {
        return (row, Err(RowFailure::Target(error)));
    }
    (row, Ok(prediction))
}
