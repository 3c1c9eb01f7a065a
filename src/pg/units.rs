//! Sizes in bytes, as users write and read them.

use std::fmt;
use std::iter::Sum;
use std::ops::{Add, AddAssign, Sub};

use serde::{Deserialize, Serialize};

/// The block size that every supported build uses unless the server says otherwise (`block_size`).
pub const BLOCK_BYTES: u64 = 8192;

/// A size in bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Bytes(pub u64);

impl Bytes {
    /// The size of `n_blocks` blocks of the default size.
    pub fn of_blocks(n_blocks: u64) -> Self {
        Self(n_blocks.saturating_mul(BLOCK_BYTES))
    }

    /// Reads `2GB`, `500 MB`, `64kB` or a plain number of bytes, with PostgreSQL's units (powers of 1024, case of the
    /// letters ignored). `None` when it is none of these.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let split = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
        let (number, unit) = text.split_at(split);
        let number: f64 = number.parse().ok()?;
        let factor: u64 = match unit.trim().to_ascii_lowercase().as_str() {
            "" | "b" => 1,
            "kb" | "k" => 1 << 10,
            "mb" | "m" => 1 << 20,
            "gb" | "g" => 1 << 30,
            "tb" | "t" => 1 << 40,
            _ => return None,
        };
        let bytes = number * factor as f64;
        (bytes.is_finite() && bytes < u64::MAX as f64).then_some(Self(bytes as u64))
    }
}

impl Add for Bytes {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl AddAssign for Bytes {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Sub for Bytes {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl Sum for Bytes {
    fn sum<I: Iterator<Item = Self>>(sizes: I) -> Self {
        sizes.fold(Self(0), Add::add)
    }
}

impl fmt::Display for Bytes {
    /// As `pg_size_pretty` does: the largest unit that keeps at least ten of it, rounded.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut size = self.0 as f64;
        for unit in ["bytes", "kB", "MB", "GB"] {
            if size < 10.0 * 1024.0 {
                return write!(f, "{size:.0} {unit}");
            }
            size /= 1024.0;
        }
        write!(f, "{size:.0} TB")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_postgresql_units() {
        for (text, bytes) in [("2GB", 2 << 30), ("500 MB", 500 << 20), ("64kB", 65536), ("1.5 gb", 3 << 29), ("12", 12)]
        {
            assert_eq!(Bytes::parse(text), Some(Bytes(bytes)), "{text}");
        }
        for text in ["", "GB", "2XB", "-1GB", "1..2MB", "20%"] {
            assert_eq!(Bytes::parse(text), None, "{text}");
        }
    }

    #[test]
    fn shows_sizes_as_pg_size_pretty() {
        assert_eq!(Bytes(8192).to_string(), "8192 bytes");
        assert_eq!(Bytes(2_260_992).to_string(), "2208 kB");
        assert_eq!(Bytes(120 << 20).to_string(), "120 MB");
    }
}
