//! E-mail: the headers that people read as lines, then the best body; attachments are listed and not opened.

use crate::context::ParseContext;
use crate::error::ParseError;
use boxwood_core::document::DocumentBuilder;
use boxwood_core::{LineKind, ReadNoteKind, TextSource};
use mail_parser::{Address, Message, MessageParser, MimeHeaders, PartType};

/// Messages inside a message are read to this depth.
const MAX_FORWARDED: usize = 4;
/// Attachment names in a note.
const MAX_NAMES: usize = 20;

/// Reads a message.
///
/// # Errors
/// Damaged, or limits.
pub fn parse(
    bytes: &[u8],
    context: &mut ParseContext,
    builder: &mut DocumentBuilder,
) -> Result<(), ParseError> {
    let bytes = without_envelope(bytes);
    let message = MessageParser::default()
        .parse(bytes)
        .ok_or_else(|| context.damaged("it has no mail headers"))?;
    context.begin_page(1, builder)?;
    builder.page(None, None, TextSource::Native);
    builder.title(message.subject().map(str::to_owned));
    append(&message, context, builder, 0)
}

/// A mailbox file begins a message with a "From " line that is no header.
fn without_envelope(bytes: &[u8]) -> &[u8] {
    let bytes = bytes.trim_ascii_start();
    let is_envelope = bytes.starts_with(b"From ") || bytes.starts_with(b">From ");
    match bytes.iter().position(|byte| *byte == b'\n') {
        Some(end) if is_envelope => &bytes[end + 1..],
        _ => bytes,
    }
}

fn append(
    message: &Message<'_>,
    context: &ParseContext,
    builder: &mut DocumentBuilder,
    depth: usize,
) -> Result<(), ParseError> {
    headers(message, builder);
    body(message, context, builder)?;
    let mut unopened = Vec::new();
    for part in message.attachments() {
        match &part.body {
            PartType::Message(inner) if depth < MAX_FORWARDED => {
                builder.line("Forwarded message:", LineKind::Heading(2));
                append(inner, context, builder, depth + 1)?;
            }
            _ => unopened.push(part.attachment_name().unwrap_or("without a name").to_owned()),
        }
    }
    note_attachments(&unopened, builder);
    Ok(())
}

fn headers(message: &Message<'_>, builder: &mut DocumentBuilder) {
    let addresses = [
        ("From", message.from()),
        ("To", message.to()),
        ("Cc", message.cc()),
        ("Reply-To", message.reply_to()),
    ];
    for (name, address) in addresses {
        if let Some(text) = address.map(people).filter(|text| !text.is_empty()) {
            builder.line(&format!("{name}: {text}"), LineKind::Body);
        }
    }
    if let Some(date) = message.date() {
        builder.line(&format!("Date: {}", date.to_rfc3339()), LineKind::Body);
    }
    if let Some(subject) = message.subject() {
        builder.line(&format!("Subject: {subject}"), LineKind::Body);
    }
}

fn people(address: &Address<'_>) -> String {
    let people = address
        .iter()
        .map(|person| match (person.name(), person.address()) {
            (Some(name), Some(address)) if name != address => format!("{name} <{address}>"),
            (_, Some(address)) => address.to_owned(),
            (name, None) => name.unwrap_or_default().to_owned(),
        });
    people
        .filter(|person| !person.is_empty())
        .collect::<Vec<_>>()
        .join(", ")
}

/// The plain text if the sender wrote one, else the HTML.
fn body(
    message: &Message<'_>,
    context: &ParseContext,
    builder: &mut DocumentBuilder,
) -> Result<(), ParseError> {
    for part in message.text_bodies() {
        match &part.body {
            PartType::Html(html) => super::html::append(html, context, builder)?,
            PartType::Text(text) => super::plain::lines(text, context, builder)?,
            _ => {}
        }
    }
    // The title is the subject, whatever the page inside says.
    builder.title(message.subject().map(str::to_owned));
    Ok(())
}

fn note_attachments(names: &[String], builder: &mut DocumentBuilder) {
    if names.is_empty() {
        return;
    }
    for name in names {
        builder.line(&format!("Attachment: {name}"), LineKind::ListItem);
    }
    let listed = names
        .iter()
        .take(MAX_NAMES)
        .cloned()
        .collect::<Vec<_>>()
        .join(", ");
    let message = format!("{} attached files were not opened: {listed}", names.len());
    builder.note(None, ReadNoteKind::Embedded, message);
}

#[cfg(test)]
mod tests {
    use crate::testing::{outline, parse};

    #[test]
    fn headers_body_and_attachments_are_told() {
        let mail = "From: =?utf-8?Q?J=C3=B6rg?= <j@example.org>\r\nTo: a@example.org, B <b@example.org>\r\n\
            Date: Tue, 5 Mar 2024 10:00:00 +0100\r\nSubject: Offer\r\nMIME-Version: 1.0\r\n\
            Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\nContent-Type: text/plain; charset=utf-8\r\n\
            Content-Transfer-Encoding: quoted-printable\r\n\r\nPrice: 5 =E2=82=AC\r\nBye\r\n--x\r\n\
            Content-Type: application/pdf; name=offer.pdf\r\nContent-Disposition: attachment; filename=offer.pdf\r\n\
            Content-Transfer-Encoding: base64\r\n\r\nJVBERg==\r\n--x--\r\n";
        let document = parse(mail.as_bytes(), "a").unwrap();
        assert_eq!(document.title.as_deref(), Some("Offer"));
        assert_eq!(
            outline(&document),
            "From: Jörg <j@example.org>\nTo: a@example.org, B <b@example.org>\nDate: 2024-03-05T10:00:00+01:00\n\
             Subject: Offer\nPrice: 5 €\nBye\n* Attachment: offer.pdf\n\
             (Embedded) 1 attached files were not opened: offer.pdf\n"
        );
    }

    #[test]
    fn a_message_with_only_html_is_read() {
        let mail =
            "From: a@example.org\r\nSubject: H\r\nContent-Type: text/html\r\n\r\n<h1>Hi</h1><p>there</p>";
        assert_eq!(
            outline(&parse(mail.as_bytes(), "a").unwrap()),
            "From: a@example.org\nSubject: H\n# Hi\nthere\n"
        );
    }
}
