//! The connection service file (`pg_service.conf`): finds the section of a service and fills what is still unset.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::dsn::Parameters;
use super::environment::Environment;
use super::parameter::{self, Meaning};
use crate::error::{Error, Result};

/// Fills unset parameters from the service that the string or `PGSERVICE` names, if either does. The user's own file
/// comes first; the system-wide one is read only if the first does not know the service.
pub(super) fn fill(parameters: &mut Parameters, environment: &Environment) -> Result<()> {
    let service = parameters.filled("service").or_else(|| environment.filled("PGSERVICE"));
    let Some(service) = service.map(str::to_owned) else {
        return Ok(());
    };
    let own_file = parameters
        .filled("servicefile")
        .or_else(|| environment.filled("PGSERVICEFILE"))
        .map(PathBuf::from)
        .or_else(|| environment.home_file(".pg_service.conf").filter(|file| file.exists()));
    let system_folders = match environment.filled("PGSYSCONFDIR") {
        Some(folder) => vec![PathBuf::from(folder)],
        None => SYSTEM_FOLDERS.iter().map(PathBuf::from).collect(),
    };
    let system_files = system_folders.iter().map(|folder| folder.join("pg_service.conf")).filter(|file| file.exists());
    for file in own_file.into_iter().chain(system_files) {
        if fill_from(&file, &service, parameters)? {
            return Ok(());
        }
    }
    Err(Error::usage(format!("definition of service \"{service}\" not found"))
        .with_hint("Define it as a section [name] of ~/.pg_service.conf, or name the file in PGSERVICEFILE."))
}

/// Where packages of libpq keep the system-wide file: Debian, Red Hat and a build from source.
const SYSTEM_FOLDERS: &[&str] = &["/etc/postgresql-common", "/etc/sysconfig/pgsql", "/usr/local/pgsql/etc", "/etc"];

/// Whether `file` holds the service; if it does, its parameters fill what is unset.
fn fill_from(file: &Path, service: &str, parameters: &mut Parameters) -> Result<bool> {
    let text = std::fs::read_to_string(file).map_err(|error| unreadable(file, &error))?;
    let mut found = false;
    for (number, line) in text.lines().enumerate().map(|(i, line)| (i + 1, line.trim())) {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if let Some(section) = line.strip_prefix('[') {
            if found {
                break;
            }
            found = section.strip_suffix(']') == Some(service);
            continue;
        }
        if found {
            fill_line(line, parameters).map_err(|hint| {
                Error::usage(format!("syntax error in service file \"{}\", line {number}", file.display()))
                    .with_hint(hint)
            })?;
        }
    }
    Ok(found)
}

fn fill_line(line: &str, parameters: &mut Parameters) -> std::result::Result<(), String> {
    let (name, value) = line.split_once('=').ok_or("Write every line as name=value.")?;
    match parameter::meaning(name) {
        Some(Meaning::Own("service" | "servicefile")) => {
            Err("A service cannot refer to another service; remove this line.".to_owned())
        }
        Some(Meaning::Own(own)) => {
            parameters.set_if_absent(own, value.to_owned());
            Ok(())
        }
        Some(Meaning::Ignored) => Ok(()),
        None => Err(match parameter::nearest(name) {
            Some(near) => format!("Did you mean \"{near}\"?"),
            None => "The name before \"=\" is not a connection parameter.".to_owned(),
        }),
    }
}

fn unreadable(file: &Path, error: &std::io::Error) -> Error {
    let reason = match error.kind() {
        ErrorKind::NotFound => "not found".to_owned(),
        ErrorKind::InvalidData => "is not UTF-8".to_owned(),
        _ => format!("cannot be read: {error}"),
    };
    Error::usage(format!("service file \"{}\" {reason}", file.display()))
        .with_hint("Check PGSERVICEFILE, or write ~/.pg_service.conf.")
}
