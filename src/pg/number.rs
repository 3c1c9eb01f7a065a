//! Numbers as people read them: costs, calls, shares, durations. Says nothing of sizes, which are `Bytes`.

/// From here on digits say less than the exponent.
const SCIENTIFIC_FROM: f64 = 1e12;

/// Below this the decimals of a planner cost matter.
const DECIMALS_BELOW: f64 = 1_000.0;

/// `560.97`, `1,200`, `1.5e13`: two decimals where they matter, thousands apart.
pub fn number(value: f64) -> String {
    if value.abs() >= SCIENTIFIC_FROM || !value.is_finite() {
        return format!("{value:.2e}");
    }
    if value.abs() < DECIMALS_BELOW {
        let short = format!("{value:.2}");
        let short = short.trim_end_matches('0').trim_end_matches('.');
        return if short == "-0" { "0".to_owned() } else { short.to_owned() };
    }
    let digits = format!("{:.0}", value.abs());
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3 + 1);
    if value < 0.0 {
        grouped.push('-');
    }
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position) % 3 == 0 {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// The change from `before` to `after`: `-86 %`, `+3 %`, `0 %`. `-` when there was nothing before.
pub fn change(before: f64, after: f64) -> String {
    if before <= 0.0 || !before.is_finite() || !after.is_finite() {
        return "-".to_owned();
    }
    let percent = (after - before) / before * 100.0;
    let rounded = percent.round();
    match rounded {
        0.0 => "0 %".to_owned(),
        // A cost that is not gone is not shown as gone.
        p if p <= -100.0 && after > 0.0 => format!("{percent:.1} %"),
        p => format!("{p:+.0} %"),
    }
}

/// A duration given in ms: `0.42 ms`, `12 ms`, `3.5 s`, `12 min`, `5.2 h`.
pub fn duration_ms(ms: f64) -> String {
    const SECOND: f64 = 1_000.0;
    const MINUTE: f64 = 60.0 * SECOND;
    const HOUR: f64 = 60.0 * MINUTE;
    match ms {
        ms if ms < 10.0 => format!("{} ms", number(ms)),
        ms if ms < SECOND => format!("{ms:.0} ms"),
        ms if ms < 10.0 * MINUTE => format!("{:.1} s", ms / SECOND),
        ms if ms < 10.0 * HOUR => format!("{:.0} min", ms / MINUTE),
        ms => format!("{} h", number((ms / HOUR).round())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_the_digits_that_matter() {
        for (value, text) in [
            (0.0, "0"),
            (-0.001, "0"),
            (8.3, "8.3"),
            (560.974, "560.97"),
            (1200.0, "1,200"),
            (-1234567.8, "-1,234,568"),
            (1.5e13, "1.50e13"),
            (100.0, "100"),
        ] {
            assert_eq!(number(value), text);
        }
    }

    #[test]
    fn changes_are_signed_percentages() {
        for (before, after, text) in [
            (100.0, 14.0, "-86 %"),
            (100.0, 103.0, "+3 %"),
            (0.0, 3.0, "-"),
            (1000.0, 1.0, "-99.9 %"),
            (5.0, 5.0, "0 %"),
        ] {
            assert_eq!(change(before, after), text);
        }
    }

    #[test]
    fn durations_have_a_unit_that_fits() {
        for (ms, text) in
            [(0.42, "0.42 ms"), (12.4, "12 ms"), (3_500.0, "3.5 s"), (720_000.0, "12 min"), (7.2e7, "20 h")]
        {
            assert_eq!(duration_ms(ms), text);
        }
    }
}
