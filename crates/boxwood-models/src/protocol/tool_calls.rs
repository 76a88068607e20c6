//! Calls of tools that come in pieces: gathered until the reply's end says that they are whole.
//!
//! Invariant: a call is given out once, in the order in which the host began them, and never half: what the output limit
//! cut off is left out. Used by the decoders of every protocol that streams arguments.

use boxwood_core::{FinishReason, ToolCall};

/// Calls that are being gathered.
#[derive(Debug, Default)]
pub(crate) struct ToolCalls(Vec<(u64, ToolCall)>);

impl ToolCalls {
    /// A piece of the call at `index`; a host tells id and name once and the arguments bit by bit.
    pub(crate) fn push(&mut self, index: u64, id: Option<&str>, name: Option<&str>, arguments: &str) {
        let position = self.0.iter().position(|(known, _)| *known == index);
        let position = position.unwrap_or_else(|| {
            let call = ToolCall {
                id: String::new(),
                name: String::new(),
                arguments: String::new(),
            };
            self.0.push((index, call));
            self.0.len() - 1
        });
        let Some((_, call)) = self.0.get_mut(position) else {
            return;
        };
        if let Some(id) = id.filter(|id| !id.is_empty()) {
            id.clone_into(&mut call.id);
        }
        if let Some(name) = name.filter(|name| !name.is_empty()) {
            name.clone_into(&mut call.name);
        }
        call.arguments.push_str(arguments);
    }

    /// The calls, now that the reply ended in this way. A host that gives no id gets one here, so that results can name it.
    pub(crate) fn finish(&mut self, finish: FinishReason) -> Vec<ToolCall> {
        let calls = std::mem::take(&mut self.0).into_iter().map(|(index, mut call)| {
            if call.id.is_empty() {
                call.id = format!("call_{index}");
            }
            if call.arguments.trim().is_empty() {
                "{}".clone_into(&mut call.arguments);
            }
            call
        });
        calls
            .filter(|call| !call.name.is_empty() && (finish != FinishReason::Length || is_whole(call)))
            .collect()
    }
}

fn is_whole(call: &ToolCall) -> bool {
    serde_json::from_str::<serde::de::IgnoredAny>(&call.arguments).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_gathered_in_order_and_whole() {
        let gathered = |finish| {
            let mut calls = ToolCalls::default();
            calls.push(1, Some("b"), Some("second"), "{\"x\":");
            calls.push(0, Some("a"), Some("first"), "");
            calls.push(1, None, Some(""), " 1");
            calls.push(2, None, Some("third"), "{}");
            calls.push(3, Some("no name"), None, "{}");
            let calls = calls.finish(finish);
            calls
                .into_iter()
                .map(|call| format!("{} {} {}", call.id, call.name, call.arguments))
                .collect::<Vec<_>>()
        };
        assert_eq!(
            gathered(FinishReason::ToolCalls),
            ["b second {\"x\": 1", "a first {}", "call_2 third {}"]
        );
        assert_eq!(gathered(FinishReason::Length), ["a first {}", "call_2 third {}"]);
    }
}
