//! `meta.properties`: whose log directory this is. Written as Java's `Properties.store` does, with the time in the
//! second line.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use bytes::Bytes;
use machine::WallTime;

/// The version of the format, which is a property itself.
const VERSION: (&str, &str) = ("version", "0");

/// The text of the file.
pub(super) fn text(properties: &BTreeMap<String, String>, now: WallTime) -> Bytes {
    let mut text = format!("#\n#{}\n", java_date(now));
    let mut all: BTreeMap<&str, &str> =
        properties.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
    all.insert(VERSION.0, VERSION.1);
    for (key, value) in all {
        writeln!(text, "{}={}", escaped(key), escaped(value))
            .expect("writing to a string cannot fail");
    }
    text.into()
}

/// The properties in a file. `version` is one of them.
pub(super) fn properties(text: &[u8]) -> BTreeMap<String, String> {
    let text = String::from_utf8_lossy(text);
    let lines = text.lines().map(str::trim_start);
    let told = lines.filter(|line| !line.starts_with(['#', '!']));
    told.filter_map(|line| line.split_once('='))
        .map(|(key, value)| (unescaped(key.trim_end()), unescaped(value.trim_start())))
        .collect()
}

fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        if matches!(letter, ':' | '=' | '#' | '!' | '\\' | ' ') {
            escaped.push('\\');
        }
        escaped.push(letter);
    }
    escaped
}

fn unescaped(text: &str) -> String {
    let mut unescaped = String::with_capacity(text.len());
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        unescaped.extend(if letter == '\\' { letters.next() } else { Some(letter) });
    }
    unescaped
}

/// `EEE MMM dd HH:mm:ss zzz yyyy` in UTC: `Thu Jan 01 00:00:00 UTC 1970`.
fn java_date(at: WallTime) -> String {
    const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
    const MONTHS: [(&str, u64); 12] = [
        ("Jan", 31),
        ("Feb", 28),
        ("Mar", 31),
        ("Apr", 30),
        ("May", 31),
        ("Jun", 30),
        ("Jul", 31),
        ("Aug", 31),
        ("Sep", 30),
        ("Oct", 31),
        ("Nov", 30),
        ("Dec", 31),
    ];
    let seconds = at.as_micros() / 1_000_000;
    let (days, time) = (seconds / 86_400, seconds % 86_400);
    let is_leap = |year: u64| {
        year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
    };
    let (mut year, mut left) = (1970, days);
    while left >= 365 + u64::from(is_leap(year)) {
        left -= 365 + u64::from(is_leap(year));
        year += 1;
    }
    let mut month = 0;
    let length = |month: usize| MONTHS[month].1 + u64::from(month == 1 && is_leap(year));
    while left >= length(month) {
        left -= length(month);
        month += 1;
    }
    let (hour, minute, second) = (time / 3_600, time / 60 % 60, time % 60);
    let (weekday, month) = (DAYS[(days % 7) as usize], MONTHS[month].0);
    format!("{weekday} {month} {:02} {hour:02}:{minute:02}:{second:02} UTC {year}", left + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn meta_properties_are_those_of_java() {
        let at = |seconds: u64| WallTime::from_micros(seconds * 1_000_000);
        assert_eq!(java_date(at(0)), "Thu Jan 01 00:00:00 UTC 1970");
        assert_eq!(java_date(at(951_782_400 + 3_661)), "Tue Feb 29 01:01:01 UTC 2000");
        assert_eq!(java_date(at(1_795_212_571)), "Fri Nov 20 22:09:31 UTC 2026");
        let mut ours = BTreeMap::from([("broker.id".to_owned(), "1".to_owned())]);
        let text = text(&ours, at(0));
        assert_eq!(text, "#\n#Thu Jan 01 00:00:00 UTC 1970\nbroker.id=1\nversion=0\n");
        ours.insert("version".into(), "0".into());
        assert_eq!(properties(&text), ours);
        ours.insert("cluster.id".into(), "a=b c:d\\e".into());
        assert_eq!(properties(&super::text(&ours, at(0))), ours);
    }
}
