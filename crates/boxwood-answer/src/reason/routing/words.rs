//! Words by which a question tells what it asks for: a share, a ratio, a count, a mean, a span of time, a day. One list a
//! meaning, in English, German, Japanese and Chinese. Pure.
//!
//! Invariant: what two rules mean alike stands here once; a rule that means more joins lists. Words are in lower case, and
//! so is what they are looked for in ([`lowered`]). Called by [`super`] (is it computed?), [`crate::reason::prompts`] (what is
//! a program told?), [`crate::reason::units`] (has the result a currency?) and [`crate::reason::exercise`].

/// Words of a share or a rate.
const SHARE: &[&str] = &[
    "percent", "%", "％", " rate", "share of", "prozent", "anteil", "率", "割合", "百分",
];
/// Words of what is written as a percentage, although it is called otherwise.
const WRITTEN_AS_SHARE: &[&str] = &["portion", "growth", "return on", " roi", "wachstum"];
/// Words of a value in proportion to another one.
const RATIO: &[&str] = &[" ratio", "proportion", " factor", " times", "verhältnis", "何倍"];
/// Words that ask how many things there are.
const COUNT: &[&str] = &[
    "how many",
    "number of",
    "wie viele",
    "wie oft",
    "anzahl",
    "何人",
    "何件",
    "何個",
    "件数",
];
/// Words of a mean: an amount, although amounts are divided for it.
const MEAN: &[&str] = &[
    "average",
    "mean ",
    "durchschnitt",
    "mittelwert",
    "平均",
    "per month",
    "pro monat",
];
/// Words that ask for the length of a span of time.
const SPAN: &[&str] = &[
    "how many days",
    "how many weeks",
    "how many months",
    "how many years",
    "how long",
    "wie viele tage",
    "wie viele wochen",
    "wie viele monate",
    "wie lange",
    "何日",
    "何か月",
    "多少天",
];
/// Words that stand at both ends of a span of time.
const BETWEEN: &[&str] = &["between", "zwischen", "から", "之间"];
/// Words of dates in a problem that states them.
const DATED: &[&str] = &[
    "date",
    "days",
    "how many weeks",
    "how many months",
    "how many years",
];
/// Words of anything that is counted in days, months or years.
const TIME: &[&str] = &[
    "date",
    "day",
    "month",
    "year",
    "week",
    "deadline",
    "datum",
    "frist",
    "werktag",
    "wie viele tage",
    "monat",
    "日付",
    "期限",
    "期日",
    "営業日",
    "何日",
    "納期",
];
/// Words of days on which nobody works.
const HOLIDAYS: &[&str] = &["holiday", "feiertag", "祝日", "休日"];

/// A text as words are looked for in it: in lower case, with a space before its first word.
fn lowered(text: &str) -> String {
    format!(" {}", text.to_lowercase())
}

/// Whether a text in lower case has one of these.
pub(in crate::reason) fn has(lower: &str, words: &[&str]) -> bool {
    words.iter().any(|word| lower.contains(word))
}

/// Whether the result is written as a percentage: a share, a rate or a growth, not an amount.
pub(in crate::reason) fn asks_for_percentage(question: &str) -> bool {
    let asked = lowered(question);
    [SHARE, WRITTEN_AS_SHARE].iter().any(|words| has(&asked, words))
}

/// Whether the result is no amount of money: a share, a ratio, a count, a span of time.
pub(in crate::reason) fn asks_for_no_amount(question: &str) -> bool {
    let asked = lowered(question);
    [SHARE, RATIO, COUNT, SPAN].iter().any(|words| has(&asked, words))
}

/// Whether a mean is asked for.
pub(in crate::reason) fn asks_for_mean(question: &str) -> bool {
    has(&lowered(question), MEAN)
}

/// Whether the length of a span of time between two events is asked for: "How many days are there between signing and
/// delivery?" What stands between the words does not matter.
pub(in crate::reason) fn asks_for_span_between(question: &str) -> bool {
    let asked = lowered(question);
    has(&asked, SPAN) && has(&asked, BETWEEN)
}

/// Whether a problem is stated in dates, or asks for time between them.
pub(in crate::reason) fn states_dates(question: &str) -> bool {
    has(&lowered(question), DATED)
}

/// Whether a question is about time, so that a program may need functions for dates.
pub(in crate::reason) fn is_about_time(question: &str) -> bool {
    has(&lowered(question), TIME)
}

/// Whether a text names days on which nobody works.
pub(in crate::reason) fn names_holidays(text: &str) -> bool {
    has(&lowered(text), HOLIDAYS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_can_be_found() {
        let lists = [
            SHARE,
            WRITTEN_AS_SHARE,
            RATIO,
            COUNT,
            MEAN,
            SPAN,
            BETWEEN,
            DATED,
            TIME,
            HOLIDAYS,
        ];
        for words in lists {
            for (at, word) in words.iter().enumerate() {
                assert_eq!(*word, word.to_lowercase());
                let others = words.iter().enumerate().filter(|(other, _)| *other != at);
                let covered = others.clone().any(|(_, other)| word.contains(other));
                assert!(!covered, "{word} is found by another word of its list");
            }
        }
    }

    #[test]
    fn what_questions_ask_for() {
        for (question, percentage, no_amount, mean) in [
            ("Rate of return in 2019?", true, true, false),
            ("What was the growth in revenue?", true, false, false),
            ("成長率は何％ですか", true, true, false),
            ("How many invoices are open?", false, true, false),
            ("契約は何か月ですか", false, true, false),
            ("What is the average price?", false, false, true),
            ("How much is it together?", false, false, false),
        ] {
            assert_eq!(asks_for_percentage(question), percentage, "{question}");
            assert_eq!(asks_for_no_amount(question), no_amount, "{question}");
            assert_eq!(asks_for_mean(question), mean, "{question}");
        }
        for (question, span, time, holidays) in [
            ("How long is it between signing and delivery?", true, false, false),
            (
                "Wie viele Tage liegen zwischen Lieferung und Zahlung?",
                true,
                true,
                false,
            ),
            ("When is the deadline, with the holidays?", false, true, true),
            ("納期はいつですか", false, true, false),
            ("Who signed?", false, false, false),
        ] {
            assert_eq!(asks_for_span_between(question), span, "{question}");
            assert_eq!(is_about_time(question), time, "{question}");
            assert_eq!(names_holidays(question), holidays, "{question}");
        }
    }
}
