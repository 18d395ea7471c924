//! The thread of one connection to SQLite. It runs what it is sent, in the order in which it was sent; nobody else ever
//! blocks on the file. What is sent without waiting for an answer fails what comes behind it, up to the rollback.

use std::{
    borrow::Cow,
    collections::{HashMap, VecDeque},
    sync::{Arc, Condvar, Mutex, PoisonError},
};

use rusqlite::{
    Connection, ToSql,
    types::{ToSqlOutput, ValueRef},
};
use tokio::sync::oneshot;

use super::super::{row::SqliteRow, statement::Value};

/// What ends a failed transaction, and a queue's refusal of whatever stands behind it.
pub const ROLLBACK: &str = "ROLLBACK";
/// Texts whose columns and parameters are remembered.
const REMEMBERED: usize = 400;

/// One statement, and what is wanted of it.
pub struct Command {
    pub text: Cow<'static, str>,
    pub values: Vec<Value>,
    pub wants: Wants,
}

/// What is wanted of a statement.
pub enum Wants {
    /// Its rows.
    Rows,
    /// How many rows it touched.
    Count,
    /// Nothing: the text is several statements without values.
    Script,
    /// That it touches one row; what it is called where it does not.
    One(&'static str),
    /// That it runs for each row of so many values behind the first ones, which are for all.
    Each { first: usize, width: usize },
}

impl Command {
    /// A statement without values, whose answer nobody needs.
    pub fn plain(text: &'static str) -> Self {
        Self { text: Cow::Borrowed(text), values: Vec::new(), wants: Wants::Count }
    }
}

/// Why a statement did not succeed.
#[derive(Clone, Debug)]
pub enum Failure {
    /// SQLite says so, with its extended result code.
    Refused { code: i32, message: String },
    /// It did something else than it was to do.
    Unexpected(String),
    /// The thread ended.
    Ended,
}

/// The answer of the last statement that was sent.
#[derive(Default)]
pub struct Answered {
    /// Its rows, where they were wanted.
    pub rows: Vec<SqliteRow>,
    /// How many rows it touched.
    pub touched: u64,
}

/// What failed, and whether the last of the statements sent with it may have been run.
pub type Outcome = Result<Answered, (bool, Failure)>;

enum Job {
    Run(Vec<Command>, Option<oneshot::Sender<Outcome>>),
    Close(oneshot::Sender<()>),
}

#[derive(Default)]
struct Waiting {
    jobs: VecDeque<Job>,
    is_idle: bool,
    is_over: bool,
}

#[derive(Default)]
struct Queue {
    waiting: Mutex<Waiting>,
    woken: Condvar,
}

impl Queue {
    /// Adds a job without waking the thread.
    fn add(&self, job: Job) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if !waiting.is_over {
            waiting.jobs.push_back(job);
        }
    }

    fn wake(&self) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if !waiting.jobs.is_empty() && std::mem::take(&mut waiting.is_idle) {
            self.woken.notify_one();
        }
    }

    fn push(&self, job: Job) {
        self.add(job);
        self.wake();
    }

    fn next(&self) -> Option<Job> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if let Some(job) = waiting.jobs.pop_front() {
                return Some(job);
            }
            if waiting.is_over {
                return None;
            }
            waiting.is_idle = true;
            waiting = self.woken.wait(waiting).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Nothing is added any more; with `drops` nothing that waits is run either.
    fn end(&self, drops: bool) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.is_over = true;
        if drops {
            waiting.jobs.clear();
        }
        self.woken.notify_one();
    }
}

/// Wakes the thread when it is dropped, also by a caller who gives up: others may have relied on it.
struct Wakes<'q>(&'q Queue);

impl Drop for Wakes<'_> {
    fn drop(&mut self) {
        self.0.wake();
    }
}

/// The way to a connection's thread. The connection is closed when it is dropped.
pub struct ConnectionThread(Arc<Queue>);

impl Drop for ConnectionThread {
    fn drop(&mut self) {
        self.0.end(false);
    }
}

/// Ends the queue also when the thread panics, so that nobody waits for it.
struct EndsQueue(Arc<Queue>);

impl Drop for EndsQueue {
    fn drop(&mut self) {
        self.0.end(true);
    }
}

impl ConnectionThread {
    /// Starts a thread, which opens the connection.
    pub async fn start(
        open: impl FnOnce() -> rusqlite::Result<Connection> + Send + 'static,
    ) -> Result<Self, Failure> {
        let queue = Arc::new(Queue::default());
        let (opened, told) = oneshot::channel();
        let served = Arc::clone(&queue);
        let thread = std::thread::Builder::new().name("sqlite".to_owned()).spawn(move || {
            let queue = EndsQueue(served);
            match open() {
                Ok(connection) => {
                    if opened.send(Ok(())).is_ok() {
                        serve(connection, &queue.0);
                    }
                }
                Err(error) => drop(opened.send(Err(error.into()))),
            }
        });
        thread.map_err(|_| Failure::Ended)?;
        told.await.unwrap_or(Err(Failure::Ended))?;
        Ok(Self(queue))
    }

    /// Sends statements and waits for the answer of the last one. The first that fails is the last that is run.
    pub async fn run(&self, commands: Vec<Command>) -> Outcome {
        let (answer, answered) = oneshot::channel();
        self.0.push(Job::Run(commands, Some(answer)));
        answered.await.unwrap_or(Err((true, Failure::Ended)))
    }

    /// The same for a statement of microseconds on a connection that many share: the thread is woken only when this thread has
    /// looked after everything else that is ready, which may add to the queue. Waking it costs more than the statement.
    pub async fn run_shared(&self, command: Command) -> Outcome {
        let (answer, answered) = oneshot::channel();
        self.0.add(Job::Run(vec![command], Some(answer)));
        let wakes = Wakes(&self.0);
        tokio::task::yield_now().await;
        drop(wakes);
        answered.await.unwrap_or(Err((true, Failure::Ended)))
    }

    /// Sends statements whose failure fails what is sent behind them.
    pub fn send(&self, commands: Vec<Command>) {
        self.0.push(Job::Run(commands, None));
    }

    /// Closes the connection and waits for that.
    pub async fn close(&self) {
        let (closed, waited) = oneshot::channel();
        self.0.push(Job::Close(closed));
        let _ = waited.await;
    }
}

/// What is remembered of a text: its columns, and which value each parameter has.
struct Shape {
    columns: Arc<[Box<str>]>,
    values: Box<[usize]>,
}

struct Served {
    connection: Connection,
    shapes: HashMap<Box<str>, Arc<Shape>>,
}

fn serve(connection: Connection, queue: &Queue) {
    let mut served = Served { connection, shapes: HashMap::new() };
    let mut earlier: Option<Failure> = None;
    while let Some(job) = queue.next() {
        match job {
            Job::Run(commands, answer) => {
                if commands.first().is_some_and(|command| command.text == ROLLBACK) {
                    earlier = None;
                }
                let outcome = match &earlier {
                    Some(failure) => Err((false, failure.clone())),
                    None => served.run_all(commands),
                };
                match (answer, outcome) {
                    // Nobody may wait any more.
                    (Some(answer), outcome) => drop(answer.send(outcome)),
                    (None, Err((_, failure))) => earlier = Some(failure),
                    (None, Ok(_)) => {}
                }
            }
            Job::Close(closed) => {
                let _ = served.connection.close();
                let _ = closed.send(());
                return;
            }
        }
    }
}

impl Served {
    fn run_all(&mut self, commands: Vec<Command>) -> Outcome {
        let mut answered = Answered::default();
        let mut commands = commands.into_iter();
        while let Some(command) = commands.next() {
            answered = self.run(command).map_err(|failure| (commands.len() == 0, failure))?;
        }
        Ok(answered)
    }

    fn run(&mut self, command: Command) -> Result<Answered, Failure> {
        let Command { text, values, wants } = command;
        if matches!(wants, Wants::Script) {
            self.connection.execute_batch(&text)?;
            return Ok(Answered::default());
        }
        let mut statement = self.connection.prepare_cached(&text)?;
        let shape = match self.shapes.get(&*text) {
            Some(shape) => Arc::clone(shape),
            None => {
                let shape = Arc::new(shape_of(&statement)?);
                if self.shapes.len() >= REMEMBERED {
                    self.shapes.clear();
                }
                self.shapes.insert(text.into(), Arc::clone(&shape));
                shape
            }
        };
        let bind = |statement: &mut rusqlite::Statement<'_>, values: &[Value], skipped: usize| {
            let parameters = shape.values.iter().enumerate();
            for (parameter, value) in parameters.filter(|(_, value)| **value >= skipped) {
                if let Some(value) = values.get(value - skipped) {
                    statement.raw_bind_parameter(parameter + 1, value)?;
                }
            }
            Ok::<(), rusqlite::Error>(())
        };
        let mut answered = Answered::default();
        match wants {
            Wants::Each { first, width } => {
                let (common, rows) = values.split_at(first.min(values.len()));
                bind(&mut statement, common, 0)?;
                for row in rows.chunks_exact(width.max(1)) {
                    bind(&mut statement, row, first)?;
                    answered.touched += statement.raw_execute()? as u64;
                }
            }
            Wants::Rows => {
                bind(&mut statement, &values, 0)?;
                let mut found = statement.raw_query();
                while let Some(row) = found.next()? {
                    let columns = 0..shape.columns.len();
                    let values = columns.map(|at| row.get(at)).collect::<rusqlite::Result<_>>()?;
                    answered.rows.push(SqliteRow { columns: Arc::clone(&shape.columns), values });
                }
            }
            Wants::Count | Wants::One(_) | Wants::Script => {
                bind(&mut statement, &values, 0)?;
                answered.touched = statement.raw_execute()? as u64;
            }
        }
        match wants {
            Wants::One(what) if answered.touched != 1 => {
                Err(Failure::Unexpected(format!("{what} touched {} rows instead of one", answered.touched)))
            }
            _ => Ok(answered),
        }
    }
}

/// A parameter is numbered (`$3`, `?3`), or stands for the value of its own place.
fn shape_of(statement: &rusqlite::Statement<'_>) -> Result<Shape, Failure> {
    let columns = statement.column_names().into_iter().map(Box::from).collect();
    let value = |parameter: usize| match statement.parameter_name(parameter) {
        None => Ok(parameter - 1),
        Some(name) => match name.get(1..).and_then(|number| number.parse::<usize>().ok()) {
            Some(number @ 1..) => Ok(number - 1),
            _ => Err(Failure::Unexpected(format!("the parameter {name} has no number"))),
        },
    };
    let values = (1..=statement.parameter_count()).map(value).collect::<Result<_, _>>()?;
    Ok(Shape { columns, values })
}

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error() {
            Some(refused) => Self::Refused { code: refused.extended_code, message: error.to_string() },
            None => Self::Unexpected(error.to_string()),
        }
    }
}

impl ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Text(Some(value)) => ValueRef::Text(value.as_bytes()),
            Self::Word(value) => ValueRef::Text(value.as_bytes()),
            Self::Int(Some(value)) => ValueRef::Integer(*value),
            Self::Bool(value) => ValueRef::Integer(i64::from(*value)),
            Self::Bytes(Some(value)) => ValueRef::Blob(value),
            Self::Id(value) => ValueRef::Blob(value.as_bytes()),
            Self::Text(None) | Self::Int(None) | Self::Bytes(None) => ValueRef::Null,
        }))
    }
}
