//! A machine that plays a closure, and the diary in which all puppets of a case write what they
//! saw.

use std::fmt;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant as RealInstant};

use machine::{Context, Input, Instant, Level, Machine, Note};

/// The door of a puppet.
pub type Door<'a, 'b> = &'a mut Context<'b, Said>;

/// What a puppet does with each input.
pub type Play = Box<dyn FnMut(Input, Door<'_, '_>, &mut Hand)>;

/// Makes the play of a node's life, whose number (from 1) it is given.
pub type Make = Arc<dyn Fn(u64) -> Play + Send + Sync>;

/// A machine that plays a closure.
pub struct Puppet {
    play: Play,
    hand: Hand,
}

/// What a play holds beside its door: the pen for the diary, and its one alarm.
pub struct Hand {
    name: String,
    diary: Diary,
    wake_at: Option<Instant>,
}

/// What a puppet said; the diary has it too.
#[derive(Clone, Debug)]
pub struct Said(pub String);

/// What all puppets wrote, as (node, line).
#[derive(Clone, Default)]
pub struct Diary(Arc<Pages>);

#[derive(Default)]
struct Pages {
    lines: Mutex<Vec<(String, String)>>,
    written: Condvar,
}

impl Puppet {
    pub fn new(name: &str, diary: Diary, play: Play) -> Self {
        Self { play, hand: Hand { name: name.to_owned(), diary, wake_at: None } }
    }
}

impl Machine for Puppet {
    type Note = Said;
    type View = ();

    fn handle(&mut self, input: Input, cx: &mut Context<'_, Said>) {
        if input == Input::Woke {
            match self.hand.wake_at {
                Some(at) if at <= cx.now() => self.hand.wake_at = None,
                // Waking early is allowed, and is nothing to a play.
                _ => return,
            }
        }
        (self.play)(input, cx, &mut self.hand);
    }

    fn wake_at(&self) -> Option<Instant> {
        self.hand.wake_at
    }

    fn view(&self) {}
}

impl Hand {
    /// Writes a line into the diary.
    pub fn write(&self, line: impl Into<String>) {
        self.diary.write(&self.name, line.into());
    }

    /// Rings once, `millis` ms from now.
    pub fn ring_in(&mut self, millis: u64, cx: &Context<'_, Said>) {
        self.wake_at = Some(cx.now() + machine::Duration::from_millis(millis));
    }
}

impl Note for Said {
    fn level(&self) -> Level {
        Level::Detail
    }
}

impl fmt::Display for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Diary {
    fn lines(&self) -> MutexGuard<'_, Vec<(String, String)>> {
        self.0.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self, node: &str, line: String) {
        self.lines().push((node.to_owned(), line));
        self.0.written.notify_all();
    }

    /// How often a node wrote this line.
    pub fn count(&self, node: &str, line: &str) -> usize {
        self.lines().iter().filter(|(who, said)| who == node && said == line).count()
    }

    /// All that one node wrote, a line each.
    pub fn of(&self, node: &str) -> String {
        let lines = self.lines();
        let own = lines.iter().filter(|(who, _)| who == node).map(|(_, line)| line.as_str());
        own.collect::<Vec<_>>().join("\n")
    }

    /// All that was written, for a failure message.
    pub fn all(&self) -> String {
        let lines = self.lines();
        lines.iter().map(|(who, line)| format!("{who}: {line}\n")).collect()
    }

    /// Waits in real time until a node has written a line `times` times; `false` after `patience`.
    pub fn wait(&self, node: &str, line: &str, times: usize, patience: Duration) -> bool {
        let until = RealInstant::now() + patience;
        let mut lines = self.lines();
        loop {
            if lines.iter().filter(|(who, said)| who == node && said == line).count() >= times {
                return true;
            }
            let left = until.saturating_duration_since(RealInstant::now());
            if left.is_zero() {
                return false;
            }
            lines =
                self.0.written.wait_timeout(lines, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}
