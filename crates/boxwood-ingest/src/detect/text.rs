//! Kinds of text.
//!
//! Invariant: structure that can be checked (markup, JSON, mail headers) beats the name; the name beats guesses.

use super::Detected;
use crate::encoding::decode;
use crate::text::csv::sniff_delimiter;
use crate::text::json::is_json;
use boxwood_core::DocumentFormat;

/// How much of a long text is looked at.
const SAMPLE_BYTES: usize = 64 << 10;

/// Mail headers that do not begin lines of other texts.
const MAIL_HEADERS: &[&str] = &[
    "received",
    "return-path",
    "delivered-to",
    "message-id",
    "mime-version",
    "from",
    "to",
    "subject",
    "date",
    "reply-to",
    "content-type",
    "x-mailer",
    "dkim-signature",
    "cc",
];

/// Elements with which HTML begins.
const HTML_STARTS: &[&str] = &[
    "!doctype html",
    "html",
    "head",
    "body",
    "title",
    "meta",
    "div",
    "p>",
    "p ",
    "table",
    "h1",
    "h2",
    "ul",
    "ol",
    "span",
    "a ",
    "br",
    "font",
    "center",
    "style",
    "script",
    "link",
];

/// Names the kind of text, or says that it is none.
pub(super) fn detect(bytes: &[u8], file_name: &str) -> Detected {
    let sample = decode(&bytes[..bytes.len().min(SAMPLE_BYTES)]);
    if sample.trim().is_empty() {
        // The rest of a long file may still hold something.
        return if bytes.len() <= SAMPLE_BYTES || decode(bytes).trim().is_empty() {
            Detected::Empty
        } else {
            Detected::Format(DocumentFormat::Text)
        };
    }
    if is_binary(&sample) {
        return Detected::unsupported("a binary file of unknown format");
    }
    let text = sample.trim_start();
    if text.starts_with("{\\rtf") {
        return Detected::Format(DocumentFormat::Rtf);
    }
    if let Some(format) = markup(text) {
        return Detected::Format(format);
    }
    if text.starts_with(['{', '[']) && is_json(&decode(bytes)) {
        return Detected::Format(DocumentFormat::Json);
    }
    if is_mail(text) {
        return Detected::Format(DocumentFormat::Eml);
    }
    Detected::Format(by_name(text, file_name).unwrap_or_else(|| guess(text)))
}

/// Many control or undecodable characters.
fn is_binary(sample: &str) -> bool {
    let (mut odd, mut all) = (0usize, 0usize);
    for character in sample.chars() {
        all += 1;
        let control =
            character.is_control() && !matches!(character, '\t' | '\n' | '\r' | '\x0C' | '\x1B' | '\x1A');
        odd += usize::from(control || character == char::REPLACEMENT_CHARACTER);
    }
    odd * 20 > all
}

fn markup(text: &str) -> Option<DocumentFormat> {
    let mut rest = text;
    let mut declared = false;
    loop {
        rest = rest.trim_start();
        if let Some(after) = rest.strip_prefix("<?xml") {
            declared = true;
            rest = after.split_once("?>").map_or("", |(_, after)| after);
        } else if let Some(after) = rest.strip_prefix("<!--") {
            rest = after.split_once("-->").map_or("", |(_, after)| after);
        } else {
            break;
        }
    }
    let lower: String = rest.chars().take(64).collect::<String>().to_lowercase();
    let tag = lower.strip_prefix('<');
    let html = tag.is_some_and(|tag| HTML_STARTS.iter().any(|start| tag.starts_with(start)));
    if html && (!declared || lower.starts_with("<html") || lower.starts_with("<!doctype html")) {
        return Some(DocumentFormat::Html);
    }
    if declared {
        return Some(DocumentFormat::Xml);
    }
    let name_follows =
        tag.is_some_and(|tag| tag.starts_with(|c: char| c.is_alphabetic() || c == '!' || c == '_'));
    let closes = text.contains("</") || text.contains("/>");
    (name_follows && closes && looks_like_element(rest)).then_some(DocumentFormat::Xml)
}

/// A first tag that is closed soon, so that "<name@example.org> wrote" is not XML.
fn looks_like_element(text: &str) -> bool {
    let tag: String = text.chars().skip(1).take_while(|c| *c != '>').collect();
    let name = tag.split([' ', '\n', '\t', '/']).next().unwrap_or("");
    name.starts_with('!')
        || (!name.is_empty()
            && name
                .chars()
                .all(|c| c.is_alphanumeric() || matches!(c, ':' | '_' | '-' | '.')))
}

/// At least two different mail headers, and nothing but headers, before the first empty line.
fn is_mail(text: &str) -> bool {
    let mut known = Vec::new();
    for (number, line) in text.lines().take(200).enumerate() {
        let is_envelope = number == 0 && (line.starts_with("From ") || line.starts_with(">From "));
        if is_envelope || line.starts_with([' ', '\t']) && number > 0 {
            continue;
        }
        if line.is_empty() {
            break;
        }
        let Some((name, _)) = line.split_once(':') else {
            return false;
        };
        let name = name.trim_end().to_lowercase();
        if name.is_empty() || !name.chars().all(|c| c.is_ascii_graphic()) {
            return false;
        }
        if MAIL_HEADERS.contains(&name.as_str()) && !known.contains(&name) {
            known.push(name);
        }
    }
    known.len() >= 2
}

/// The kind that the name's extension claims, if the text does not contradict it.
fn by_name(text: &str, file_name: &str) -> Option<DocumentFormat> {
    let (_, extension) = file_name.rsplit_once('.')?;
    match extension.to_lowercase().as_str() {
        "csv" | "tsv" | "tab" | "psv" => Some(DocumentFormat::Csv),
        "md" | "markdown" | "mdown" | "mkd" => Some(DocumentFormat::Markdown),
        "eml" if text.contains(':') => Some(DocumentFormat::Eml),
        // A name without meaning is no hint.
        "" | "bin" | "dat" | "tmp" | "data" | "upload" => None,
        _ => Some(DocumentFormat::Text),
    }
}

fn guess(text: &str) -> DocumentFormat {
    if looks_like_markdown(text) {
        DocumentFormat::Markdown
    } else if sniff_delimiter(text).is_some_and(|sniffed| sniffed.certain) {
        DocumentFormat::Csv
    } else {
        DocumentFormat::Text
    }
}

fn looks_like_markdown(text: &str) -> bool {
    let mut headings = 0;
    let mut others = 0;
    for line in text.lines().take(400) {
        let trimmed = line.trim_start();
        let hashes = trimmed.chars().take_while(|c| *c == '#').count();
        if (1..=6).contains(&hashes) && trimmed[hashes..].starts_with(' ') {
            headings += 1;
        } else {
            let starts = ["- ", "* ", "```"].iter().any(|mark| trimmed.starts_with(mark));
            others += u32::from(starts || trimmed.contains("]("));
        }
    }
    headings >= 1 && headings + others >= 3
}
