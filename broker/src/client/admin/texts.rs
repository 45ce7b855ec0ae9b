//! What the tools print when they succeed and when they fail, in the words of Kafka 2.3 and 2.5.
//!
//! Standard output and error come as one text. Of stack traces only the lines that say something are there: the exception
//! and what caused it.

use machine::WallTime;

use crate::client::{Command, errors};
use crate::id::{BrokerId, TopicPartition};
use crate::mechanism::Preset;
use crate::wire::error;

/// Why a command has failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// What was printed before.
    printed: String,
    /// The class that was thrown, if it was thrown by the tool; else that of `ExecutionException`'s cause.
    class: String,
    message: String,
    /// What caused it in turn, as Java's `Throwable.toString` has it.
    cause: Option<String>,
    /// What else went wrong (`Throwable.getSuppressed`).
    suppressed: Vec<String>,
    thrown_by: ThrownBy,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ThrownBy {
    Tool,
    Call,
}

impl Trouble {
    fn new(class: impl Into<String>, message: impl Into<String>, thrown_by: ThrownBy) -> Self {
        let (class, message) = (class.into(), message.into());
        let (cause, suppressed) = (None, Vec::new());
        Self { printed: String::new(), class, message, cause, suppressed, thrown_by }
    }

    /// The tool does not like what it was told.
    pub fn argument(message: String) -> Self {
        Self::new("java.lang.IllegalArgumentException", message, ThrownBy::Tool)
    }

    /// A broker said no, with its own words or those of the client.
    pub fn from_broker(code: i16, message: Option<&str>) -> Self {
        let (class, words) = errors::exception(code);
        Self::new(
            format!("org.apache.kafka.common.errors.{class}"),
            message.unwrap_or(words),
            ThrownBy::Call,
        )
    }

    /// A call took too long.
    pub fn timed_out(message: impl Into<String>) -> Self {
        Self { message: message.into(), ..Self::from_broker(error::REQUEST_TIMED_OUT, None) }
    }

    /// A call took too long, by the clock or in tries, and this is how it failed at last.
    pub fn timed_out_after(message: String, last: &Self) -> Self {
        Self { cause: Some(last.exception()), ..Self::timed_out(message) }
    }

    /// The connection was lost under a request with this number.
    pub fn disconnected(call: &str, correlation: i32, node: BrokerId) -> Self {
        let message = format!(
            "Cancelled {call} request with correlation id {correlation} due to node {node} being \
             disconnected"
        );
        let class = "org.apache.kafka.common.errors.DisconnectException";
        Self::new(class, message, ThrownBy::Call)
    }

    /// Some elections failed.
    pub fn elections(printed: String, failed: Vec<String>, preset: Preset) -> Self {
        let what = match preset {
            Preset::V2_3 => "preferred replica(s)",
            Preset::V2_5 | Preset::Fixed => "replica(s)",
        };
        let message = format!("{} {what} could not be elected", failed.len());
        let trouble = Self::new(ELECTIONS_FAILED, message, ThrownBy::Tool);
        Self { printed, suppressed: failed, ..trouble }
    }

    /// Lines of the stack trace behind the exception itself.
    fn causes(&self) -> String {
        let suppressed = self.suppressed.iter().map(|one| format!("\tSuppressed: {one}\n"));
        let cause = self.cause.iter().map(|cause| format!("Caused by: {cause}\n"));
        suppressed.chain(cause).collect()
    }

    /// Class and message as Java's `Throwable.toString` has them.
    fn exception(&self) -> String {
        format!("{}: {}", self.class, self.message)
    }
}

/// What the tools for elections throw.
const ELECTIONS_FAILED: &str = "kafka.common.AdminCommandFailedException";

/// How a tool ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ending {
    /// Its exit code.
    pub exit: i32,
    /// The last it prints.
    pub text: String,
}

/// What a command prints when it has succeeded; `describe` and elections have more to say.
pub fn success(command: &Command, preset: Preset) -> String {
    match (command, preset) {
        (Command::CreateTopic { .. }, Preset::V2_3) => String::new(),
        (Command::CreateTopic { topic, .. }, _) => format!("Created topic {topic}.\n"),
        (Command::AlterConfig { topic, .. }, Preset::V2_3) => {
            format!("Completed Updating config for entity: topic '{topic}'.\n")
        }
        (Command::AlterConfig { topic, .. }, _) => {
            format!("Completed updating config for topic {topic}.\n")
        }
        (
            Command::DeleteTopic { .. }
            | Command::DescribeTopic { .. }
            | Command::AddPartitions { .. }
            | Command::ElectLeaders { .. },
            _,
        ) => String::new(),
    }
}

/// What is printed about elections (partition, error, message), and the exceptions of those that failed.
pub fn elections(
    results: &[(String, i16, Option<String>)],
    unclean: bool,
    preset: Preset,
) -> (String, Vec<String>) {
    let kind = if unclean { "UNCLEAN" } else { "PREFERRED" };
    let what = match preset {
        Preset::V2_3 => "preferred replica election".to_owned(),
        Preset::V2_5 | Preset::Fixed => format!("leader election ({kind})"),
    };
    let needless = |code: i16| code == error::ELECTION_NOT_NEEDED && preset != Preset::V2_3;
    let done = |code: i16| {
        code == error::NONE || code == error::ELECTION_NOT_NEEDED && preset == Preset::V2_3
    };
    let names = |which: &dyn Fn(i16) -> bool| {
        let names = results.iter().filter(|(_, code, _)| which(*code));
        names.map(|(partition, ..)| partition.as_str()).collect::<Vec<_>>().join(", ")
    };
    let mut text = String::new();
    let succeeded = names(&done);
    if !succeeded.is_empty() {
        text.push_str(&format!("Successfully completed {what} for partitions {succeeded}\n"));
    }
    let already = names(&needless);
    if !already.is_empty() {
        text.push_str(&format!("Valid replica already elected for partitions {already}\n"));
    }
    let mut failed = Vec::new();
    for (partition, code, message) in results {
        if done(*code) || needless(*code) {
            continue;
        }
        let exception = Trouble::from_broker(*code, message.as_deref()).exception();
        text.push_str(&not_completed(&what, partition, &exception, preset));
        failed.push(exception);
    }
    (text, failed)
}

fn not_completed(what: &str, partition: &str, exception: &str, preset: Preset) -> String {
    let colon = if preset == Preset::V2_3 { "" } else { ":" };
    format!("Error completing {what} for partition{colon} {partition}: {exception}\n")
}

/// What a command prints when it has failed, at this time.
pub fn failure(
    command: &Command,
    trouble: &Trouble,
    bootstrap: &str,
    preset: Preset,
    wall: WallTime,
) -> Ending {
    let exception = trouble.exception();
    // A failed call is seen through the future it was awaited with.
    let (thrown, message, cause) = match trouble.thrown_by {
        ThrownBy::Tool => (exception.clone(), trouble.message.clone(), String::new()),
        ThrownBy::Call => (
            format!("java.util.concurrent.ExecutionException: {exception}"),
            exception.clone(),
            format!("Caused by: {exception}\n{}", trouble.causes()),
        ),
    };
    let text = match command {
        Command::CreateTopic { .. }
        | Command::DeleteTopic { .. }
        | Command::DescribeTopic { .. }
        | Command::AddPartitions { .. } => format!(
            "Error while executing topic command : {message}\n\
             [{}] ERROR {thrown}\n{cause} (kafka.admin.TopicCommand$)\n",
            timestamp(wall),
        ),
        Command::AlterConfig { topic, config } => {
            let pairs: Vec<String> = config.iter().map(|(k, v)| format!("{k}={v}")).collect();
            format!(
                "Error while executing config command with args '--bootstrap-server {bootstrap} --alter \
                 --entity-type topics --entity-name {topic} --add-config {}'\n{thrown}\n{cause}",
                pairs.join(","),
            )
        }
        Command::ElectLeaders { partitions, .. } => {
            elections_failed(partitions.as_deref(), trouble, preset)
        }
    };
    Ending { exit: 1, text: format!("{}{text}", trouble.printed) }
}

/// The election tools name their failures themselves, and throw them out of `main`.
///
/// `PreferredReplicaLeaderElectionCommand` of 2.3 asks for each partition that was named what became of it, and wraps without
/// words where none was; `LeaderElectionCommand` of 2.5 has words for time-outs only.
fn elections_failed(named: Option<&[TopicPartition]>, trouble: &Trouble, preset: Preset) -> String {
    let exception = trouble.exception();
    let uncaught = "Exception in thread \"main\"";
    let timed_out = trouble.class.ends_with(".TimeoutException");
    let waited = if timed_out { "Timeout waiting for election results\n" } else { "" };
    let causes = format!("Caused by: {exception}\n{}", trouble.causes());
    match (trouble.thrown_by, preset) {
        (ThrownBy::Tool, _) => format!("{uncaught} {exception}\n{}", trouble.causes()),
        (ThrownBy::Call, Preset::V2_3) => match named {
            Some(named) => {
                let what = "preferred replica election";
                let line = |name: &TopicPartition| {
                    not_completed(what, &name.to_string(), &exception, preset)
                };
                let lines: String = named.iter().map(line).collect();
                let all = named.iter().map(|_| exception.clone()).collect();
                let thrown = Trouble::elections(String::new(), all, preset);
                format!("{lines}{uncaught} {}\n{}", thrown.exception(), thrown.causes())
            }
            None => format!("{waited}{uncaught} {ELECTIONS_FAILED}\n{causes}"),
        },
        (ThrownBy::Call, Preset::V2_5 | Preset::Fixed) if timed_out => {
            format!("{waited}{uncaught} {ELECTIONS_FAILED}: {waited}{causes}")
        }
        (ThrownBy::Call, Preset::V2_5 | Preset::Fixed) => {
            format!("{uncaught} java.util.concurrent.ExecutionException: {exception}\n{causes}")
        }
    }
}

/// `yyyy-MM-dd HH:mm:ss,SSS`, in UTC.
fn timestamp(wall: WallTime) -> String {
    let ms = wall.as_micros() / 1_000;
    let (days, of_day) = (ms / 86_400_000, ms % 86_400_000);
    let (year, month, day) = civil(days);
    format!(
        "{year:04}-{month:02}-{day:02} {:02}:{:02}:{:02},{:03}",
        of_day / 3_600_000,
        of_day / 60_000 % 60,
        of_day / 1_000 % 60,
        of_day % 1_000,
    )
}

/// Year, month and day of the day that many days after 1970-01-01 (proleptic Gregorian; years begin in March here).
fn civil(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let (era, of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    (era * 400 + year_of_era + u64::from(month <= 2), month, day)
}
