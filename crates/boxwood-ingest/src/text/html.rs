//! HTML as a reader sees it: headings, paragraphs, lists and tables; no scripts, styles or hidden elements.
//!
//! Invariant: nothing is fetched or run. Beyond [`MAX_DEPTH`] elements are flattened to their text, so that hostile
//! nesting can't exhaust the stack. `eml.rs` uses [`append`] for mail bodies.

use crate::context::ParseContext;
use crate::encoding::{decode, decode_declared};
use crate::error::ParseError;
use crate::table::tidy_with_header;
use boxwood_core::document::DocumentBuilder;
use boxwood_core::{LineKind, TextSource};
use scraper::{ElementRef, Html, Node};

/// Nested elements that are walked with their structure.
const MAX_DEPTH: usize = 256;
/// A cell may span this many columns or rows; pages claim up to 65,534.
const MAX_SPAN: usize = 100;
/// Elements whose content is not for readers.
const SKIPPED: &[&str] = &[
    "script", "style", "noscript", "template", "head", "iframe", "object", "svg", "math", "rt", "rp",
    "datalist", "audio", "video", "canvas",
];
/// Elements that stand inside a line.
const INLINE: &[&str] = &[
    "a", "abbr", "acronym", "b", "bdi", "bdo", "big", "cite", "code", "data", "del", "dfn", "em", "font",
    "i", "ins", "kbd", "label", "mark", "nobr", "output", "q", "ruby", "rb", "s", "samp", "small", "span",
    "strike", "strong", "sub", "sup", "time", "tt", "u", "var", "wbr", "button", "img", "input",
];

/// Reads HTML.
///
/// # Errors
/// Limits only: HTML is never wrong enough to fail.
pub fn parse(
    bytes: &[u8],
    context: &mut ParseContext,
    builder: &mut DocumentBuilder,
) -> Result<(), ParseError> {
    let label = declared_encoding(bytes);
    let text = decode_declared(bytes, label.as_deref());
    context.begin_page(1, builder)?;
    builder.page(None, None, TextSource::Native);
    append(&text, context, builder)
}

/// Appends the readable text of a page to the current page.
///
/// # Errors
/// Limits only.
pub fn append(html: &str, context: &ParseContext, builder: &mut DocumentBuilder) -> Result<(), ParseError> {
    let page = Html::parse_document(html);
    context.checkpoint()?;
    let root = page.root_element();
    if let Some(title) = find(root, "title") {
        let text: String = title.text().collect();
        builder.title(Some(collapse(&text)));
    }
    let mut walk = Walk {
        context,
        builder,
        line: String::new(),
        kind: LineKind::Body,
        preformatted: false,
    };
    walk.element(root, 0)?;
    walk.flush();
    Ok(())
}

/// `charset` in a `meta` element of the first kilobyte or two.
fn declared_encoding(bytes: &[u8]) -> Option<String> {
    let head = &bytes[..bytes.len().min(2_048)];
    if std::str::from_utf8(bytes).is_ok() {
        return None;
    }
    let head = decode(head).to_lowercase();
    let value = head
        .split("charset")
        .nth(1)?
        .trim_start()
        .strip_prefix('=')?
        .trim_start();
    let value = value.trim_start_matches(['"', '\'']);
    let end = value.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | ':' | '.')))?;
    Some(value[..end].to_owned())
}

fn find<'a>(root: ElementRef<'a>, name: &str) -> Option<ElementRef<'a>> {
    root.descendants()
        .take(2_000)
        .filter_map(ElementRef::wrap)
        .find(|element| element.value().name() == name)
}

struct Walk<'a, 'b> {
    context: &'a ParseContext,
    builder: &'b mut DocumentBuilder,
    line: String,
    kind: LineKind,
    preformatted: bool,
}

impl Walk<'_, '_> {
    fn element(&mut self, element: ElementRef<'_>, depth: usize) -> Result<(), ParseError> {
        let name = element.value().name();
        if SKIPPED.contains(&name) || is_hidden(element) {
            return Ok(());
        }
        if depth > MAX_DEPTH {
            self.flattened(element);
            return Ok(());
        }
        match name {
            "br" => self.flush(),
            "hr" => self.flush(),
            "img" => self.push(element.attr("alt").unwrap_or_default()),
            "table" if is_data_table(element) => self.table(element)?,
            "pre" | "textarea" => {
                self.flush();
                let outer = std::mem::replace(&mut self.preformatted, true);
                self.children(element, depth)?;
                self.flush();
                self.preformatted = outer;
            }
            "h1" | "h2" | "h3" | "h4" | "h5" | "h6" => {
                let level = name.as_bytes()[1] - b'0';
                self.block(element, LineKind::Heading(level), depth)?;
            }
            "li" => {
                self.flush();
                self.line = list_mark(element);
                self.block_inside(element, LineKind::ListItem, depth)?;
            }
            "td" | "th" => {
                self.children(element, depth)?;
                self.flush();
            }
            name if INLINE.contains(&name) => self.children(element, depth)?,
            _ => self.block(element, self.kind, depth)?,
        }
        Ok(())
    }

    fn children(&mut self, element: ElementRef<'_>, depth: usize) -> Result<(), ParseError> {
        for child in element.children() {
            match child.value() {
                Node::Text(text) => self.push(text),
                Node::Element(_) => {
                    if let Some(child) = ElementRef::wrap(child) {
                        self.element(child, depth + 1)?;
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn block(&mut self, element: ElementRef<'_>, kind: LineKind, depth: usize) -> Result<(), ParseError> {
        self.flush();
        self.context.check_growth(self.builder)?;
        self.block_inside(element, kind, depth)
    }

    fn block_inside(
        &mut self,
        element: ElementRef<'_>,
        kind: LineKind,
        depth: usize,
    ) -> Result<(), ParseError> {
        let outer = std::mem::replace(&mut self.kind, kind);
        self.children(element, depth)?;
        self.flush();
        self.kind = outer;
        Ok(())
    }

    fn flattened(&mut self, element: ElementRef<'_>) {
        for text in element.text() {
            self.push(text);
        }
    }

    /// Adds text to the line: white space collapses unless preformatted.
    fn push(&mut self, text: &str) {
        if self.preformatted {
            let mut lines = text.split('\n').peekable();
            while let Some(line) = lines.next() {
                self.line.push_str(line.trim_end_matches('\r'));
                if lines.peek().is_some() {
                    self.flush();
                }
            }
            return;
        }
        push_collapsed(&mut self.line, text);
    }

    fn flush(&mut self) {
        let line = std::mem::take(&mut self.line);
        let line = if self.preformatted {
            line.trim_end()
        } else {
            line.trim()
        };
        if !line.is_empty() && line != "-" {
            self.builder.line(line, self.kind);
        }
    }

    fn table(&mut self, table: ElementRef<'_>) -> Result<(), ParseError> {
        self.flush();
        self.context.check_growth(self.builder)?;
        let mut rows = Vec::new();
        let mut headers = 0;
        let mut caption = None;
        let mut spans = Vec::new();
        for element in table.descendants().filter_map(ElementRef::wrap) {
            match element.value().name() {
                "caption" => caption = Some(collapse(&visible_text(element))).filter(|text| !text.is_empty()),
                "tr" => {
                    let in_head = element.parent().and_then(ElementRef::wrap).is_some_and(is_head);
                    let cells: Vec<_> = element
                        .children()
                        .filter_map(ElementRef::wrap)
                        .filter(is_cell)
                        .collect();
                    let all_heads = !cells.is_empty() && cells.iter().all(|cell| cell.value().name() == "th");
                    if rows.len() == headers && (in_head || all_heads) {
                        headers += 1;
                    }
                    rows.push(row(&cells, &mut spans));
                }
                _ => {}
            }
        }
        let (rows, header_rows) = tidy_with_header(rows, headers);
        if rows.is_empty() {
            return Ok(());
        }
        if let Some(caption) = &caption {
            self.builder.line(caption, LineKind::Body);
        }
        self.builder.table(caption, header_rows, rows);
        Ok(())
    }
}

fn is_head(parent: ElementRef<'_>) -> bool {
    parent.value().name() == "thead"
}

fn is_cell(element: &ElementRef<'_>) -> bool {
    matches!(element.value().name(), "td" | "th") && !is_hidden(*element)
}

/// The cells of a row, with those that reach down from the rows above: (column, text, rows left).
fn row(cells: &[ElementRef<'_>], spans: &mut Vec<(usize, String, usize)>) -> Vec<String> {
    let mut row: Vec<String> = Vec::new();
    let mut open = std::mem::take(spans);
    open.sort_by_key(|(column, _, _)| *column);
    let mut from_above = open.into_iter().peekable();
    let mut reach_down = |row: &mut Vec<String>, spans: &mut Vec<(usize, String, usize)>, all: bool| {
        while let Some((column, text, left)) =
            from_above.next_if(|(column, _, _)| all || *column <= row.len())
        {
            row.resize(row.len().max(column), String::new());
            row.push(text.clone());
            if left > 1 {
                spans.push((column, text, left - 1));
            }
        }
    };
    for cell in cells {
        reach_down(&mut row, spans, false);
        let text = collapse(&visible_text(*cell));
        let down = span(*cell, "rowspan");
        if down > 1 {
            spans.push((row.len(), text.clone(), down - 1));
        }
        row.push(text);
        let width = row.len() + span(*cell, "colspan") - 1;
        row.resize(width, String::new());
    }
    reach_down(&mut row, spans, true);
    row
}

fn span(cell: ElementRef<'_>, attribute: &str) -> usize {
    let value = cell.attr(attribute).and_then(|value| value.trim().parse().ok());
    value.unwrap_or(1usize).clamp(1, MAX_SPAN)
}

/// A table that only places other blocks is walked as blocks.
fn is_data_table(table: ElementRef<'_>) -> bool {
    if matches!(table.attr("role"), Some("presentation" | "none")) {
        return false;
    }
    let mut cells = 0;
    for element in table.descendants().skip(1).filter_map(ElementRef::wrap) {
        match element.value().name() {
            "table" | "h1" | "h2" | "h3" | "ul" | "ol" | "form" => return false,
            "td" | "th" => cells += 1,
            _ => {}
        }
    }
    cells >= 2
}

fn is_hidden(element: ElementRef<'_>) -> bool {
    let style = element
        .attr("style")
        .unwrap_or_default()
        .to_lowercase()
        .replace(' ', "");
    element.attr("hidden").is_some() || style.contains("display:none") || style.contains("visibility:hidden")
}

fn list_mark(item: ElementRef<'_>) -> String {
    let Some(list) = item.parent().and_then(ElementRef::wrap) else {
        return "- ".to_owned();
    };
    if list.value().name() != "ol" {
        return "- ".to_owned();
    }
    let before = item
        .prev_siblings()
        .filter_map(ElementRef::wrap)
        .filter(|sibling| sibling.value().name() == "li")
        .count() as i64;
    let start: i64 = list
        .attr("start")
        .and_then(|start| start.trim().parse().ok())
        .unwrap_or(1);
    format!("{}. ", start.saturating_add(before))
}

/// The text of an element, words of different blocks kept apart, scripts and styles left out.
fn visible_text(element: ElementRef<'_>) -> String {
    let mut all = String::new();
    for node in element.descendants() {
        match node.value() {
            Node::Text(text) => {
                let skipped = node.ancestors().take(8).filter_map(ElementRef::wrap);
                if !skipped
                    .into_iter()
                    .any(|above| SKIPPED.contains(&above.value().name()))
                {
                    all.push_str(text);
                }
            }
            Node::Element(inner) if !INLINE.contains(&inner.name()) => all.push(' '),
            _ => {}
        }
    }
    all
}

fn collapse(text: &str) -> String {
    let mut line = String::new();
    push_collapsed(&mut line, text);
    line.trim().to_owned()
}

fn push_collapsed(line: &mut String, text: &str) {
    for character in text.chars() {
        let space = character.is_whitespace() && character != '\u{A0}' || character == '\u{200B}';
        if !space {
            line.push(if character == '\u{A0}' { ' ' } else { character });
        } else if !line.is_empty() && !line.ends_with(' ') && character != '\u{200B}' {
            line.push(' ');
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{outline, parse};

    fn check(html: &str, expected: &str) {
        let html = format!("<!DOCTYPE html><html>{html}</html>");
        assert_eq!(
            outline(&parse(html.as_bytes(), "a.html").unwrap()),
            expected,
            "{html}"
        );
    }

    #[test]
    fn pages_are_read_as_a_reader_sees_them() {
        check(
            "<head><title> A  title </title><style>p{}</style></head><body><h1>One</h1>\
             <p>Some <b>bold</b>\n text<br>next</p><script>x()</script><div hidden>no</div>\
             <ul><li>a</li><li>b<ul><li>c</li></ul></li></ul><ol start=3><li>x<li>y</ol><pre>  in\n   dent</pre>",
            "# One\nSome bold text\nnext\n* - a\n* - b\n* - c\n* 3. x\n* 4. y\n  in\n   dent\n",
        );
    }

    #[test]
    fn tables_keep_their_cells_and_spans() {
        check(
            "<table><caption>Sales</caption><thead><tr><th>Region<th>Sum</thead>\
             <tr><td rowspan=2>North<td>1<tr><td>2</table>",
            "Sales\n|! Region | Sum\n| North | 1\n| North | 2\n",
        );
        check(
            "<table><tr><td colspan=2>a<td>b<tr><td>1<td>2<td>3</table>",
            "| a |  | b\n| 1 | 2 | 3\n",
        );
        check(
            "<table><tr><td><h2>Layout</h2><p>text<td><table><tr><td>1<td>2</table></table>",
            "## Layout\ntext\n| 1 | 2\n",
        );
    }

    #[test]
    fn deep_nesting_is_flattened() {
        let html = format!("{}deep", "<div>".repeat(5_000));
        check(&html, "deep\n");
    }

    #[test]
    fn a_declared_encoding_is_used() {
        let bytes = b"<html><meta charset='windows-1251'><p>\xCF\xF0\xE8\xE2\xE5\xF2</html>";
        assert_eq!(outline(&parse(bytes, "").unwrap()), "Привет\n");
    }
}
