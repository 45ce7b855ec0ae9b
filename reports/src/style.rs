//! How text for a terminal is set: colour, width, wrapped lines, columns, numbers. Colour never says anything that the words
//! do not say too. What is told is not decided here.

/// How a report is set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Style {
    /// Whether to add colour (ANSI escapes).
    pub colour: bool,
    /// How many columns a line may have. Less than 40 is taken as 40.
    pub width: usize,
}

impl Default for Style {
    /// No colour, 100 columns.
    fn default() -> Self {
        Self { colour: false, width: 100 }
    }
}

/// What a piece of text is, for its colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Paint {
    /// It held.
    Good,
    /// It was broken.
    Bad,
    /// It could not be judged, or somebody interfered.
    Unsure,
    /// Of less weight.
    Dim,
    /// A heading.
    Strong,
    /// As it comes.
    Plain,
}

impl Style {
    /// The columns of a line.
    pub(crate) fn columns(&self) -> usize {
        self.width.max(40)
    }

    /// `text` in the colour of what it is.
    pub fn paint(&self, paint: Paint, text: &str) -> String {
        let code = match paint {
            Paint::Good => "1;32",
            Paint::Bad => "1;31",
            Paint::Unsure => "1;33",
            Paint::Dim => "2",
            Paint::Strong => "1",
            Paint::Plain => return text.to_owned(),
        };
        if self.colour && !text.is_empty() {
            format!("\u{1b}[{code}m{text}\u{1b}[0m")
        } else {
            text.to_owned()
        }
    }

    /// `text` in lines, each behind its indent: `first` before the first, as many blanks before the others.
    pub fn wrapped(&self, first: &str, text: &str) -> String {
        let indent = first.chars().count();
        let room = self.columns().saturating_sub(indent).max(20);
        let mut lines = wrap(text, room).into_iter();
        let mut set = format!("{first}{}\n", lines.next().unwrap_or_default());
        for line in lines {
            set.push_str(&" ".repeat(indent));
            set.push_str(&line);
            set.push('\n');
        }
        set
    }
}

/// The words of `text` in lines of at most `room` characters; longer words stand alone. Characters that would steer a
/// terminal are written out.
pub(crate) fn wrap(text: &str, room: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        let word = clean(word);
        let length = word.chars().count();
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + length <= room => {
                line.push(' ');
                line.push_str(&word);
            }
            _ => lines.push(word),
        }
    }
    lines
}

/// `text` with control characters written out: names and values come from people's files.
pub fn clean(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for letter in text.chars() {
        if letter.is_control() {
            shown.extend(letter.escape_default());
        } else {
            shown.push(letter);
        }
    }
    shown
}

/// `text`, filled up with blanks to `width` characters.
pub fn padded(text: &str, width: usize) -> String {
    let missing = width.saturating_sub(text.chars().count());
    format!("{text}{}", " ".repeat(missing))
}

/// µs as `12.345 s`. Rest below a millisecond is dropped, as in every other time that is shown.
pub(crate) fn seconds(micros: u64) -> String {
    format!("{}.{:03} s", micros / 1_000_000, micros / 1_000 % 1_000)
}

/// `12345` as `12,345`.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut shown = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            shown.push(',');
        }
        shown.push(digit);
    }
    shown
}

/// `1 run`, `2 runs`.
pub(crate) fn counted(number: u64, one: &str, many: &str) -> String {
    format!("{} {}", grouped(number), if number == 1 { one } else { many })
}
