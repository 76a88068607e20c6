//! The output of the recognition model → characters with their place along the line.
//!
//! Invariant: label 0 is the blank, label n the n-th line of the dictionary, the label after the last a space.
//! Used by `ppocr`.

/// Characters that the model can write.
pub(super) struct Dictionary {
    characters: Vec<String>,
}

/// A decoded character: text, the steps it spans (as shares of the line, 0 to 1), probability.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Decoded {
    /// Its text.
    pub text: char,
    /// Where its peak is.
    pub at: f32,
    /// Probability.
    pub confidence: f32,
}

impl Dictionary {
    /// A dictionary file: one character a line.
    pub fn parse(text: &str) -> Self {
        let lines = text
            .split('\n')
            .map(|line| line.trim_end_matches('\r').to_owned());
        let mut characters: Vec<String> = lines.collect();
        if characters.last().is_some_and(String::is_empty) {
            characters.pop();
        }
        Self { characters }
    }

    /// Labels that a model for this dictionary has at least.
    pub fn labels(&self) -> usize {
        self.characters.len() + 1
    }

    fn text(&self, label: usize) -> &str {
        self.characters.get(label - 1).map_or(" ", String::as_str)
    }

    /// The most probable characters of `steps` × `labels` probabilities; only the first `used` of the steps count.
    pub fn decode(&self, probabilities: &[f32], labels: usize, used: f32) -> Vec<Decoded> {
        let steps = probabilities.len() / labels.max(1);
        let mut decoded: Vec<Decoded> = Vec::new();
        let mut last = 0;
        for (step, row) in probabilities.chunks_exact(labels.max(1)).enumerate() {
            let (label, confidence) = best(row);
            let at = (step as f32 + 0.5) / steps as f32 / used.max(0.01);
            if label == 0 || at > 1.0 + 0.5 / steps as f32 {
                last = 0;
                continue;
            }
            if label == last {
                if let Some(decoded) = decoded.last_mut() {
                    decoded.confidence = decoded.confidence.max(confidence);
                }
                continue;
            }
            last = label;
            decoded.extend(self.text(label).chars().map(|text| Decoded {
                text,
                at: at.min(1.0),
                confidence,
            }));
        }
        decoded
    }
}

fn best(row: &[f32]) -> (usize, f32) {
    let mut best = (0, f32::MIN);
    for (label, &value) in row.iter().enumerate() {
        if value > best.1 {
            best = (label, value);
        }
    }
    best
}
