//! The scope of a template and the namespace of a taxonomy: `global`, `enterprise`, `enterprise_123`.

use boxwood_core::{EnterpriseId, Principal};

/// Where a template belongs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TemplateScope {
    /// `global`: the built-in templates.
    Global,
    /// `enterprise`: the one of whoever asks.
    OwnEnterprise,
    /// `enterprise_123`.
    Enterprise(EnterpriseId),
}

impl TemplateScope {
    /// Reads a scope; `None` for any other text.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "global" => Some(Self::Global),
            "enterprise" => Some(Self::OwnEnterprise),
            _ => {
                let id = text.strip_prefix("enterprise_")?;
                id.parse().ok().map(Self::Enterprise)
            }
        }
    }

    /// Whether it is the enterprise of whoever asks.
    pub fn is_own(&self, principal: &Principal) -> bool {
        match self {
            Self::Global => false,
            Self::OwnEnterprise => true,
            Self::Enterprise(id) => *id == principal.enterprise_id,
        }
    }
}

/// An enterprise's scope and namespace as Box writes it.
pub fn enterprise_scope(id: &EnterpriseId) -> String {
    format!("enterprise_{id}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_are_read() {
        for (text, known) in [
            ("global", true),
            ("enterprise", true),
            ("enterprise_12", true),
            ("enterprise_", false),
            ("enterprise_x", false),
            ("Global", false),
            ("", false),
        ] {
            assert_eq!(TemplateScope::parse(text).is_some(), known, "{text}");
        }
    }
}
