//! Tests of [`super`]: six languages find their line.

use super::*;
use crate::chunk::{ChunkOptions, chunk_document};
use boxwood_core::document::DocumentBuilder;
use boxwood_core::{DocumentFormat, LineKind, TextSource};

fn document(lines: &[&str]) -> Document {
    let mut builder = DocumentBuilder::new(1, DocumentFormat::Text);
    builder.page(None, None, TextSource::Native);
    for line in lines {
        match line.strip_prefix("# ") {
            Some(heading) => builder.line(heading, LineKind::Heading(1)),
            None => builder.line(line, LineKind::Body),
        }
    }
    builder.finish()
}

/// The best chunk's text for a question over some lines, each a chunk of its own or nearly.
fn best(lines: &[&str], question: &str) -> Option<String> {
    let document = document(lines);
    let chunks = chunk_document(&document, &ChunkOptions::new(32).unwrap());
    let entry = SearchDocument {
        name: "",
        document: &document,
        chunks: &chunks,
    };
    let ranking = rank_lexical(&[entry], &Query::new(question), &LexicalOptions::default(), 1);
    ranking
        .first()
        .map(|scored| chunks[scored.at.chunk as usize].text(&document).to_owned())
}

#[test]
fn the_fitting_line_is_found_in_each_language() {
    let check = |lines: &[&str], question: &str, expected: &str| {
        let found = best(lines, question).unwrap_or_default();
        assert!(found.contains(expected), "{question}: {found}");
    };
    let english = [
        "The tenant pays the rent on the first working day of each month.",
        "Either party may terminate the agreement with ninety days' notice.",
        "Disputes are decided by the courts of Hamburg under German law.",
        "Order PO-7781/B covers the delivery of twelve pumps in the spring.",
    ];
    check(&english, "How can the agreement be terminated?", "ninety days");
    check(&english, "which courts decide a dispute", "Hamburg");
    check(&english, "What is in po 7781?", "pumps");
    let japanese = [
        "賃借人は毎月一日に賃料を支払うものとする。",
        "契約期間は二〇二四年四月一日から三年間とする。",
        "本契約に関する紛争は東京地方裁判所の管轄とする。",
    ];
    check(&japanese, "契約の期間は何年ですか？", "三年間");
    check(&japanese, "どこの裁判所が管轄しますか", "東京");
    let chinese = [
        "承租人应于每月一日支付租金给出租人。",
        "合同期限为三年，自二〇二四年四月一日起。",
        "争议由上海仲裁委员会仲裁解决。",
    ];
    check(&chinese, "合同期限是多久？", "三年");
    check(&chinese, "争议怎么解决", "上海");
    let korean = [
        "임차인은 매월 1일에 임대료를 지급한다 라고 한다.",
        "계약기간은 2024년부터 삼 년으로 한다 라고 한다.",
        "분쟁은 서울중앙지방법원에서 해결한다 라고 한다.",
    ];
    check(&korean, "계약 기간은 얼마입니까?", "삼 년");
    check(&korean, "분쟁은 어디에서 해결합니까", "서울");
    let german = [
        "Die Mietdauer beträgt drei Jahre ab April.",
        "Der Mieter zahlt die Nebenkosten monatlich im Voraus.",
        "Kündigungen bedürfen immer der Schriftform.",
    ];
    check(
        &german,
        "In welcher Form muss eine Kündigung erfolgen?",
        "Schriftform",
    );
}

#[test]
fn nothing_in_common_gives_nothing() {
    assert_eq!(best(&["The tenant pays."], "zzz qqq"), None);
    assert_eq!(best(&[], "rent"), None);
    assert_eq!(best(&["The tenant pays."], "?!"), None);
}

#[test]
fn headings_and_names_count_as_context() {
    let lines = [
        "# Termination",
        "It takes ninety days in every case for both of them.",
        "# Payment",
        "It takes thirty days in every case for both of them.",
    ];
    assert!(best(&lines, "payment days").unwrap().contains("thirty"));
    let (first, second) = (document(&["The fee is ten."]), document(&["The fee is twenty."]));
    let chunks = [&first, &second].map(|document| chunk_document(document, &ChunkOptions::default()));
    let entries = [
        SearchDocument {
            name: "Acme contract.pdf",
            document: &first,
            chunks: &chunks[0],
        },
        SearchDocument {
            name: "Globex contract.pdf",
            document: &second,
            chunks: &chunks[1],
        },
    ];
    let order = |question: &str| {
        let ranking = rank_lexical(&entries, &Query::new(question), &LexicalOptions::default(), 9);
        ranking
            .iter()
            .map(|scored| scored.at.document)
            .collect::<Vec<_>>()
    };
    assert_eq!(order("What is the fee of Globex?"), [1, 0]);
    assert_eq!(order("What is the fee of Acme?"), [0, 1]);
}

#[test]
fn ranking_does_not_change_from_run_to_run() {
    let lines: Vec<String> = (0..50)
        .map(|number| format!("The rent of flat {number} is due monthly."))
        .collect();
    let document = document(&lines.iter().map(String::as_str).collect::<Vec<_>>());
    let chunks = chunk_document(&document, &ChunkOptions::new(16).unwrap());
    let entry = SearchDocument {
        name: "",
        document: &document,
        chunks: &chunks,
    };
    let rank = || {
        rank_lexical(
            &[entry],
            &Query::new("rent of the flats, due monthly"),
            &LexicalOptions::default(),
            50,
        )
    };
    assert_eq!(rank(), rank());
}
