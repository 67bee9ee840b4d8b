//! Tests of `plan.rs`.

use super::*;
use crate::fixture::{any, manifest, some_refused};
use std::collections::BTreeSet;

fn names(cells: &[Planned]) -> Vec<String> {
    let twin = |p: &Planned| if p.twin { " twin" } else { "" };
    let mut names: Vec<_> =
        cells.iter().map(|p| format!("{}@{}{}", p.cell.collector, p.cell.heap, twin(p))).collect();
    names.sort();
    names
}

#[test]
fn a_block_holds_every_cell_once_and_a_timed_one_the_twins_of_the_reference() {
    let manifest = manifest(7);
    let plan = Plan::new(&manifest, None, &any);
    let once = ["bound@1.5x", "bound@3x", "bound@64MiB", "loose@64MiB", "loose@unlimited"];
    assert_eq!(names(&plan.block(0, Mode::Memory, 0)), once);
    let timed = names(&plan.block(1, Mode::Time, 3));
    let twins = ["bound@1.5x twin", "bound@3x twin", "bound@64MiB twin"];
    assert_eq!(timed.iter().collect::<BTreeSet<_>>(), {
        let all: Vec<String> = once.iter().chain(&twins).map(|&name| name.to_owned()).collect();
        all.leak().iter().collect()
    });
}

#[test]
fn passes_come_in_the_order_of_what_an_interrupted_run_needs() {
    let manifest = manifest(3);
    let passes = Plan::new(&manifest, Some("bound"), &some_refused).passes();
    let modes: Vec<_> = passes.iter().map(|p| (p.ruled_out.is_none(), p.cell.mode)).collect();
    let of = |wanted| modes.iter().filter(|&&(_, mode)| mode == wanted).count();
    // Five cells of a, three of b; of each mode.
    assert_eq!((of(Mode::Memory), of(Mode::Census)), (8, 2));
    assert_eq!(of(Mode::Pauses), 8 * PAUSE_BLOCKS as usize);
    let place = |mode| modes.iter().position(|&pass| pass == (true, mode)).unwrap();
    assert!(modes[..2].iter().all(|pass| !pass.0), "pairs that cannot work come first");
    assert!(place(Mode::Memory) < place(Mode::Census));
    assert!(place(Mode::Census) < place(Mode::Pauses));
}

#[test]
fn a_run_has_only_the_cells_of_its_modes() {
    let whole = manifest(7);
    let all = Plan::new(&whole, Some("bound"), &any).passes();
    let manifest = Manifest { modes: vec![Mode::Pauses], ..whole.clone() };
    let of_pauses = all.into_iter().filter(|p| p.cell.mode == Mode::Pauses).collect::<Vec<_>>();
    assert_eq!(Plan::new(&manifest, Some("bound"), &any).passes(), of_pauses);
}

#[test]
fn the_order_follows_the_seed_and_the_number_of_the_block() {
    let order = |seed, block| {
        let manifest = manifest(seed);
        let plan = Plan::new(&manifest, None, &any);
        plan.block(0, Mode::Time, block).iter().map(Planned::key).collect::<Vec<_>>()
    };
    assert_eq!(order(1, 0), order(1, 0));
    let cells = |seed| (0..4).map(|block| names_in_order(seed, block)).collect::<BTreeSet<_>>();
    assert!(cells(1).len() > 1, "the blocks of a run differ");
    assert_ne!(cells(1), cells(2));
}

fn names_in_order(seed: u64, block: u32) -> Vec<String> {
    let manifest = manifest(seed);
    let plan = Plan::new(&manifest, None, &any);
    let cells = plan.block(0, Mode::Time, block);
    cells.iter().map(|p| format!("{} {}", p.cell, p.twin)).collect()
}

#[test]
fn keys_are_distinct_for_all_cells() {
    let manifest = manifest(3);
    let plan = Plan::new(&manifest, Some("bound"), &any);
    let blocks = (0..2).flat_map(|group| (0..5).map(move |block| (group, block)));
    let timed = blocks.flat_map(|(group, block)| plan.block(group, Mode::Time, block));
    let keys: Vec<_> =
        plan.passes().iter().chain(&timed.collect::<Vec<_>>()).map(Planned::key).collect();
    assert_eq!(keys.iter().collect::<BTreeSet<_>>().len(), keys.len());
}

#[test]
fn a_group_without_a_pair_that_works_has_no_blocks() {
    let none = |_: &str, workload: &str| match workload {
        "a" => Err("no".to_owned()),
        _ => Ok(()),
    };
    let manifest = manifest(3);
    let plan = Plan::new(&manifest, None, &none);
    assert_eq!(plan.groups.iter().map(|group| &group.name).collect::<Vec<_>>(), ["b"]);
    assert_eq!(plan.ruled_out.len(), 5);
}

#[test]
fn the_sides_of_a_duel_are_one_block_and_the_last_one_has_the_twin() {
    let base = manifest(3);
    let side = |collector: &str, workload: &str| Cell {
        collector: collector.to_owned(),
        workload: workload.to_owned(),
        size: record::Size::Small,
        heap: HeapSize::Unlimited,
        mode: Mode::Time,
    };
    let sides = vec![side("bound", "a"), side("native:x", "a"), side("loose", "b")];
    let commands = [("native:x".to_owned(), "x --depth 3".to_owned())].into();
    let manifest = Manifest { sides, commands, ..base };
    let plan = Plan::new(&manifest, None, &any);
    let timed = names(&plan.block(0, Mode::Time, 0));
    assert_eq!(
        timed,
        ["bound@unlimited", "loose@unlimited", "loose@unlimited twin", "native:x@unlimited"]
    );
    let memory = names(&plan.block(0, Mode::Memory, 0));
    assert_eq!(memory, ["bound@unlimited", "loose@unlimited"], "a program has one mode");
}
