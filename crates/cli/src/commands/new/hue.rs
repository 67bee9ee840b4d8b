//! Colours for a new collector that no other has.

/// A colour on a light and on a dark page, `#rrggbb` each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Hue {
    /// On a light page.
    pub(crate) light: String,
    /// On a dark page.
    pub(crate) dark: String,
}

/// Blues and purples that no collector of the workbench has. Each is at least as far from those, and
/// from the others here, as those are from one another, also to eyes that lack a kind of cone (least
/// distance in CIELAB under the simulation of Machado, Oliveira and Fernandes, 2009: 12).
const SPARE: [(&str, &str); 6] = [
    ("#8744E4", "#E2D2F9"),
    ("#1E1070", "#6751E6"),
    ("#931578", "#E651C6"),
    ("#6799E9", "#9DBDF1"),
    ("#331BBB", "#8A79EC"),
    ("#351D33", "#924F8C"),
];

impl Hue {
    /// The first colour that does not stand in a table. Where all of them do, one that differs by
    /// little: charts can tell no colours apart that are the same, and users can choose.
    pub(crate) fn unused(table: &str) -> Self {
        let table = table.to_ascii_uppercase();
        let nearby = |step: u32| SPARE.map(|(light, dark)| (shifted(light, step), dark.to_owned()));
        (0..=u8::MAX.into())
            .flat_map(nearby)
            .find(|(light, _)| !table.contains(light))
            .map_or_else(|| Self::of(SPARE[0]), |(light, dark)| Self { light, dark })
    }

    fn of((light, dark): (&str, &str)) -> Self {
        Self { light: light.to_owned(), dark: dark.to_owned() }
    }
}

/// The colour with a little more green.
fn shifted(colour: &str, step: u32) -> String {
    let rgb = u32::from_str_radix(&colour[1..], 16).unwrap_or_default();
    let green = (rgb >> 8 & 0xFF).wrapping_add(step) & 0xFF;
    format!("#{:06X}", rgb & 0xFF_00FF | green << 8)
}

#[cfg(test)]
mod tests {
    use super::*;
    use collectors::registry::{Info, standard};
    use std::collections::HashSet;

    #[test]
    fn no_spare_colour_is_a_collectors() {
        let mut taken: Vec<String> = SPARE.map(|(light, _)| light.to_owned()).into();
        let registry = standard::<()>();
        taken.extend(registry.entries().iter().map(|entry| entry.info.light.to_owned()));
        let count = taken.len();
        taken.sort();
        taken.dedup();
        assert_eq!(taken.len(), count, "a light colour appears twice");
        let Info { light, .. } = registry.entries()[0].info;
        assert_ne!(Hue::unused(light).light, light);
    }

    #[test]
    fn colours_do_not_run_out() {
        let (mut table, mut given) = (String::new(), HashSet::new());
        for number in 0..40 {
            let hue = Hue::unused(&table);
            // As somebody may have written it.
            table += &hue.light.to_ascii_lowercase();
            assert!(given.insert(hue.light), "colour {number} was given before: {table}");
        }
    }
}
