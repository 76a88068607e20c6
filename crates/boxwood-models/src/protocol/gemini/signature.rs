//! The signatures of Gemini's thoughts, carried in the ids of tool calls.
//!
//! Gemini 3 answers a tool's result with 400 unless the call comes back with the signature that it was given. A client
//! keeps nothing of a call but id, name and arguments, so the signature travels in the id; ids are opaque to everybody
//! else. Invariant: what was joined is parted again into the very same parts, and an id without a signature stays as it is.

/// Stands between the id and the signature; in neither of them (ids are ours or Google's, signatures are base64).
const SEPARATOR: &str = "~sig~";

/// What Google takes in place of a signature that is not there: a call of another model, or an old one.
pub(super) const NONE: &str = "skip_thought_signature_validator";

/// Id and signature as one.
pub(super) fn join(id: &str, signature: Option<&str>) -> String {
    match signature.filter(|signature| !signature.is_empty()) {
        Some(signature) => format!("{id}{SEPARATOR}{signature}"),
        None => id.to_owned(),
    }
}

/// The signature of an id, where it has one.
pub(super) fn of(id: &str) -> Option<&str> {
    id.split_once(SEPARATOR).map(|(_, signature)| signature)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_come_apart_as_they_were() {
        assert_eq!(of(&join("call_1", Some("CiQB/+=="))), Some("CiQB/+=="));
        assert_eq!(join("call_1", None), "call_1");
        assert_eq!(join("call_1", Some("")), "call_1");
        assert_eq!(of("call_1"), None);
    }
}
