//! How files and directories of a log directory are called.

use machine::Chance;

use crate::id::{Offset, TopicPartition};

/// What the name of a deleted topic's directory ends with.
pub(super) const DELETED_DIRECTORY: &str = "-delete";
/// What the name of a deleted file ends with.
pub(super) const DELETED: &str = ".deleted";
/// The leader epochs of a replica.
pub(super) const EPOCHS: &str = "leader-epoch-checkpoint";
/// Left by a clean shutdown.
pub(super) const CLEAN: &str = ".kafka_cleanshutdown";
/// Not every file has been moved here yet from the replica's own directory. Kafka renames directories at once; here
/// files are renamed one by one, and this file is the memory of it. It is there for no longer than that takes.
pub(super) const UNFINISHED: &str = ".unfinished";

/// The longest name of a file or directory.
const NAME_MAX: usize = 255;

/// `DIR/00000000000000001024.log`
pub(super) fn of_segment(directory: &str, base: Offset, ending: &str) -> String {
    format!("{directory}/{:020}.{ending}", base.0)
}

/// The base offset and the ending of a segment's file name, if it is one.
pub(super) fn segment(name: &str) -> Option<(Offset, &str)> {
    let (digits, ending) = name.split_once('.')?;
    let is_number = digits.len() == 20 && digits.bytes().all(|digit| digit.is_ascii_digit());
    let base = is_number.then(|| digits.parse().ok()).flatten()?;
    Some((Offset(base), ending))
}

/// The replica whose directory has this name, `topic-partition`.
pub(super) fn partition(directory: &str) -> Option<TopicPartition> {
    let (topic, partition) = directory.rsplit_once('-')?;
    let is_number = !partition.is_empty() && partition.bytes().all(|digit| digit.is_ascii_digit());
    let partition = is_number.then(|| partition.parse().ok()).flatten()?;
    (!topic.is_empty()).then(|| TopicPartition::new(topic, partition))
}

/// The replica that had the files in this directory, `topic-partition.<32 hex digits>-delete`.
pub(super) fn deleted_partition(directory: &str) -> Option<TopicPartition> {
    let (name, unique) = directory.strip_suffix(DELETED_DIRECTORY)?.rsplit_once('.')?;
    let is_unique = unique.len() == 32 && unique.bytes().all(|digit| digit.is_ascii_hexdigit());
    is_unique.then(|| partition(name)).flatten()
}

/// A new name for the directory of a replica that is deleted, with a random UUID (`Log.logDeleteDirName`).
pub(super) fn deleted_directory(of: &TopicPartition, chance: &mut Chance) -> String {
    let high = chance.bits() & !0xf000 | 0x4000;
    let low = chance.bits() & !(0xc << 60) | 0x8 << 60;
    let suffix = format!("-{}.{high:016x}{low:016x}{DELETED_DIRECTORY}", of.partition);
    let topic = &of.topic[..of.topic.len().min(NAME_MAX - suffix.len())];
    format!("{topic}{suffix}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_say_what_they_name() {
        assert_eq!(segment("00000000000000001024.log"), Some((Offset(1024), "log")));
        assert_eq!(segment("1024.log"), None);
        assert_eq!(segment("00000000000000001024.log.deleted").expect("a name").1, "log.deleted");
        assert_eq!(partition("a-b-12"), Some(TopicPartition::new("a-b", 12)));
        assert_eq!(partition("a-"), None);
        let mut chance =
            Chance::stream(1, "n", 0, machine::ChanceKey { part: 0, purpose: "names" });
        let name = deleted_directory(&TopicPartition::new("a-b", 12), &mut chance);
        assert_eq!(deleted_partition(&name), Some(TopicPartition::new("a-b", 12)));
        assert_eq!(partition(&name), None);
    }
}
