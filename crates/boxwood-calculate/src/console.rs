//! Where the output of a program goes, and where its steps are counted.
//!
//! The interpreter asks a console every 256 instructions whether it wants to write; that is the one place where it hands
//! over control, and the same for the same program on every machine. Loops within one instruction (`sum(range(n))`) count
//! as one: for them the time limit stands. Invariant: once a program was stopped, every further question is answered the
//! same, so that no `except` goes on for long. Made by [`crate::interpreter`].

use monty_types::{ExcType, MontyException, PrintWriterCallback, check_print_collect_limit};
use std::borrow::Cow;

/// Bytes of output that are kept; a program that prints more ends.
pub(crate) const MAX_OUTPUT_BYTES: usize = 64 * 1024;
/// Instructions between two questions of the interpreter.
const STEPS_BETWEEN: u64 = 256;

/// Output and steps of one program.
#[derive(Debug)]
pub(crate) struct Console {
    text: String,
    steps: u64,
    most_steps: u64,
}

impl Console {
    /// Nothing is printed, nothing is done.
    pub(crate) fn new(most_steps: u64) -> Self {
        Self {
            text: String::new(),
            steps: 0,
            most_steps,
        }
    }

    /// Why the program was stopped, as Python words it.
    pub(crate) fn stopped(&self) -> Option<String> {
        (self.steps > self.most_steps).then(|| format!("TimeoutError: {}", self.reason()))
    }

    /// What was printed.
    pub(crate) fn into_text(self) -> String {
        self.text
    }

    fn reason(&self) -> String {
        format!(
            "step limit exceeded: more than {} steps; it must do less or count in larger strides",
            self.most_steps
        )
    }
}

impl PrintWriterCallback for Console {
    fn stdout_write(&mut self, output: Cow<'_, str>) -> Result<(), MontyException> {
        check_print_collect_limit(self.text.len(), output.len(), Some(MAX_OUTPUT_BYTES))?;
        self.text.push_str(&output);
        Ok(())
    }

    fn stdout_push(&mut self, end: char) -> Result<(), MontyException> {
        check_print_collect_limit(self.text.len(), end.len_utf8(), Some(MAX_OUTPUT_BYTES))?;
        self.text.push(end);
        Ok(())
    }

    fn poll_flush(&mut self) -> Result<(), MontyException> {
        self.steps = self.steps.saturating_add(STEPS_BETWEEN);
        match self.steps > self.most_steps {
            true => Err(MontyException::new(ExcType::TimeoutError, Some(self.reason()))),
            false => Ok(()),
        }
    }
}
