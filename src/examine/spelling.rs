//! Which known word a misspelt one was meant to be.

/// The word of `known` that differs from `typed` by a letter or two, by more where it is long; of several the nearest.
pub fn nearest(typed: &str, known: impl IntoIterator<Item = &'static str>) -> Option<&'static str> {
    let most = match typed.chars().count() {
        0..=2 => 0,
        3..=7 => 1,
        8..=12 => 2,
        _ => 3,
    };
    let distances = known.into_iter().map(|known| (strsim::osa_distance(known, typed), known));
    distances.min().filter(|(distance, _)| *distance <= most).map(|(_, known)| known)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_of_few_letters_may_differ_by_few() {
        for (typed, meant) in [
            ("pbu", Some("pub")),
            ("pub", Some("pub")),
            ("sb", None),
            ("retian", Some("retain")),
            ("retained", Some("retain")),
            ("retaining", None),
            ("protocol-verzion", Some("protocol-version")),
            ("protokoll-verzion", Some("protocol-version")),
            ("", None),
        ] {
            assert_eq!(nearest(typed, ["pub", "sub", "retain", "protocol-version"]), meant, "{typed}");
        }
    }
}
