//! Which questions ask for a computation. A general rule over the words and the numbers at hand: a plain look-up must
//! not cost more, so in doubt nothing is computed.

use super::number;

/// Words of a result that is computed from several values.
const COMPUTED: [&str; 43] = [
    "percentage change",
    "percent change",
    "percentage increase",
    "percentage decrease",
    "percent increase",
    "percent decrease",
    "what percentage",
    "what percent",
    "percentage of",
    "percent of",
    "growth rate",
    "rate of change",
    "change in",
    "change between",
    "change from",
    "difference",
    "average",
    "mean of",
    "ratio",
    "in total",
    "sum of",
    "combined",
    "altogether",
    "add up",
    "how much more",
    "how much less",
    "how many more",
    "how many less",
    "how many fewer",
    "how much higher",
    "how much lower",
    "exceed",
    "increase from",
    "decrease from",
    "the increase in",
    "the decrease in",
    "how many times",
    "per share of",
    "net change",
    "proportion",
    "compute",
    "calculate",
    "cumulative",
];
/// Words of a span of time.
const DATED: [&str; 12] = [
    "how many days",
    "how many months",
    "how many years",
    "how many weeks",
    "how long",
    "days between",
    "business days",
    "working days",
    "days after",
    "days before",
    "months after",
    "days later",
];
/// The same in Japanese and Chinese.
const EAST_ASIAN: [&str; 12] = [
    "合計",
    "平均",
    "差額",
    "何日",
    "割合",
    "増加率",
    "何倍",
    "总和",
    "平均值",
    "百分比",
    "相差",
    "多少天",
];

/// Whether a question asks for something that must be computed from what the text states.
pub fn asks_for_computation(question: &str, context: &str) -> bool {
    let asked = question.to_lowercase();
    let words = COMPUTED.iter().chain(&DATED).any(|words| asked.contains(words));
    let total = asked.contains("total") && asked.contains(" and ");
    let east_asian = EAST_ASIAN.iter().any(|words| question.contains(words));
    (words || total || east_asian) && number::numbers(context).len() + number::numbers(question).len() >= 2
}

/// Whether a problem without a text states the numbers of a computation.
pub(super) fn states_numbers(question: &str) -> bool {
    number::numbers(question).len() >= 2 || DATED.iter().any(|words| question.to_lowercase().contains(words))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn computations_and_look_ups() {
        let table = "| 2019 | 2018 |\n| 206,587 | 254,127 |";
        for (question, computes) in [
            (
                "What was the percentage change in net income between 2018 and 2019?",
                true,
            ),
            ("What is the average operating income across 2018 and 2019?", true),
            ("How many days lie between signing and delivery?", true),
            ("What is the difference between the two?", true),
            ("2018年と2019年の合計はいくらですか", true),
            ("What was net income in 2019?", false),
            ("Who signed the contract?", false),
            ("What does interest expense include?", false),
        ] {
            assert_eq!(asks_for_computation(question, table), computes, "{question}");
        }
        assert!(!asks_for_computation(
            "What is the difference?",
            "no figures here"
        ));
    }
}
