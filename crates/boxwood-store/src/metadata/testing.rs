//! Templates for the tests of metadata.

use super::template::{FieldKind, FieldOption, MetadataTemplate, TemplateField};

/// A field whose id and name are its key, with these options.
pub(crate) fn field(key: &str, kind: FieldKind, options: &[&str]) -> TemplateField {
    let option = |key: &&str| FieldOption {
        id: (*key).into(),
        key: (*key).into(),
        static_config: None,
    };
    TemplateField {
        id: key.into(),
        kind,
        key: key.into(),
        display_name: key.into(),
        description: None,
        hidden: false,
        options: options.iter().map(option).collect(),
        taxonomy: None,
    }
}

/// A template of enterprise 1 with these fields.
pub(crate) fn template(fields: Vec<TemplateField>) -> MetadataTemplate {
    MetadataTemplate {
        id: "1".into(),
        enterprise: Some("1".parse().unwrap()),
        key: "deal".into(),
        display_name: "Deal".into(),
        hidden: false,
        copy_with_item: false,
        revision: 0,
        fields,
    }
}
