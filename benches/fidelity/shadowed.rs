//! A world beside its shadow: the plans of all its statements on both sides. Prices no index.

use pgadvise::db::WritableSession;
use pgadvise::snapshot::{Gap, Snapshot};
use pgadvise::whatif::shadow::Shadow;

use super::compare::{Pair, explain};
use super::world::{self, Question, World};

/// The plans of all statements of `world` on both sides, the shadow made from `snapshot`; and what the shadow lacks.
pub fn pairs(world: &World<'_>, snapshot: &Snapshot) -> (Vec<Gap>, Vec<Pair>) {
    let shadow = Shadow::start(snapshot, world.cluster.binaries(), &|_| {}).unwrap_or_else(|error| panic!("{error}"));
    let mut source = world::connect(&world.cluster.url(world.name));
    let mut as_pgadvise = WritableSession::connect(&shadow.target().expect("a target")).expect("a connection");
    let mut as_anybody = superuser(&shadow);
    let pair = |question: Question| {
        let shadow = if question.role.is_some() { &mut as_anybody } else { &mut as_pgadvise };
        Pair { source: explain(&mut source, &question), other: explain(shadow, &question), title: question.title }
    };
    (shadow.gaps().to_vec(), world.questions().into_iter().map(pair).collect())
}

/// The superuser's session in the database in which the shadow plans, with the settings of the role that plans there.
pub fn superuser(shadow: &Shadow) -> WritableSession {
    let target = shadow.target().expect("a target");
    let data_directory = shadow.data_directory();
    let folder = data_directory.parent().expect("the socket's folder").display();
    let mut session = world::connect(&format!("host={folder} user=postgres dbname={}", target.database()));
    let settings = session.query("SELECT unnest(setconfig) AS setting FROM pg_db_role_setting", &[]).expect("settings");
    for row in settings {
        let setting = row.text("setting").expect("a setting");
        let (name, value) = setting.split_once('=').expect("name=value");
        session.execute(&format!("SET \"{name}\" = '{value}'")).expect("SET");
    }
    session
}
