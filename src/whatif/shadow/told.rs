//! Statements priced with a statistics object that nobody has made: it is filled with what was counted, the statements are
//! planned with it, and today's plans are priced at the numbers of rows that it tells. Proposes nothing.

use std::collections::BTreeSet;

use super::force::Way;
use super::pricing::Question;
use super::statistics::image;
use super::worker::{Sight, Worker};
use crate::error::{Error, Result};
use crate::pg::StatisticsDefinition;
use crate::plan::Plan;
use crate::snapshot::{ExtendedImage, ExtendedStatistics, Relation};
use crate::whatif::{HypotheticalStatistics, StatisticsAnswer, StatisticsPrice};

/// How near the planner's rows must come to those that were counted.
const ROWS_TOLERANCE: f64 = 0.05;

/// How often the degree of the dependency is mended: of two columns, rows are linear in it (dependencies.c).
const DEGREES_TRIED_MAX: usize = 6;

/// How often more is switched off: each time at least one way of scanning, joining or sorting is gone.
const SWITCHES_MAX: usize = 6;

/// One question, with what it sees.
pub(super) struct Asked<'q> {
    /// The indexes that it sees.
    pub sight: Sight,
    /// The statement.
    pub question: Question<'q>,
}

/// An object with the relation that it is about.
pub(super) struct Object<'o> {
    /// The relation.
    pub relation: &'o Relation,
    /// The object.
    pub wanted: &'o HypotheticalStatistics,
    /// The statement that counted what its conditions find.
    pub found: Option<(Asked<'o>, f64)>,
}

/// Makes `object` so that the planner expects what was counted, and returns what it was given; or the server's reason why it
/// cannot be made. Counts the plans that it takes in `n_calls`.
///
/// # Errors
/// The server is lost.
pub(super) fn fill(
    worker: &mut Worker,
    object: &Object<'_>,
    n_calls: &mut u64,
) -> Result<std::result::Result<ExtendedStatistics, String>> {
    Desk { worker, n_calls }.tell(object)
}

/// What an object, which is there with what is `known` of it, changes in the plans of `asked`.
///
/// # Errors
/// The server is lost.
pub(super) fn price(
    worker: &mut Worker,
    (relation, definition, known): (&Relation, &StatisticsDefinition, &ExtendedStatistics),
    asked: Vec<std::result::Result<Asked<'_>, String>>,
    n_calls: &mut u64,
) -> Result<Vec<StatisticsAnswer>> {
    let mut desk = Desk { worker, n_calls };
    desk.worker.drop_statistics(definition)?;
    let mut today = Vec::new();
    for asked in &asked {
        today.push(match asked {
            Ok(asked) => desk.plan(asked, &BTreeSet::new())?,
            Err(reason) => Err(reason.clone()),
        });
    }
    if let Err(reason) = desk.worker.create_statistics(relation, definition, known)? {
        return Err(Error::internal(format!("the shadow took a statistics object once and not twice: {reason}")));
    }
    let mut answers = Vec::new();
    for pair in asked.iter().zip(&today) {
        answers.push(match pair {
            (Ok(asked), Ok(today)) => desk.price(asked, today)?,
            (_, Err(reason)) | (Err(reason), _) => Err(reason.clone()),
        });
    }
    Ok(answers)
}

/// The worker, and how many plans it was asked for.
struct Desk<'d> {
    worker: &'d mut Worker,
    n_calls: &'d mut u64,
}

impl Desk<'_> {
    fn plan(
        &mut self,
        asked: &Asked<'_>,
        settings: &BTreeSet<&'static str>,
    ) -> Result<std::result::Result<Plan, String>> {
        *self.n_calls += 1;
        self.worker.plan(&asked.sight, asked.question, settings)
    }

    /// Makes the object so that the planner expects what was counted, as far as a dependency between columns can explain it.
    fn tell(&mut self, object: &Object<'_>) -> Result<std::result::Result<ExtendedStatistics, String>> {
        let Some((asked, n_counted)) = &object.found else { return self.make(object, None) };
        let mut low = match self.plan(asked, &BTreeSet::new())? {
            Ok(plan) => (0.0, plan.root.plan_rows),
            Err(reason) => return Ok(Err(reason)),
        };
        let mut high = (1.0, f64::INFINITY);
        let mut degree = 1.0;
        let mut made = self.make(object, Some(degree))?;
        for _ in 0..DEGREES_TRIED_MAX {
            if made.is_err() {
                break;
            }
            let n_rows = match self.plan(asked, &BTreeSet::new())? {
                Ok(plan) => plan.root.plan_rows,
                Err(reason) => return Ok(Err(reason)),
            };
            let is_near = (n_rows - n_counted).abs() <= ROWS_TOLERANCE * n_counted;
            if is_near || (degree >= 1.0 && n_rows < *n_counted) {
                break;
            }
            *(if n_rows < *n_counted { &mut low } else { &mut high }) = (degree, n_rows);
            degree = degree_between(low, high, *n_counted);
            made = self.make(object, Some(degree))?;
        }
        Ok(made)
    }

    fn make(
        &mut self,
        object: &Object<'_>,
        degree: Option<f64>,
    ) -> Result<std::result::Result<ExtendedStatistics, String>> {
        let definition = &object.wanted.definition;
        let Some(known) = filled(object, degree) else {
            return Ok(Err(format!("the snapshot does not know all columns of {}", definition.relation)));
        };
        Ok(self.worker.create_statistics(object.relation, definition, &known)?.map(|()| known))
    }

    /// What the statement costs now that the object is there, and what today's plan costs.
    fn price(&mut self, asked: &Asked<'_>, today: &Plan) -> Result<StatisticsAnswer> {
        let wanted = Way::of(today);
        let mut switched_off = BTreeSet::new();
        let mut cost = None;
        for _ in 0..SWITCHES_MAX {
            let plan = match self.plan(asked, &switched_off)? {
                Ok(plan) => plan,
                Err(reason) => return Ok(Err(reason)),
            };
            let cost = *cost.get_or_insert(plan.root.total_cost);
            let way = Way::of(&plan);
            if way == wanted {
                return Ok(Ok(StatisticsPrice { cost_of_todays_plan: Some(plan.root.total_cost), cost }));
            }
            let n_before = switched_off.len();
            switched_off.extend(way.switches_towards(&wanted));
            if switched_off.len() == n_before {
                break;
            }
        }
        let cost = cost.unwrap_or(today.root.total_cost);
        Ok(Ok(StatisticsPrice { cost_of_todays_plan: None, cost }))
    }
}

/// Where the straight line between two degrees, each with its rows, has `n_counted` rows.
fn degree_between(low: (f64, f64), high: (f64, f64), n_counted: f64) -> f64 {
    let share = (n_counted - low.1) / (high.1 - low.1).max(1.0);
    low.0 + (high.0 - low.0) * share.clamp(0.0, 1.0)
}

/// The object as the private server is given it: each column decides each other to `degree`, and as many combinations as
/// were counted. `None` where a column is unknown.
fn filled(object: &Object<'_>, degree: Option<f64>) -> Option<ExtendedStatistics> {
    let StatisticsDefinition { name, columns, kinds, .. } = &object.wanted.definition;
    let mut numbers: Vec<i16> = columns
        .iter()
        .map(|column| object.relation.column(column).map(|column| column.number))
        .collect::<Option<_>>()?;
    numbers.sort_unstable();
    let image = ExtendedImage {
        n_distinct: object.wanted.n_groups.map(|n_groups| image::of_n_distinct(&numbers, n_groups)),
        dependencies: degree.map(|degree| image::of_dependencies(&numbers, degree)),
        ..ExtendedImage::default()
    };
    Some(ExtendedStatistics {
        schema: object.relation.name.schema.clone(),
        name: name.clone(),
        columns: columns.clone(),
        expressions: Vec::new(),
        kinds: kinds.iter().map(|kind| kind.code()).collect(),
        n_distinct: Vec::new(),
        images: vec![image],
        enum_labels: Vec::new(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_two_columns_the_first_degree_between_is_the_right_one() {
        // Rows by the formula of dependencies.c for two columns of 1/50 and 1/100 in 200,000 rows.
        let rows = |degree: f64| 200_000.0 * (degree * 0.01 + (1.0 - degree) * 0.01 * 0.02);
        let degree = degree_between((0.0, rows(0.0)), (1.0, rows(1.0)), 1_000.0);
        assert!((rows(degree) - 1_000.0).abs() < 1.0, "{degree}: {}", rows(degree));
    }
}
