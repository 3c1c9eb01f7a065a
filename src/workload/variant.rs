//! A statement with other values in the place of its parameters: what tells whether an index helps every call or only
//! some. Chooses no values, and knows none: they are in the text that is planned, which nobody is shown.

use super::{Planned, Statement, Variant, Workload};

/// Where a variant stands among the statements of [`Workload::with_variants`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct VariantPlace<'w> {
    /// The position of the statement that it is a variant of.
    pub statement: usize,
    /// Its own position, behind all statements.
    pub position: usize,
    /// The variant.
    pub variant: &'w Variant,
}

impl Workload {
    /// The variants of all statements, in the statements' order.
    pub fn variants(&self) -> Vec<VariantPlace<'_>> {
        let planned = self.statements.iter().enumerate().filter_map(|(at, one)| Some((at, one.planned.as_ref()?)));
        let of_statements = planned.flat_map(|(at, planned)| planned.variants.iter().map(move |variant| (at, variant)));
        let positions = self.statements.len()..;
        of_statements
            .zip(positions)
            .map(|((statement, variant), position)| VariantPlace { statement, position, variant })
            .collect()
    }

    /// The same workload with every variant as a statement behind the others, which was never called and so weighs
    /// nothing: what a backend is given that shall price variants, too.
    pub fn with_variants(&self) -> Self {
        let mut statements = self.statements.clone();
        statements.extend(
            self.variants().into_iter().map(|place| as_statement(&self.statements[place.statement], place.variant)),
        );
        Self { statements, ..self.clone() }
    }
}

fn as_statement(statement: &Statement, variant: &Variant) -> Statement {
    let planned = statement.planned.as_ref().map(|planned| Planned {
        text: variant.text.clone(),
        form: variant.form,
        variants: Vec::new(),
        ..planned.clone()
    });
    Statement { n_calls: 0.0, n_rows: None, exec_ms_total: None, exec_ms_mean: None, planned, ..statement.clone() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workload::{ExplainForm, VariantKind};
    use crate::workload::{Weigh, test_workload};

    #[test]
    fn variants_stand_behind_the_statements_and_weigh_nothing() {
        let variant = |text: &str| Variant {
            kind: VariantKind::Rare,
            column: Some("status".to_owned()),
            share: Some(0.01),
            text: text.to_owned(),
            form: ExplainForm::Plain,
        };
        let mut second = test_workload::statement(2, 5.0, Some(10.0), Some(100.0));
        second.planned.as_mut().expect("a plan").variants = vec![variant("VALUES (3)"), variant("VALUES (4)")];
        let first = test_workload::statement(1, 5.0, Some(10.0), Some(100.0));
        let workload = test_workload::workload(Weigh::Time, vec![first, second]);
        let places: Vec<(usize, usize)> =
            workload.variants().iter().map(|place| (place.statement, place.position)).collect();
        assert_eq!(places, [(1, 2), (1, 3)]);
        let with = workload.with_variants();
        let texts: Vec<&str> =
            with.statements.iter().filter_map(|statement| Some(statement.planned.as_ref()?.text.as_str())).collect();
        assert_eq!(texts, ["VALUES (1)", "VALUES (2)", "VALUES (3)", "VALUES (4)"]);
        assert_eq!(with.weights()[2..], [0.0, 0.0]);
    }
}
