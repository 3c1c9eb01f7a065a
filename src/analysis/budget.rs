//! The limit on the bytes of new indexes, absolute or as a share of the tables.

use crate::pg::Bytes;
use crate::snapshot::{RelationKind, Snapshot};

/// Most bytes that new indexes may take.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Budget {
    /// So many bytes.
    Bytes(Bytes),
    /// So large a part of the bytes of the tables, 0.2 for `20%`.
    ShareOfTables(f64),
}

impl Budget {
    /// Reads `2GB`, `500MB` or `20%`; `None` when it is neither.
    pub fn parse(text: &str) -> Option<Self> {
        match text.trim().strip_suffix('%') {
            Some(percent) => {
                let percent: f64 = percent.trim().parse().ok()?;
                (percent.is_finite() && percent >= 0.0).then_some(Self::ShareOfTables(percent / 100.0))
            }
            None => Bytes::parse(text).map(Self::Bytes),
        }
    }

    /// The limit for the database that `snapshot` shows.
    pub fn bytes(self, snapshot: &Snapshot) -> Bytes {
        match self {
            Self::Bytes(bytes) => bytes,
            Self::ShareOfTables(share) => {
                let tables = snapshot
                    .relations
                    .iter()
                    .filter(|relation| matches!(relation.kind, RelationKind::Table | RelationKind::MaterializedView));
                let bytes: Bytes = tables.map(|relation| relation.bytes()).sum();
                Bytes((bytes.0 as f64 * share) as u64)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_sizes_and_shares() {
        assert_eq!(Budget::parse("2GB"), Some(Budget::Bytes(Bytes(2 << 30))));
        assert_eq!(Budget::parse("20%"), Some(Budget::ShareOfTables(0.2)));
        for text in ["", "%", "-5%", "many", "NaN%"] {
            assert_eq!(Budget::parse(text), None, "{text}");
        }
    }
}
