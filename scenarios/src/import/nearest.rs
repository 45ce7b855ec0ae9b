//! What a misspelt name was probably meant to be.

/// The known name that is at most a fifth of its letters away from `name`, and at least one letter.
pub(super) fn nearest<'k>(name: &str, known: impl Iterator<Item = &'k str>) -> Option<&'k str> {
    let letters: Vec<char> = name.chars().take(80).collect();
    known
        .map(|other| (edits(&letters, other), other))
        .filter(|(edits, other)| *edits <= (other.len() / 5).max(1))
        .min()
        .map(|(_, other)| other)
}

/// How many letters must be added, removed or changed.
fn edits(a: &[char], b: &str) -> usize {
    let mut above: Vec<usize> = (0..=b.chars().count()).collect();
    for (row, x) in a.iter().enumerate() {
        let mut current = vec![row + 1];
        for (column, y) in b.chars().enumerate() {
            let changed = above[column] + usize::from(*x != y);
            current.push(changed.min(above[column + 1] + 1).min(current[column] + 1));
        }
        above = current;
    }
    above.last().copied().unwrap_or_default()
}
