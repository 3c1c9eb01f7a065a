//! What surrounds a connection string: the PG* variables, the home folder, the operating system's user. Reads no file.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::dsn::Parameters;
use super::parameter::PARAMETERS;

/// The environment variables that connecting looks at. A value of its own, so that a test can hold many in one process.
pub struct Environment {
    variables: BTreeMap<String, String>,
}

impl Environment {
    /// The variables of this process. One that is not UTF-8 counts as unset.
    pub fn of_process() -> Self {
        let variables = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .filter(|(name, _)| name.starts_with("PG") || name == "HOME")
            .collect();
        Self { variables }
    }

    /// Just these variables.
    pub fn of_variables(variables: BTreeMap<String, String>) -> Self {
        Self { variables }
    }

    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str)
    }

    /// The value, unless it is unset or empty.
    pub(super) fn filled(&self, name: &str) -> Option<&str> {
        self.get(name).filter(|value| !value.is_empty())
    }

    pub(super) fn home(&self) -> Option<&Path> {
        self.filled("HOME").map(Path::new)
    }

    /// A file of libpq's in the home folder.
    pub(super) fn home_file(&self, name: &str) -> Option<PathBuf> {
        self.home().map(|home| home.join(name))
    }

    /// Gives every parameter that is still unset the value of its variable.
    pub(super) fn fill(&self, parameters: &mut Parameters) {
        for (name, variable) in PARAMETERS.iter().filter(|(_, variable)| !variable.is_empty()) {
            if let Some(value) = self.get(variable) {
                parameters.set_if_absent(name, value.to_owned());
            }
        }
        if self.get("PGREQUIRESSL").is_some_and(|value| value.starts_with('1')) {
            parameters.set_if_absent("sslmode", "require".to_owned());
        }
    }
}

/// The name of the user that runs this process, as the operating system knows it.
pub(super) fn system_user() -> Option<String> {
    whoami::username().ok().filter(|name| !name.is_empty())
}
