//! Suggestions for unknown names.

/// Minimum similarity (Jaro-Winkler, 0 to 1) of a suggestion.
const SIMILARITY_MIN: f64 = 0.7;

/// The known name most similar to `wanted`, if one is similar enough.
pub(crate) fn nearest<'a>(wanted: &str, known: &'a [&'a str]) -> Option<&'a &'a str> {
    let known = known.iter().map(|name| (strsim::jaro_winkler(wanted, name), name));
    let near = known.filter(|(similarity, _)| *similarity >= SIMILARITY_MIN);
    near.max_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, name)| name)
}

/// The message for an unknown name: the nearest known one, and how to list them all.
pub(crate) fn unknown(kind: &str, wanted: &str, known: &[&str]) -> String {
    let offer = nearest(wanted, known);
    let offer = offer.map_or(";".to_owned(), |name| format!("; did you mean '{name}'?"));
    format!("there is no {kind} '{wanted}'{offer} `gcw list {kind}s` lists all")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_offered_that_is_not_near() {
        let known = ["rc", "mark-sweep", "binary-trees"];
        assert!(unknown("collector", "mark-swep", &known).contains("did you mean 'mark-sweep'?"));
        assert!(!unknown("collector", "zzz", &known).contains("did you mean"));
    }
}
