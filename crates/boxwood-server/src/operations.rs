//! Every operation of Box's published description, so that one which Boxwood does not serve is told from a wrong path.
//!
//! The table (method, path, operation id) is a list of facts taken from the descriptions 2024.0 and 2025.0.

use http::Method;

const TABLE: &str = include_str!("../data/operations.tsv");

/// What Box knows about a path.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Known {
    /// Box has this operation.
    Operation(&'static str),
    /// Box has the path, with these other methods.
    OtherMethods(Vec<&'static str>),
    /// Box does not have the path either.
    Nothing,
}

/// Looks a request up. Literal segments win over parameters, as in Box's own routing.
pub(crate) fn look_up(method: &Method, path: &str) -> Known {
    let path = path
        .strip_prefix("/api")
        .filter(|rest| rest.starts_with("/2.0/"))
        .unwrap_or(path);
    let mut fitting: Vec<(&str, &str, &str)> =
        rows().filter(|(_, template, _)| fits(template, path)).collect();
    let fewest = fitting.iter().map(|(_, template, _)| parameters(template)).min();
    fitting.retain(|(_, template, _)| Some(parameters(template)) == fewest);
    if let Some((_, _, operation)) = fitting.iter().find(|(known, _, _)| *known == method.as_str()) {
        return Known::Operation(operation);
    }
    if fitting.is_empty() {
        return Known::Nothing;
    }
    Known::OtherMethods(fitting.into_iter().map(|(known, _, _)| known).collect())
}

/// Method, path, operation id.
pub(crate) fn rows() -> impl Iterator<Item = (&'static str, &'static str, &'static str)> {
    TABLE.lines().filter_map(|line| {
        let mut columns = line.split('\t');
        Some((columns.next()?, columns.next()?, columns.next()?))
    })
}

fn parameters(template: &str) -> usize {
    template.matches('{').count()
}

/// Whether a path is one of a template's.
pub(crate) fn fits(template: &str, path: &str) -> bool {
    let mut wanted = template.split('/');
    let mut given = path.split('/');
    loop {
        match (wanted.next(), given.next()) {
            (None, None) => return true,
            (Some(wanted), Some(given)) if segment_fits(wanted, given) => {}
            _ => return false,
        }
    }
}

/// `{id}` fits anything, `thumbnail.{extension}` what begins like it.
fn segment_fits(wanted: &str, given: &str) -> bool {
    match wanted.split_once('{') {
        Some((literal, _)) => given.len() > literal.len() && given.starts_with(literal),
        None => wanted == given,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_complete() {
        assert_eq!(rows().count(), TABLE.lines().count());
        assert!(rows().count() > 300);
    }

    #[test]
    fn requests_are_looked_up() {
        for (method, path, expected) in [
            (
                Method::POST,
                "/2.0/ai/text_gen",
                Known::Operation("post_ai_text_gen"),
            ),
            (
                Method::GET,
                "/2.0/files/12/thumbnail.png",
                Known::Operation("get_files_id_thumbnail_id"),
            ),
            (
                Method::POST,
                "/api/2.0/files/content",
                Known::Operation("post_files_content"),
            ),
            (Method::GET, "/2.0/ai/ask", Known::OtherMethods(vec!["POST"])),
            (Method::GET, "/2.0/nonsense", Known::Nothing),
            (Method::GET, "/2.0/files/", Known::Nothing),
            (Method::GET, "/", Known::Nothing),
        ] {
            assert_eq!(look_up(&method, path), expected, "{method} {path}");
        }
    }
}
