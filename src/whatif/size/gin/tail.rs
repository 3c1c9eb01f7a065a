//! Elements that statistics know by frequency, and those that are too rare to be listed: a Zipf tail. Knows no data type.

use super::pages::Keys;

/// ANALYZE of arrays and texts drops elements that are in no more than 9 of the 30,000 rows that it reads at the usual
/// statistics target (`compute_array_stats`, `array_typanalyze.c`).
const FREQUENCY_MIN: f64 = 9.0 / 30_000.0;
/// Rows that an element is taken to be in when none of the elements was frequent enough to be listed: the statistics do
/// not tell identifiers that every row has its own of from those that a dozen rows share. Between the two, the pages are
/// wrong by a factor of 2.5 at most.
const ROWS_PER_RARE_ELEMENT: f64 = 3.0;
/// Frequencies whose decline is looked at: from this share of the ranks on to the last.
const FIT_FROM: f64 = 0.125;

/// The elements of `n_rows` rows, which have `per_row` of them on average, when those of `frequencies` are known.
pub(super) struct Elements<'f> {
    pub frequencies: &'f [f64],
    pub per_row: f64,
    pub n_rows: f64,
    pub width: f64,
    pub alignment: f64,
}

impl Elements<'_> {
    /// The keys that they are.
    pub fn keys(&self) -> Vec<Keys> {
        let mut frequencies = self.frequencies.to_vec();
        frequencies.sort_by(|a, b| b.total_cmp(a));
        let mut groups: Vec<Keys> =
            frequencies.iter().map(|frequency| self.group(1.0, (frequency * self.n_rows).max(1.0))).collect();
        let rest = self.per_row - frequencies.iter().sum::<f64>();
        if rest * self.n_rows >= 1.0 && rest > 0.01 * self.per_row {
            groups.extend(self.tail(&frequencies, rest));
        }
        groups
    }

    /// Elements beyond the listed ones: f(r) = f(k) (k/r)ˢ for the ranks r after the last, k, until they make up `rest`
    /// elements for each row. From the rank on where one row is expected each, every element is in one.
    fn tail(&self, frequencies: &[f64], rest: f64) -> Vec<Keys> {
        let n_listed = frequencies.len();
        let from = (n_listed as f64 * FIT_FROM) as usize;
        let (Some(first), Some(last)) = (frequencies.get(from), frequencies.last()) else {
            return vec![self.unlisted(rest)];
        };
        let k = n_listed as f64;
        let slope = (first / last).ln() / (k / (from + 1) as f64).ln().max(f64::MIN_POSITIVE);
        let mut groups = Vec::new();
        let (mut rank, mut left) = (k, rest);
        while left * self.n_rows >= 1.0 {
            // Ranks in steps that double, as far as `rest` lasts.
            let frequency = last * (k / (rank * 1.5)).powf(slope);
            if frequency * self.n_rows <= 1.0 {
                groups.push(self.group(left * self.n_rows, 1.0));
                break;
            }
            let n_keys = rank.min(left / frequency);
            groups.push(self.group(n_keys, frequency * self.n_rows));
            left -= n_keys * frequency;
            rank *= 2.0;
        }
        groups
    }

    /// Elements none of which is frequent enough to be listed.
    fn unlisted(&self, per_row: f64) -> Keys {
        let n_postings = per_row * self.n_rows;
        let n_rows = ROWS_PER_RARE_ELEMENT.min(FREQUENCY_MIN * self.n_rows).max(1.0);
        self.group((n_postings / n_rows).max(1.0), n_rows)
    }

    fn group(&self, n_keys: f64, n_rows: f64) -> Keys {
        Keys { n_keys, n_rows, width: self.width, alignment: self.alignment, order: 0.0 }
    }
}
