//! From the keys of a few values to the keys of all rows: which are in how many rows, and how many were not met. Knows
//! no data type.

use std::collections::BTreeMap;

use super::pages::Keys;

/// How many keys there are that were not met.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Growth {
    /// From a limited supply, as trigrams or categories: Chao's estimator, f₁² / 2f₂ more than were met, where f₁ keys
    /// were met once and f₂ twice. Where none was met twice, every row has its own.
    Closed,
    /// As the words of a language: Heaps' law, V(n) = K nᵝ.
    Open,
}

/// β in Heaps' law is the share of keys met only once, and declines as more are met: to this part of it on the way from
/// some hundreds of words to millions (measured on the titles of benches/fidelity/sizes/others.sql).
const HEAPS_DECLINE: f64 = 0.75;
/// Keys that were met more often are as frequent as they seem.
const N_MET_UNSURE: u32 = 10;

/// A key as a value holds it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    /// What tells it from others.
    pub identity: String,
    /// Where it was found; unmet keys are guessed place by place. Numbers of one place are of one range.
    pub place: String,
    /// The number that it is, if it is a whole one.
    pub number: Option<i64>,
    /// Bytes as stored.
    pub width: usize,
}

#[derive(Default)]
struct Met {
    place: String,
    number: Option<i64>,
    width: usize,
    /// Rows that are known to have it, as a share: those of common values.
    common: f64,
    /// Other values that it was met in.
    n_values: u32,
}

/// Keys met in a sample of the values.
#[derive(Default)]
pub(super) struct Sample {
    met: BTreeMap<String, Met>,
    /// The share of the rows that one value stands for which is not common.
    share: f64,
    /// The share of the rows without any key.
    empty: f64,
}

impl Sample {
    /// Adds a value that stands for `share` of the rows; that of values that are not common is the same for all.
    pub fn add(&mut self, keys: Vec<Key>, share: f64, is_common: bool) {
        if keys.is_empty() {
            self.empty += share;
        }
        if !is_common {
            self.share = share;
        }
        let distinct: BTreeMap<String, Key> = keys.into_iter().map(|key| (key.identity.clone(), key)).collect();
        for (identity, key) in distinct {
            let Key { place, number, width, .. } = key;
            let met = self.met.entry(identity).or_insert_with(|| Met { place, number, width, ..Met::default() });
            if is_common {
                met.common += share;
            } else {
                met.n_values += 1;
            }
        }
    }

    /// The keys of `n_rows` rows. `alignment` is that of a stored key.
    pub fn keys(&self, n_rows: f64, alignment: f64, growth: Growth) -> Vec<Keys> {
        let mut groups = Vec::new();
        let mut places: BTreeMap<&str, Vec<&Met>> = BTreeMap::new();
        for met in self.met.values() {
            if met.common > 0.0 || met.n_values > N_MET_UNSURE {
                let share = met.common + f64::from(met.n_values) * self.share;
                groups.push(group(1.0, share * n_rows, met.width as f64, alignment));
            } else {
                places.entry(&met.place).or_default().push(met);
            }
        }
        for met in places.values() {
            groups.extend(Unsure { met, rows_per_value: self.share * n_rows, alignment, growth }.groups(n_rows));
        }
        if self.empty * n_rows >= 1.0 {
            // `GIN_CAT_EMPTY_ITEM`
            groups.push(group(1.0, self.empty * n_rows, 8.0, 8.0));
        }
        groups
    }
}

/// Keys of one place that were met in few values.
struct Unsure<'m> {
    met: &'m [&'m Met],
    rows_per_value: f64,
    alignment: f64,
    growth: Growth,
}

impl Unsure<'_> {
    /// The keys that were met, and those that were not. Those met c times are less frequent than that on average, as
    /// Good and Turing found: (c + 1) f₍c₊₁₎ / f₍c₎ times; what is left belongs to the keys that were not met.
    fn groups(&self, n_rows: f64) -> Vec<Keys> {
        let n_met = |times: u32| self.met.iter().filter(|met| met.n_values == times).count() as f64;
        let mut groups = Vec::new();
        let mut is_known = true;
        for times in (1..=N_MET_UNSURE).filter(|times| n_met(*times) > 0.0) {
            let (keys, more) = (n_met(times), n_met(times + 1));
            is_known &= more > 0.0 || times == 1;
            let corrected = f64::from(times + 1) * more / keys;
            let frequency = if is_known { corrected.min(f64::from(times)) } else { f64::from(times) };
            let width = self.mean_width(times);
            groups.push(group(keys, frequency * self.rows_per_value, width, self.alignment));
        }
        let once = n_met(1);
        let n_postings = once * self.rows_per_value;
        let n_unmet = self.n_unmet(once, n_met(2), n_rows).min(n_postings);
        if n_unmet >= 1.0 {
            groups.push(group(n_unmet, n_postings / n_unmet, self.mean_width(1), self.alignment));
        }
        groups
    }

    fn n_unmet(&self, once: f64, twice: f64, n_rows: f64) -> f64 {
        match self.growth {
            _ if once == 0.0 => 0.0,
            Growth::Open => {
                let n_met = self.met.len() as f64;
                let beta = HEAPS_DECLINE * once / n_met;
                n_met * (self.rows_per_value.max(1.0).powf(beta) - 1.0)
            }
            Growth::Closed if twice == 0.0 => (self.range_of_numbers().unwrap_or(n_rows) - once).max(0.0),
            Growth::Closed => once * once / (2.0 * twice),
        }
    }

    /// Whole numbers lie in a range, and there are no more of them than that.
    fn range_of_numbers(&self) -> Option<f64> {
        let numbers: Vec<i64> = self.met.iter().map(|met| met.number).collect::<Option<_>>()?;
        let (least, greatest) = (numbers.iter().min()?, numbers.iter().max()?);
        Some(greatest.saturating_sub(*least) as f64 + 1.0)
    }

    fn mean_width(&self, times: u32) -> f64 {
        let widths: Vec<f64> =
            self.met.iter().filter(|met| met.n_values == times).map(|met| met.width as f64).collect();
        widths.iter().sum::<f64>() / widths.len().max(1) as f64
    }
}

fn group(n_keys: f64, n_rows: f64, width: f64, alignment: f64) -> Keys {
    Keys { n_keys, n_rows: n_rows.max(1.0), width, alignment, order: 0.0 }
}
