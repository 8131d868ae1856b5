//! What somebody may have meant.

/// The names nearest to `word`, best first, if any is near enough to have been meant.
pub(crate) fn nearest<'a>(word: &str, names: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    const NEAREST_MAX: usize = 3;
    let mut near: Vec<_> = names
        .into_iter()
        .map(|name| (distance(word, name), name))
        .filter(|&(distance, name)| distance * 2 <= name.chars().count() || name.contains(word))
        .collect();
    near.sort_unstable();
    near.into_iter().take(NEAREST_MAX).map(|(_, name)| name).collect()
}

/// How many letters to insert, remove or replace (Levenshtein).
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<_> = other.chars().collect();
    let mut row: Vec<_> = (0..=other.len()).collect();
    for (index, letter) in one.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = index + 1;
        for (column, &opposite) in other.iter().enumerate() {
            let replaced = diagonal + usize::from(letter != opposite);
            diagonal = row[column + 1];
            row[column + 1] = replaced.min(row[column] + 1).min(diagonal + 1);
        }
    }
    row[other.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_near_and_strangers_are_not() {
        let names = ["exactly-once-pipe", "w1", "zoo-1"];
        assert_eq!(nearest("exactly-one-pipe", names), ["exactly-once-pipe"]);
        assert_eq!(nearest("pipe", names), ["exactly-once-pipe"]);
        assert_eq!(nearest("w2", names), ["w1"]);
        assert_eq!(nearest("kubernetes", names), [""; 0]);
    }

    #[test]
    fn distances_are_counted_in_letters() {
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("same", "same"), 0);
    }
}
