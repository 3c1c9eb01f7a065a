//! The Poisson distribution: how many of many independent events fall into one bucket. Numbers only.

/// Probabilities below this are left out.
const PROBABILITY_MIN: f64 = 1e-9;
/// Above this mean the outcomes are taken in steps, so that no more than some hundreds are looked at.
const MEAN_EXACT_MAX: f64 = 2000.0;

/// The mean of `value(k)` over the numbers of events k when `mean` are expected.
pub(super) fn mean_over(mean: f64, value: impl Fn(f64) -> f64) -> f64 {
    if mean > MEAN_EXACT_MAX {
        return value(mean);
    }
    let mode = mean.floor();
    let at_mode = (mode * mean.max(f64::MIN_POSITIVE).ln() - mean - ln_factorial(mode)).exp();
    let mut sum = at_mode * value(mode);
    let mut weight = at_mode;
    let mut probability = at_mode;
    let mut k = mode;
    while probability > PROBABILITY_MIN {
        k += 1.0;
        probability *= mean / k;
        sum += probability * value(k);
        weight += probability;
    }
    (k, probability) = (mode, at_mode);
    while k > 0.0 && probability > PROBABILITY_MIN {
        probability *= k / mean;
        k -= 1.0;
        sum += probability * value(k);
        weight += probability;
    }
    sum / weight.max(f64::MIN_POSITIVE)
}

/// ln n!, by summation for small n and by Stirling's formula for others.
fn ln_factorial(n: f64) -> f64 {
    if n < 20.0 {
        return (2..=n as u32).map(|k| f64::from(k).ln()).sum();
    }
    n * n.ln() - n + 0.5 * (std::f64::consts::TAU * n).ln() + 1.0 / (12.0 * n)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn means_are_those_of_the_distribution() {
        for mean in [0.0, 0.3, 4.0, 25.5, 307.0, 1500.0] {
            assert!((mean_over(mean, |k| k) - mean).abs() < 1e-3 * mean.max(1.0), "{mean}");
            let variance = mean_over(mean, |k| (k - mean).powi(2));
            assert!((variance - mean).abs() < 1e-2 * mean.max(1.0), "{mean}: {variance}");
        }
        assert!((mean_over(2.0, |k| f64::from(u8::from(k == 0.0))) - (-2.0_f64).exp()).abs() < 1e-9);
    }
}
