//! DB2Advis: plans each statement with every index that its columns allow, credits what the plan used, and fills the
//! budget by gain per byte (Valentin, Zuliani, Zilio, Lohman, Skelley: DB2 Advisor, ICDE 2000). Without the paper's
//! random variations, which go on for as long as they are given.

use std::collections::BTreeMap;

use super::{Index, Prices, Set, permutations};

/// An index and what the statements that used it gained.
#[derive(Debug, Clone, PartialEq)]
pub struct Credited {
    pub index: Index,
    pub gain: f64,
    pub bytes: f64,
}

impl Credited {
    fn gain_per_byte(&self) -> f64 {
        self.gain / self.bytes.max(1.0)
    }
}

/// Chooses indexes of at most `width` columns within `budget` bytes.
pub fn choose(prices: &mut dyn Prices, budget: f64, width: usize) -> Set {
    let ordered = subsumed(credited(prices, width));
    let (mut chosen, mut bytes) = (Set::new(), 0.0);
    for one in ordered {
        if bytes + one.bytes <= budget {
            bytes += one.bytes;
            chosen.insert(one.index);
        }
    }
    chosen
}

/// What each used index gains: all that its statements gain, however many indexes share in it.
pub fn credited(prices: &mut dyn Prices, width: usize) -> Vec<Credited> {
    let mut gains: BTreeMap<Index, f64> = BTreeMap::new();
    for (statement, columns) in prices.columns().to_vec().iter().enumerate() {
        let before = prices.plan(statement, &Set::new());
        let after = prices.plan(statement, &permutations(columns, width));
        for index in after.used {
            *gains.entry(index).or_default() += before.cost - after.cost;
        }
    }
    gains.into_iter().map(|(index, gain)| Credited { bytes: prices.bytes(&index), index, gain }).collect()
}

/// Best gain per byte first; an index that is the beginning of a better one is left out, and its gain is the better
/// one's.
pub fn subsumed(mut credited: Vec<Credited>) -> Vec<Credited> {
    let by_rate = |a: &Credited, b: &Credited| {
        b.gain_per_byte().total_cmp(&a.gain_per_byte()).then_with(|| a.index.cmp(&b.index))
    };
    credited.sort_by(by_rate);
    let mut kept: Vec<Credited> = Vec::new();
    for one in credited {
        let better = kept.iter_mut().find(|better| {
            better.index.table == one.index.table && better.index.columns.starts_with(&one.index.columns)
        });
        match better {
            Some(better) => better.gain += one.gain,
            None => kept.push(one),
        }
    }
    kept.sort_by(by_rate);
    kept
}
