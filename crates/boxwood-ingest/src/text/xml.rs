//! XML that is no other format: the text of its elements, one line an element, with names and attributes.

use crate::context::ParseContext;
use crate::encoding::decode_xml;
use crate::error::ParseError;
use crate::xml::{Element, Node, XmlReader};
use boxwood_core::document::DocumentBuilder;
use boxwood_core::{LineKind, TextSource};

/// Reads XML.
///
/// # Errors
/// Damaged, too deep, or limits.
pub fn parse(
    bytes: &[u8],
    context: &mut ParseContext,
    builder: &mut DocumentBuilder,
) -> Result<(), ParseError> {
    let text = decode_xml(bytes);
    context.begin_page(1, builder)?;
    builder.page(None, None, TextSource::Native);
    let mut reader = XmlReader::new(&text);
    let mut line = String::new();
    let mut seen = false;
    loop {
        match reader.next(context)? {
            Node::Open(element) => {
                seen = true;
                flush(&mut line, builder);
                context.check_growth(builder)?;
                open(&element, &mut line);
            }
            Node::Text(text) => append_text(&text, &mut line),
            Node::Close => flush(&mut line, builder),
            Node::End if seen => return Ok(()),
            Node::End => return Err(context.damaged("it has no element")),
        }
    }
}

/// `name (key=value, …):`
fn open(element: &Element<'_>, line: &mut String) {
    line.push_str(element.name());
    let attributes: Vec<String> = element
        .attributes()
        .filter(|(key, value)| !value.trim().is_empty() && key != "schemaLocation" && !value.contains("://"))
        .map(|(key, value)| format!("{key}={value}"))
        .collect();
    if !attributes.is_empty() {
        line.push_str(&format!(" ({})", attributes.join(", ")));
    }
    line.push(':');
}

fn append_text(text: &str, line: &mut String) {
    for word in text.split_whitespace() {
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
}

/// A line that only names an element without attributes and text says nothing.
fn flush(line: &mut String, builder: &mut DocumentBuilder) {
    let empty = line.is_empty() || (line.ends_with(':') && !line.contains(' '));
    if !empty {
        let text = line
            .strip_suffix(':')
            .filter(|_| line.ends_with("):"))
            .unwrap_or(line);
        builder.line(text, LineKind::Body);
    }
    line.clear();
}

#[cfg(test)]
mod tests {
    use crate::ParseError;
    use crate::testing::{outline, parse};

    #[test]
    fn elements_are_lines() {
        let xml = "<?xml version='1.0'?><order id='7'><item sku='a'>Two\n  pens</item><total>5 &lt; 6</total></order>";
        let document = parse(xml.as_bytes(), "").unwrap();
        assert_eq!(
            outline(&document),
            "order (id=7)\nitem (sku=a): Two pens\ntotal: 5 < 6\n"
        );
    }

    #[test]
    fn hostile_xml_reads_nothing_and_never_grows() {
        let external =
            "<?xml version='1.0'?><!DOCTYPE r [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><r>a &x; b</r>";
        assert_eq!(outline(&parse(external.as_bytes(), "").unwrap()), "r: a &x; b\n");
        let mut laughs = String::from("<?xml version='1.0'?><!DOCTYPE r [<!ENTITY l0 'lol'>");
        for level in 1..10 {
            let inner = format!("&l{};", level - 1).repeat(10);
            laughs.push_str(&format!("<!ENTITY l{level} '{inner}'>"));
        }
        laughs.push_str("]><r>&l9;</r>");
        assert_eq!(outline(&parse(laughs.as_bytes(), "").unwrap()), "r: &l9;\n");
        let deep = format!("<?xml version='1.0'?>{}", "<a>".repeat(1_000_000));
        assert!(matches!(
            parse(deep.as_bytes(), ""),
            Err(ParseError::LimitReached { .. })
        ));
    }
}
