//! What the tools print when they succeed and when they fail, in the words of Kafka 2.3 and 2.5.
//!
//! Standard output and error come as one text. Of stack traces only the lines that say something are there: the exception
//! and what caused it.

use machine::WallTime;

use crate::client::{Command, errors};
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
    thrown_by: ThrownBy,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ThrownBy {
    Tool,
    Call,
}

impl Trouble {
    /// The tool does not like what it was told.
    pub fn argument(message: String) -> Self {
        let class = "java.lang.IllegalArgumentException".to_owned();
        Self { printed: String::new(), class, message, thrown_by: ThrownBy::Tool }
    }

    /// A broker said no, with its own words or those of the client.
    pub fn from_broker(code: i16, message: Option<&str>) -> Self {
        let (class, words) = errors::exception(code);
        Self {
            printed: String::new(),
            class: format!("org.apache.kafka.common.errors.{class}"),
            message: message.unwrap_or(words).to_owned(),
            thrown_by: ThrownBy::Call,
        }
    }

    /// A call took too long.
    pub fn timed_out(message: String) -> Self {
        Self { message, ..Self::from_broker(error::REQUEST_TIMED_OUT, None) }
    }

    /// Some elections failed.
    pub fn elections(printed: String, failed: usize, preset: Preset) -> Self {
        let what = match preset {
            Preset::V2_3 => "preferred replica(s)",
            Preset::V2_5 | Preset::Fixed => "replica(s)",
        };
        Self {
            printed,
            class: "kafka.common.AdminCommandFailedException".to_owned(),
            message: format!("{failed} {what} could not be elected"),
            thrown_by: ThrownBy::Tool,
        }
    }

    /// Class and message as Java's `Throwable.toString` has them.
    fn exception(&self) -> String {
        format!("{}: {}", self.class, self.message)
    }
}

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

/// What is printed about elections (partition, error, message), and how many failed.
pub fn elections(
    results: &[(String, i16, Option<String>)],
    unclean: bool,
    preset: Preset,
) -> (String, usize) {
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
    let mut failed = 0;
    for (partition, code, message) in results {
        if done(*code) || needless(*code) {
            continue;
        }
        failed += 1;
        let exception = Trouble::from_broker(*code, message.as_deref()).exception();
        let colon = if preset == Preset::V2_3 { "" } else { ":" };
        text.push_str(&format!(
            "Error completing {what} for partition{colon} {partition}: {exception}\n"
        ));
    }
    (text, failed)
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
            format!("Caused by: {exception}\n"),
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
        Command::ElectLeaders { .. } => elections_failed(trouble, preset),
    };
    Ending { exit: 1, text: format!("{}{text}", trouble.printed) }
}

/// The election tools name their failures themselves.
fn elections_failed(trouble: &Trouble, preset: Preset) -> String {
    let exception = trouble.exception();
    let timed_out = trouble.class.ends_with(".TimeoutException");
    let waited = if timed_out { "Timeout waiting for election results\n" } else { "" };
    let class = "kafka.common.AdminCommandFailedException";
    let thrown = match trouble.thrown_by {
        ThrownBy::Tool => format!("{exception}\n"),
        ThrownBy::Call => match preset {
            Preset::V2_3 => format!("{class}: null\nCaused by: {exception}\n"),
            Preset::V2_5 | Preset::Fixed => {
                format!("{class}: Timeout waiting for election results\nCaused by: {exception}\n")
            }
        },
    };
    match preset {
        Preset::V2_3 => format!("{waited}Failed to start preferred replica election\n{thrown}"),
        Preset::V2_5 | Preset::Fixed => format!("{waited}Exception in thread \"main\" {thrown}"),
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
