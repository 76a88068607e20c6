//! How sure the model was of the values that it chose.
//!
//! Invariant: only pieces that lie in the JSON's values count; names and marks follow from the schema and say nothing.
//! Called by `spreadsheet`.

use crate::generate::Piece;

/// The mean probability of the pieces in values, by the mean of their logarithms; `None` where the model tells none.
pub(super) fn of_values(json: &str, pieces: &[Piece]) -> Option<f32> {
    let values = value_bytes(json);
    let (mut sum, mut count) = (0.0f32, 0u16);
    let mut start = 0;
    for piece in pieces {
        let inside = values
            .get(start..piece.end.min(values.len()))
            .is_some_and(|bytes| bytes.contains(&true));
        if let (true, Some(log_prob)) = (inside, piece.log_prob) {
            sum += log_prob;
            count = count.saturating_add(1);
        }
        start = piece.end.min(values.len());
    }
    (count > 0).then(|| (sum / f32::from(count)).exp().min(1.0))
}

/// For each byte, whether it lies in a string that is a value.
fn value_bytes(json: &str) -> Vec<bool> {
    let mut inside = vec![false; json.len()];
    let mut string: Option<usize> = None;
    let mut escaped = false;
    for (at, byte) in json.bytes().enumerate() {
        match string {
            None if byte == b'"' => string = Some(at + 1),
            None => {}
            Some(_) if escaped => escaped = false,
            Some(_) if byte == b'\\' => escaped = true,
            Some(start) if byte == b'"' => {
                let is_name = json[at + 1..].trim_start().starts_with(':');
                inside[start..at].fill(!is_name);
                string = None;
            }
            Some(_) => {}
        }
    }
    inside
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_values_count() {
        let json = r#"{"table":"Sales","where":[{"column":"Re\"gion"}]}"#;
        let chosen: String = json
            .chars()
            .zip(value_bytes(json))
            .filter(|(_, inside)| *inside)
            .map(|(c, _)| c)
            .collect();
        assert_eq!(chosen, r#"SalesRe\"gion"#);
    }

    #[test]
    fn the_mean_is_that_of_the_values_pieces() {
        let json = r#"{"a":"xy"}"#;
        let piece = |end: usize, log_prob: Option<f32>| Piece { end, log_prob };
        let certain = [
            piece(6, Some(-9.0)),
            piece(7, Some(0.0)),
            piece(8, Some(-0.2)),
            piece(10, Some(-9.0)),
        ];
        let found = of_values(json, &certain).unwrap_or_default();
        assert!((found - (-0.1f32).exp()).abs() < 1e-6, "{found}");
        let doubtful = of_values(json, &[piece(7, Some(-8.0))]).unwrap_or_default();
        assert!((doubtful - (-8.0f32).exp()).abs() < 1e-6, "{doubtful}");
        assert_eq!(of_values(json, &[piece(10, None)]), None);
    }
}
