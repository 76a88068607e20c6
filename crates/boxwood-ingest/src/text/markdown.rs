//! Markdown: the text as written, with headings, lists and pipe tables known.
//!
//! Invariant: only marks of structure are removed (heading hashes, list bullets, table pipes); a line inside a fence
//! is left alone. Embedded `data:` links are shortened: they are pictures, not text.

use crate::context::ParseContext;
use crate::encoding::decode;
use crate::error::ParseError;
use boxwood_core::document::DocumentBuilder;
use boxwood_core::{LineKind, ReadNoteKind, TextSource};

/// Reads Markdown.
///
/// # Errors
/// Limits only.
pub fn parse(
    bytes: &[u8],
    context: &mut ParseContext,
    builder: &mut DocumentBuilder,
) -> Result<(), ParseError> {
    let text = decode(bytes);
    let (text, pictures) = shorten_data_links(&text);
    context.begin_page(1, builder)?;
    builder.page(None, None, TextSource::Native);
    let lines: Vec<&str> = super::plain::split_lines(&text).collect();
    let mut fence: Option<&str> = None;
    let mut index = 0;
    while let Some(line) = lines.get(index).copied() {
        if index % 512 == 0 {
            context.check_growth(builder)?;
        }
        let trimmed = line.trim();
        let mark = ["```", "~~~"].into_iter().find(|mark| trimmed.starts_with(mark));
        if fence.is_some() || mark.is_some() {
            fence = match (fence, mark) {
                (None, mark) => mark,
                (open, mark) if open == mark => None,
                (open, _) => open,
            };
            builder.line(line.trim_end(), LineKind::Body);
            index += 1;
            continue;
        }
        let rows = table_rows(&lines[index..]);
        if rows >= 2 {
            append_table(&lines[index..index + rows], builder);
            index += rows;
        } else {
            append_line(line, lines.get(index + 1).copied(), builder);
            index += 1;
        }
    }
    if pictures > 0 {
        let message = format!("{pictures} embedded pictures were not read");
        builder.note(None, ReadNoteKind::Embedded, message);
    }
    Ok(())
}

fn append_line(line: &str, next: Option<&str>, builder: &mut DocumentBuilder) {
    let trimmed = line.trim();
    let hashes = trimmed.chars().take_while(|c| *c == '#').count();
    if (1..=6).contains(&hashes) && trimmed[hashes..].starts_with([' ', '\t']) {
        let title = trimmed[hashes..].trim().trim_end_matches('#').trim_end();
        builder.line(title, LineKind::Heading(hashes as u8));
    } else if let Some(level) = underline(next).filter(|_| !trimmed.is_empty() && !is_rule(trimmed)) {
        builder.line(trimmed, LineKind::Heading(level));
    } else if is_rule(trimmed) {
        // A rule or the underline of the heading above.
    } else if is_list_item(trimmed) {
        builder.line(trimmed, LineKind::ListItem);
    } else {
        builder.line(line.trim_end(), LineKind::Body);
    }
}

/// `===` and `---` under a line make it a heading.
fn underline(next: Option<&str>) -> Option<u8> {
    let next = next?.trim();
    let all = |mark: char| next.len() >= 3 && next.chars().all(|c| c == mark);
    match () {
        () if all('=') => Some(1),
        () if all('-') => Some(2),
        () => None,
    }
}

fn is_rule(line: &str) -> bool {
    line.len() >= 3
        && ['-', '=', '*', '_']
            .iter()
            .any(|mark| line.chars().all(|c| c == *mark))
}

fn is_list_item(line: &str) -> bool {
    if ["- ", "* ", "+ "].iter().any(|bullet| line.starts_with(bullet)) {
        return true;
    }
    let rest = line.trim_start_matches(|c: char| c.is_ascii_digit());
    rest.len() < line.len() && (rest.starts_with(". ") || rest.starts_with(") "))
}

/// How many of the first lines form a pipe table: a row, a line of dashes, further rows.
fn table_rows(lines: &[&str]) -> usize {
    let is_row = |line: &&str| line.contains('|') && !line.trim().is_empty();
    let is_ruler = |line: &str| {
        line.contains('-')
            && line.contains('|')
            && line.trim().chars().all(|c| matches!(c, '|' | '-' | ':' | ' '))
    };
    match lines {
        [first, ruler, rest @ ..] if is_row(first) && is_ruler(ruler) => {
            2 + rest.iter().take_while(|line| is_row(line)).count()
        }
        _ => 0,
    }
}

fn append_table(lines: &[&str], builder: &mut DocumentBuilder) {
    let without_ruler = lines.iter().enumerate().filter(|(index, _)| *index != 1);
    let rows: Vec<Vec<String>> = without_ruler.map(|(_, line)| cells(line)).collect();
    let width = rows.iter().map(Vec::len).max().unwrap_or(0);
    let padded = rows.into_iter().map(|mut row| {
        row.resize(width, String::new());
        row
    });
    builder.table(None, 1, padded.collect());
}

fn cells(line: &str) -> Vec<String> {
    let line = line.trim();
    let line = line.strip_prefix('|').unwrap_or(line);
    let line = line.strip_suffix('|').unwrap_or(line);
    line.replace("\\|", "\u{1}")
        .split('|')
        .map(|cell| cell.trim().replace('\u{1}', "|"))
        .collect()
}

/// Replaces the content of `data:` links by an ellipsis and counts them.
fn shorten_data_links(text: &str) -> (String, usize) {
    let mut out = String::with_capacity(text.len().min(1 << 20));
    let mut rest = text;
    let mut count = 0;
    while let Some(position) = rest.find(";base64,") {
        let (before, after) = rest.split_at(position + ";base64,".len());
        let end = after
            .find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '=')))
            .unwrap_or(after.len());
        out.push_str(before);
        if end > 64 {
            out.push('…');
            count += 1;
        } else {
            out.push_str(&after[..end]);
        }
        rest = &after[end..];
    }
    out.push_str(rest);
    (out, count)
}

#[cfg(test)]
mod tests {
    use crate::testing;

    #[test]
    fn structure_is_known() {
        let check = |text: &str, expected: &str| testing::check(text, "a.md", expected);
        check(
            "# One\ntext\n## Two ##\n- item\n1. first\n",
            "# One\ntext\n## Two\n* - item\n* 1. first\n",
        );
        check("Title\n=====\n\nbody\n", "# Title\n\nbody\n");
        check(
            "| a | b |\n|---|:-:|\n| 1 | x \\| y |\nafter",
            "|! a | b\n| 1 | x | y\nafter\n",
        );
        check("```\n# not a heading\n```\n", "```\n# not a heading\n```\n");
        let picture = format!("![p](data:image/png;base64,{})", "QUJD".repeat(100));
        check(
            &picture,
            "![p](data:image/png;base64,…)\n(Embedded) 1 embedded pictures were not read\n",
        );
    }
}
