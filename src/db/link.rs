//! One connection with its own runtime: every call has a deadline, ends at a signal, and tells whether the connection
//! survived it. Decides nothing about which statements are sent.

use std::pin::pin;
use std::time::{Duration, Instant};

use futures_util::TryStreamExt;
use tokio::runtime::Runtime;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_postgres::{Client, SimpleQueryMessage, types};

use super::batch::Batch;
use super::cancel::{CANCEL_WAIT, Canceller};
use super::connect::{self, Connected};
use super::interrupt;
use super::row::{Row, ToSql};
use super::server_error::{self, Failure, ServerError};
use super::target::Target;
use crate::error::{Error, Result};

/// How long a cancelled call may take to come back before the connection is given up.
const AFTER_CANCEL: Duration = Duration::from_millis(400);
/// How long the end message may take once a signal has arrived.
const AFTER_SIGNAL: Duration = Duration::from_millis(400);
/// How long saying goodbye to the server may take.
const GOODBYE: Duration = Duration::from_millis(200);

type PgResult<T> = std::result::Result<T, tokio_postgres::Error>;

/// A connection and what drives it.
pub(super) struct Link {
    /// `None` only while it is dropped.
    runtime: Option<Runtime>,
    client: Option<Client>,
    driver: JoinHandle<()>,
    canceller: Canceller,
    local_port: Option<u16>,
    /// Why the connection can no longer be used.
    lost: Option<Error>,
}

/// How a wait ended.
enum Waited<T> {
    Done(PgResult<T>),
    OutOfTime,
    Signalled(Error),
}

impl Link {
    pub(super) fn connect(target: &Target) -> Result<Self> {
        interrupt::check()?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| Error::internal(format!("could not start the connection's runtime: {error}")))?;
        let connected = runtime.block_on(async {
            tokio::select! {
                connected = connect::connect(target) => connected,
                signalled = interrupt::raised() => Err(signalled),
            }
        });
        match connected {
            Ok(Connected { client, driver, canceller, local_port }) => {
                Ok(Self { runtime: Some(runtime), client: Some(client), driver, canceller, local_port, lost: None })
            }
            Err(error) => {
                // A name that is still being looked up must not hold the process.
                runtime.shutdown_background();
                Err(error)
            }
        }
    }

    /// The port of our end, for telling a pooler.
    pub(super) fn local_port(&self) -> Option<u16> {
        self.local_port
    }

    /// Sends `sql`, which may be several statements, through the simple protocol.
    pub(super) fn batch(&mut self, sql: &str, limit: Duration) -> std::result::Result<(), Failure> {
        self.call(limit, async |client| client.batch_execute(sql).await)
    }

    /// Sends `sql` through the simple protocol and returns the first column of its rows, a line for each.
    pub(super) fn simple_text(&mut self, sql: &str, limit: Duration) -> std::result::Result<String, Failure> {
        let began = Instant::now();
        let messages = self.call(limit, async |client| client.simple_query(sql).await)?;
        log_answer("a plan", began);
        let lines = messages.iter().filter_map(|message| match message {
            SimpleQueryMessage::Row(row) => row.get(0),
            _ => None,
        });
        Ok(lines.collect::<Vec<_>>().join("\n"))
    }

    /// Sends `sql`, which is several statements, through the simple protocol, and returns what each answered until one
    /// was refused.
    pub(super) fn answers(&mut self, sql: &str, limit: Duration) -> std::result::Result<Batch, Failure> {
        let began = Instant::now();
        let batch = self.call(limit, async |client| {
            let mut messages = pin!(client.simple_query_raw(sql).await?);
            let mut batch = Batch::default();
            let mut lines: Vec<String> = Vec::new();
            loop {
                match messages.try_next().await {
                    Ok(Some(SimpleQueryMessage::Row(row))) => lines.push(row.get(0).unwrap_or_default().to_owned()),
                    Ok(Some(SimpleQueryMessage::CommandComplete(_))) => {
                        batch.answers.push(std::mem::take(&mut lines).join("\n"));
                    }
                    Ok(Some(_)) => {}
                    Ok(None) => return Ok(batch),
                    Err(error) => match error.as_db_error() {
                        Some(refused) if !server_error::ends_session(refused) => {
                            batch.refused = Some(ServerError::of(refused));
                            return Ok(batch);
                        }
                        _ => return Err(error),
                    },
                }
            }
        })?;
        log_answer("a batch", began);
        Ok(batch)
    }

    /// Sends the end of a transaction: also after a signal, but then not for long.
    pub(super) fn end(&mut self, sql: &str, limit: Duration) -> std::result::Result<(), Failure> {
        let limit = if interrupt::check().is_err() { limit.min(AFTER_SIGNAL) } else { limit };
        self.wait(limit, async |client| client.batch_execute(sql).await, std::future::pending())
    }

    /// Sends one statement through the extended protocol and hands over each row as it arrives.
    pub(super) fn each_row(
        &mut self,
        (name, sql): (&'static str, &str),
        parameters: &[&(dyn ToSql + Sync)],
        limit: Duration,
        mut take: impl FnMut(Row) -> std::result::Result<(), Failure>,
    ) -> std::result::Result<(), Failure> {
        let mut stopped = None;
        let began = Instant::now();
        self.call(limit, async |client| {
            let typed = parameters.iter().map(|&value| (value as &(dyn types::ToSql + Sync), value.sql_type()));
            let mut rows = pin!(client.query_typed_raw(sql, typed).await?);
            while let Some(row) = rows.try_next().await? {
                if stopped.is_none() {
                    stopped = take(Row::new(row, name)).err();
                }
            }
            Ok(())
        })?;
        log_answer(name, began);
        stopped.map_or(Ok(()), Err)
    }

    /// Sends one statement through the extended protocol and collects its rows.
    pub(super) fn rows(
        &mut self,
        query: (&'static str, &str),
        parameters: &[&(dyn ToSql + Sync)],
        limit: Duration,
    ) -> std::result::Result<Vec<Row>, Failure> {
        let mut rows = Vec::new();
        self.each_row(query, parameters, limit, |row| {
            rows.push(row);
            Ok(())
        })?;
        Ok(rows)
    }

    /// Runs `work` until it is done, `limit` has passed or a signal arrives.
    fn call<T>(
        &mut self,
        limit: Duration,
        work: impl AsyncFnOnce(&Client) -> PgResult<T>,
    ) -> std::result::Result<T, Failure> {
        interrupt::check()?;
        self.wait(limit, work, interrupt::raised())
    }

    fn wait<T>(
        &mut self,
        limit: Duration,
        work: impl AsyncFnOnce(&Client) -> PgResult<T>,
        signal: impl Future<Output = Error>,
    ) -> std::result::Result<T, Failure> {
        if let Some(lost) = &self.lost {
            return Err(lost.clone().into());
        }
        let (Some(runtime), Some(client)) = (&self.runtime, &self.client) else {
            return Err(Error::internal("the connection was used after its end").into());
        };
        let canceller = &self.canceller;
        let (waited, after_cancel) = runtime.block_on(async {
            let mut work = pin!(work(client));
            let waited = tokio::select! {
                done = &mut work => Waited::Done(done),
                () = tokio::time::sleep(limit) => Waited::OutOfTime,
                signalled = signal => Waited::Signalled(signalled),
            };
            if let Waited::Done(_) = waited {
                return (waited, None);
            }
            let (_, after_cancel) =
                tokio::join!(canceller.cancel(), async { timeout(CANCEL_WAIT + AFTER_CANCEL, &mut work).await.ok() });
            (waited, after_cancel)
        });
        self.outcome(waited, after_cancel, limit)
    }

    fn outcome<T>(
        &mut self,
        waited: Waited<T>,
        after_cancel: Option<PgResult<T>>,
        limit: Duration,
    ) -> std::result::Result<T, Failure> {
        let failure = match (waited, after_cancel) {
            (Waited::Done(Ok(value)), _) | (Waited::OutOfTime, Some(Ok(value))) => return Ok(value),
            (Waited::Done(Err(error)), _) | (Waited::OutOfTime, Some(Err(error))) => Failure::of(&error),
            (Waited::OutOfTime, None) => {
                let reason = format!("no answer within {} ms", limit.as_millis());
                Failure::Session(server_error::lost(&reason))
            }
            // The connection is in order; only this run is over.
            (Waited::Signalled(signalled), Some(_)) => return Err(signalled.into()),
            (Waited::Signalled(signalled), None) => Failure::Session(signalled),
        };
        if let Failure::Session(error) = &failure {
            self.lost = Some(error.clone());
        }
        Err(failure)
    }
}

/// Statements are logged by name: their texts may hold values.
fn log_answer(name: &str, began: Instant) {
    tracing::debug!(ms = began.elapsed().as_millis() as u64, "{name}");
}

impl Drop for Link {
    /// Says goodbye, so that the server does not log a connection that broke.
    fn drop(&mut self) {
        drop(self.client.take());
        if let Some(runtime) = self.runtime.take() {
            if self.lost.is_none() {
                let _ = runtime.block_on(async { timeout(GOODBYE, &mut self.driver).await });
            }
            runtime.shutdown_background();
        }
    }
}
