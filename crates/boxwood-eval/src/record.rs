//! What a run was made with, kept beside its predictions: `out.jsonl` has `out.run.json`.
//!
//! Invariant: a run goes on only with the settings that it was begun with; another limit is no other setting.

use crate::error::EvalError;
use crate::predictions::write_whole;
use crate::rows::Task;
use boxwood_core::Effort;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// How much is thought before an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EffortChoice {
    /// The model alone: a plain prompt, greedy, one completion.
    Baseline,
    /// Direct.
    Low,
    /// Thinking and calculation.
    Medium,
    /// Several samples.
    High,
}

impl EffortChoice {
    /// Every choice, least first.
    pub const ALL: [Self; 4] = [Self::Baseline, Self::Low, Self::Medium, Self::High];

    /// The name on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Baseline => "baseline",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
        }
    }

    /// Whether rows of this task can be answered with it: it is for questions, problems and programs, and the model alone
    /// has no part in a conversation.
    pub fn fits(self, task: Task) -> bool {
        match task {
            Task::Qa | Task::Reason | Task::Code => true,
            Task::Dialog => self != Self::Baseline,
            Task::Extract | Task::JsonSchema | Task::Robust => false,
        }
    }

    /// The effort of the pipeline; `None` for the baseline, which does not go through it.
    pub fn effort(self) -> Option<Effort> {
        match self {
            Self::Baseline => None,
            Self::Low => Some(Effort::Low),
            Self::Medium => Some(Effort::Medium),
            Self::High => Some(Effort::High),
        }
    }
}

/// The settings of a run, and what it ran on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunRecord {
    /// The set's name.
    pub set: String,
    /// The set's file, as it was named.
    pub set_file: PathBuf,
    /// SHA-256 of the set's file.
    pub set_sha256: String,
    /// The task's name.
    pub task: String,
    /// The effort; `None`: what the agent or the server takes by default.
    pub effort: Option<EffortChoice>,
    /// Which text of the documents was read: `"given"`, `"long"`, `"text"`.
    pub documents: String,
    /// Whether Box's enhanced extraction agent was used.
    pub enhanced: bool,
    /// The model that was asked for; `None`: the default.
    pub model: Option<String>,
    /// SHA-256 of the local model's file, where that is known.
    pub model_sha256: Option<String>,
    /// The server's address; `None`: in this process.
    pub server: Option<String>,
    /// Commit of the source that the program was run from, where that is known.
    pub commit: Option<String>,
    /// The program's version.
    pub version: String,
    /// When the run was begun, RFC 3339.
    pub started: String,
    /// Processors of the machine.
    pub processors: usize,
}

impl RunRecord {
    /// Where the record of a file of predictions is.
    pub fn path_for(predictions: &Path) -> PathBuf {
        predictions.with_extension("run.json")
    }

    /// The record beside a file of predictions; `None` where there is none.
    ///
    /// # Errors
    /// [`EvalError::File`] when there is one that can't be read.
    pub fn read(predictions: &Path) -> Result<Option<Self>, EvalError> {
        let path = Self::path_for(predictions);
        let text = match std::fs::read(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            read => read.map_err(EvalError::file("read", &path))?,
        };
        let record = serde_json::from_slice(&text)
            .map_err(std::io::Error::from)
            .map_err(EvalError::file("read", &path))?;
        Ok(Some(record))
    }

    /// Keeps the record, or checks that a begun run had the same settings.
    ///
    /// # Errors
    /// [`EvalError::OtherRun`] with the setting that differs, [`EvalError::File`].
    pub fn begin(&self, predictions: &Path) -> Result<(), EvalError> {
        let path = Self::path_for(predictions);
        match Self::read(predictions)? {
            Some(begun) if predictions.exists() => match self.difference(&begun) {
                None => Ok(()),
                Some((field, was, now)) => Err(EvalError::OtherRun {
                    path: predictions.to_owned(),
                    record: path,
                    field,
                    was,
                    now,
                }),
            },
            _ => {
                let mut text = serde_json::to_string_pretty(self)
                    .map_err(std::io::Error::from)
                    .map_err(EvalError::file("written", &path))?;
                text.push('\n');
                write_whole(&path, text.as_bytes())
            }
        }
    }

    /// The first setting that makes another run of it: its name, what it was, what it is.
    fn difference(&self, begun: &Self) -> Option<(&'static str, String, String)> {
        let effort = |record: &Self| record.effort.map_or("default", EffortChoice::as_str).to_owned();
        let or_default = |name: &Option<String>| name.clone().unwrap_or_else(|| "default".to_owned());
        let pairs = [
            ("set", begun.set.clone(), self.set.clone()),
            ("set_sha256", begun.set_sha256.clone(), self.set_sha256.clone()),
            ("effort", effort(begun), effort(self)),
            ("documents", begun.documents.clone(), self.documents.clone()),
            ("enhanced", begun.enhanced.to_string(), self.enhanced.to_string()),
            ("model", or_default(&begun.model), or_default(&self.model)),
            (
                "model_sha256",
                or_default(&begun.model_sha256),
                or_default(&self.model_sha256),
            ),
            ("server", or_default(&begun.server), or_default(&self.server)),
        ];
        pairs.into_iter().find(|(_, was, now)| was != now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record() -> RunRecord {
        RunRecord {
            set: "gsm8k".to_owned(),
            set_file: PathBuf::from("dev.jsonl"),
            set_sha256: "00".to_owned(),
            task: "reason".to_owned(),
            effort: Some(EffortChoice::Low),
            documents: "given".to_owned(),
            enhanced: false,
            model: None,
            model_sha256: None,
            server: None,
            commit: None,
            version: "0.1.0".to_owned(),
            started: "2026-01-01T00:00:00Z".to_owned(),
            processors: 2,
        }
    }

    #[test]
    fn a_run_goes_on_only_with_its_own_settings() {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("out.jsonl");
        record().begin(&out).unwrap();
        std::fs::write(&out, "").unwrap();
        assert_eq!(RunRecord::read(&out).unwrap(), Some(record()));
        let later = RunRecord {
            started: "later".to_owned(),
            commit: Some("c0ffee".to_owned()),
            ..record()
        };
        later.begin(&out).unwrap();
        let other = RunRecord {
            effort: Some(EffortChoice::High),
            ..record()
        };
        let said = other.begin(&out).unwrap_err().to_string();
        assert!(said.contains("begun with effort low, not high"), "{said}");
        let changed = RunRecord {
            set_sha256: "11".to_owned(),
            ..record()
        };
        assert!(
            changed
                .begin(&out)
                .unwrap_err()
                .to_string()
                .contains("set_sha256 00, not 11")
        );
        std::fs::remove_file(&out).unwrap();
        other.begin(&out).unwrap();
        assert_eq!(
            RunRecord::read(&out).unwrap(),
            Some(other),
            "a run that has no predictions begins anew"
        );
    }
}
