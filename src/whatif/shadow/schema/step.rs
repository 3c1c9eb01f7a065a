//! One object to create, with what is tried when the server refuses it. Sends nothing.

use crate::snapshot::Gap;

/// Statements that make an object whole: all of them are done, or none.
#[derive(Debug, Clone)]
pub(super) struct Attempt {
    /// The statements, each one command.
    pub statements: Vec<String>,
    /// What is lost when this is what the server took; `None` when it is exact.
    pub loss: Option<String>,
}

/// Who sends a step's statements.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hand {
    /// The role that may do nothing outside its database: for every statement that holds a word of the target's.
    Planner,
    /// The superuser: for statements of our own that hold names only, each quoted.
    Superuser,
}

/// An object to create.
#[derive(Debug, Clone)]
pub(super) struct Step {
    /// What it is: the kind of gap it leaves.
    pub kind: &'static str,
    /// Who makes it.
    pub hand: Hand,
    /// Its name, as SQL.
    pub name: String,
    /// The ways to make it, the exact one first.
    attempts: Vec<Attempt>,
    /// Which of them is the next.
    position: usize,
    /// Why the server refused it last.
    refusal: Option<String>,
}

impl Step {
    /// An object that `statements` make.
    pub fn exact(kind: &'static str, name: impl Into<String>, statements: Vec<String>) -> Self {
        let attempts = vec![Attempt { statements, loss: None }];
        Self { kind, hand: Hand::Planner, name: name.into(), attempts, position: 0, refusal: None }
    }

    /// An object that one statement makes.
    pub fn one(kind: &'static str, name: impl Into<String>, statement: String) -> Self {
        Self::exact(kind, name, vec![statement])
    }

    /// An object that only a stand-in can be made for, which is said: `loss`.
    pub fn stand_in(kind: &'static str, name: impl Into<String>, statements: Vec<String>, loss: &str) -> Self {
        let attempts = vec![Attempt { statements, loss: Some(loss.to_owned()) }];
        Self { kind, hand: Hand::Planner, name: name.into(), attempts, position: 0, refusal: None }
    }

    /// Lets the superuser make it.
    pub fn by_superuser(self) -> Self {
        Self { hand: Hand::Superuser, ..self }
    }

    /// Adds what is tried when nothing before was taken.
    pub fn or(mut self, statements: Vec<String>, loss: &str) -> Self {
        self.attempts.push(Attempt { statements, loss: Some(loss.to_owned()) });
        self
    }

    /// The statements to send now.
    pub fn statements(&self) -> &[String] {
        self.attempts.get(self.position).map_or(&[], |attempt| attempt.statements.as_slice())
    }

    /// Notes the server's reason.
    pub fn refused(&mut self, reason: String) {
        self.refusal = Some(reason);
    }

    /// Whether there is something else to try.
    pub fn has_another(&self) -> bool {
        self.position + 1 < self.attempts.len()
    }

    /// Goes on to what is tried next.
    pub fn try_another(&mut self) {
        self.position += 1;
    }

    /// What is lost now that it was made; `None` when nothing is.
    pub fn loss(&self) -> Option<Gap> {
        let loss = self.attempts.get(self.position)?.loss.as_ref()?;
        let reason = match &self.refusal {
            Some(refusal) if self.position > 0 => format!("{loss}: {refusal}"),
            _ => loss.clone(),
        };
        Some(Gap::new(self.kind, self.name.clone(), reason))
    }

    /// The gap of an object that could not be made.
    pub fn failure(&self) -> Gap {
        let refusal = self.refusal.as_deref().unwrap_or("it was not tried");
        Gap::new(self.kind, self.name.clone(), format!("it is missing in the shadow: {refusal}"))
    }
}
