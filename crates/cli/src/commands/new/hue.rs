//! A colour for a new collector that no other collector has.

/// Blues and purples that no collector of the workbench has, for a light and a dark page. Each is at
/// least as far from those, and from the others here, as those are from one another, also to eyes that
/// lack a kind of cone (least distance in CIELAB under the simulation of Machado, Oliveira and Fernandes,
/// 2009: 12).
const SPARE: [(u32, u32); 6] = [
    (0x87_44E4, 0xE2_D2F9),
    (0x1E_1070, 0x67_51E6),
    (0x93_1578, 0xE6_51C6),
    (0x67_99E9, 0x9D_BDF1),
    (0x33_1BBB, 0x8A_79EC),
    (0x35_1D33, 0x92_4F8C),
];

/// The first light and dark colour, `#rrggbb`, whose light one is not in the text `table`. If all are,
/// the first with another shade of green: distinct enough for a chart, and users can choose.
pub(crate) fn unused(table: &str) -> (String, String) {
    let table = table.to_ascii_uppercase();
    let as_text = |(light, dark): (u32, u32)| (format!("#{light:06X}"), format!("#{dark:06X}"));
    let shades = (0..=0xFF).flat_map(|green| SPARE.map(|(light, dark)| (light ^ green << 8, dark)));
    let unused = shades.map(as_text).find(|(light, _)| !table.contains(light));
    unused.unwrap_or_else(|| as_text(SPARE[0]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use collectors::registry::{Info, standard};
    use std::collections::HashSet;

    #[test]
    fn no_spare_colour_is_a_collectors() {
        let mut taken: Vec<String> = SPARE.map(|(light, _)| format!("#{light:06X}")).into();
        let registry = standard::<()>();
        taken.extend(registry.entries().iter().map(|entry| entry.info.light.to_owned()));
        let count = taken.len();
        taken.sort();
        taken.dedup();
        assert_eq!(taken.len(), count, "a light colour appears twice");
        let Info { light, .. } = registry.entries()[0].info;
        assert_ne!(unused(light).0, light);
    }

    #[test]
    fn colours_do_not_run_out() {
        let (mut table, mut given) = (String::new(), HashSet::new());
        for number in 0..40 {
            let (light, _) = unused(&table);
            // A table may spell colours in small letters.
            table += &light.to_ascii_lowercase();
            assert!(given.insert(light), "colour {number} was given before: {table}");
        }
    }
}
