//! The vocabulary is OpenAI's, and counts are those of `tiktoken`.

use super::*;
use sha2::{Digest, Sha256};

#[test]
fn the_vocabulary_is_the_one_that_tiktoken_demands() {
    let mut text = Vec::new();
    GzDecoder::new(PACKED).read_to_end(&mut text).unwrap();
    // `expected_hash` of o200k_base in tiktoken_ext/openai_public.py.
    let expected = "446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d";
    assert_eq!(hex::encode(Sha256::digest(&text)), expected);
    let vocabulary = VOCABULARY.as_ref().unwrap();
    let used = |table: &Table| {
        let taken = table.slots.iter().filter(|slot| **slot != FREE);
        (taken.count(), table.slots.len())
    };
    for (taken, slots) in [used(&vocabulary.common), used(&vocabulary.east)] {
        assert!(taken > 0 && 2 * taken < slots, "{taken} of {slots}");
    }
    assert_eq!((vocabulary.rank(b"!"), vocabulary.rank(b" the")), (0, 290));
    // No two tokens have the same hash, or one of them would not be found.
    for (rank, line) in text
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
        .enumerate()
    {
        let end = line.iter().position(|byte| *byte == b' ').unwrap();
        let token = STANDARD.decode(&line[..end]).unwrap();
        assert_eq!(vocabulary.rank(&token) as usize, rank);
    }
}

#[test]
fn counts_are_those_of_tiktoken() {
    for (text, counted) in COUNTED {
        assert_eq!(count(text), Some(*counted), "{text:?}");
    }
}

#[test]
fn hostile_texts_take_no_quadratic_time() {
    let began = std::time::Instant::now();
    for text in [
        "a".repeat(100_000),
        " ".repeat(100_000),
        "あ".repeat(50_000),
        "ab1\u{301}".repeat(25_000),
    ] {
        assert!(count(&text).is_some_and(|tokens| tokens > 100));
    }
    assert!(began.elapsed().as_secs() < 60, "{:?}", began.elapsed());
}

/// Stretches are cut only where no token lies across, so that every token is still found in one piece.
#[test]
fn characters_of_a_token_may_join() {
    let vocabulary = VOCABULARY.as_ref().unwrap();
    for token in ["日本", "東京", "ありがとう", "안녕하세요", "中国"] {
        let characters: Vec<char> = token.chars().collect();
        let joined = characters
            .windows(2)
            .filter(|pair| vocabulary.may_join(pair[0], pair[1]));
        let is_token = vocabulary.rank(token.as_bytes()) != NONE;
        assert!(!is_token || joined.count() == characters.len() - 1, "{token}");
    }
    let cut = ('\u{4e00}'..'\u{5200}').filter(|character| !vocabulary.may_join(*character, '豈'));
    assert!(cut.count() > 700, "most pairs stand in no token");
}

/// Both ways of merging count alike.
#[test]
fn long_pieces_are_counted_as_short_ones() {
    let vocabulary = VOCABULARY.as_ref().unwrap();
    for text in [
        "abcdefghijklmnopqrstuvwxyzabcdefgh",
        "吾輩は猫である名前はまだ無い",
        "aaaaaaaaaaaaaaa",
    ] {
        let mut merger = merge::Merger::default();
        assert_eq!(
            merger.both_ways(vocabulary, text).0,
            merger.both_ways(vocabulary, text).1,
            "{text}"
        );
    }
}

/// Taken once with tiktoken 0.12: `encode_ordinary` of o200k_base.
const COUNTED: &[(&str, u32)] = &[
    ("", 0),
    ("hello world", 2),
    ("Hello World's BEST don't WE'LL i'VE It'ſ", 13),
    ("camelCaseWords XMLHttpRequest ABCdef", 7),
    ("  leading and   inner\t\ttabs \n\n\n new", 10),
    ("line\r\nline\r\n\r\n  x", 6),
    ("trailing   ", 3),
    ("\u{a0}\u{2003}nbsp", 3),
    ("12345 6789012 3.14159 1,000,000", 17),
    ("日本ABC本 カタカナひらがな漢字、句読点。「引用」", 20),
    ("吾輩は猫である。名前はまだ無い。", 14),
    ("한국어 텍스트입니다. 안녕하세요?", 10),
    ("Привет, мир! Ёлка", 8),
    ("ภาษาไทยไม่มีช่องว่าง", 6),
    ("العربية مِنَ الْكِتَابِ", 11),
    ("हिन्दी में लिखा हुआ", 6),
    ("👍🏽🎉👨\u{200d}👩\u{200d}👧\u{200d}👦 ok", 17),
    ("e\u{301} a\u{308} \u{301}x \u{301}ABC", 10),
    ("https://example.com/a/b?c=d&e=f#g//\n/x", 15),
    ("fn main() { println!(\"{:?}\", x); }\n\t}\n", 13),
    ("ǅungla ʰmod ªº ⅷ ① ½ ٣", 20),
    ("İstanbul ıI ßẞ", 9),
    ("\u{0}\u{1}\u{7f}", 3),
    ("---==== *** ...\n\n", 4),
    ("00000000000000000000000000000000000000000000000000", 17),
    ("x\u{200b}y \u{feff}z", 5),
    ("'s 't'S ''ll 'LL 're", 10),
    (" 's", 2),
    ("word's\n", 3),
    ("a b c d e f g", 7),
    ("ſ'ſ", 3),
];
