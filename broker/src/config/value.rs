//! What values a key takes (`ConfigDef`), and what is said of others, in Kafka's words.

/// The type of a key, and the bounds of its values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A number of 32 bits, at least so great.
    Int(i64),
    /// A number of 64 bits, at least so great.
    Long(i64),
    /// `true` or `false`.
    Boolean,
    /// Any text.
    Text,
    /// A decimal fraction from 0 to 1.
    Fraction,
    /// One of these.
    OneOf(&'static [&'static str]),
    /// Some of these, with commas between them.
    SomeOf(&'static [&'static str]),
}

/// No lower bound of a [`Kind::Int`].
pub(crate) const ANY_INT: Kind = Kind::Int(i32::MIN as i64);
/// No lower bound of a [`Kind::Long`].
pub(crate) const ANY_LONG: Kind = Kind::Long(i64::MIN);

impl Kind {
    /// Whether a key takes this value.
    ///
    /// # Errors
    /// The message of Kafka's `ConfigException`.
    pub(crate) fn check(self, key: &str, value: &str) -> Result<(), String> {
        match self.problem(value) {
            None => Ok(()),
            Some(why) => Err(format!("Invalid value {value} for configuration {key}: {why}")),
        }
    }

    fn problem(self, value: &str) -> Option<String> {
        let number = |low: i64, read: Option<i64>, name: &str| match read {
            None => Some(format!("Not a number of type {name}")),
            Some(number) if number < low => Some(format!("Value must be at least {low}")),
            Some(_) => None,
        };
        let one_of = |list: &[&str], value: &str| {
            let known = list.contains(&value);
            (!known).then(|| format!("String must be one of: {}", list.join(", ")))
        };
        match self {
            Self::Int(low) => number(low, value.parse::<i32>().ok().map(i64::from), "INT"),
            Self::Long(low) => number(low, value.parse().ok(), "LONG"),
            Self::Boolean => boolean(value)
                .is_none()
                .then(|| "Expected value to be either true or false".to_owned()),
            Self::Text => None,
            Self::Fraction => fraction_problem(value).map(str::to_owned),
            Self::OneOf(list) => one_of(list, value),
            Self::SomeOf(list) => super::endpoint::items(value).find_map(|item| one_of(list, item)),
        }
    }
}

/// `true` or `false`, in whatever letters.
pub(crate) fn boolean(value: &str) -> Option<bool> {
    if value.eq_ignore_ascii_case("true") {
        Some(true)
    } else if value.eq_ignore_ascii_case("false") {
        Some(false)
    } else {
        None
    }
}

/// Decimal fractions decide nothing here, so they are looked at as texts.
fn fraction_problem(value: &str) -> Option<&'static str> {
    let (whole, part) = value.split_once('.').unwrap_or((value, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let zeros = |text: &str| text.bytes().all(|byte| byte == b'0');
    let positive = whole.strip_prefix('-').unwrap_or(whole);
    if !digits(positive) || !digits(part) || positive.len() + part.len() == 0 {
        Some("Not a number of type DOUBLE")
    } else if whole.starts_with('-') && !(zeros(positive) && zeros(part)) {
        Some("Value must be at least 0")
    } else if zeros(positive) || (positive.trim_start_matches('0') == "1" && zeros(part)) {
        None
    } else {
        Some("Value must be no more than 1")
    }
}
