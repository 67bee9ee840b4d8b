//! Reads the heap where its shadow says that something is, and compares the two.

use crate::player::{Held, Player, ROOTS, word_of};
use crate::shadow::{Content, Discipline, From, Id};
use heap::{
    Borrow, Collector, Kind, Loaded, Mutator, Own, Probe, Ref, Shared, Slot, SlotKind, verify,
};

/// An object of the heap and its id in the shadow.
#[derive(Clone, Copy, Debug)]
pub(crate) struct View<'m> {
    pub(crate) id: Id,
    pub(crate) object: Ref<'m>,
}

impl Player {
    /// The place of a slot of the object with this id.
    pub(crate) fn place<K: Kind>(&self, id: Id, slot: u32) -> Slot<K> {
        let is_array = self.shadow.objects[id].form.is_array();
        if is_array { Slot::element(slot) } else { Slot::of_shape(slot) }
    }

    /// Everything that can be reached, nearest to the handles first.
    pub(crate) fn views<'m, C: Collector, P: Probe>(&self, m: &'m Mutator<C, P>) -> Vec<View<'m>> {
        let mut views: Vec<View<'m>> = Vec::new();
        for (id, from) in self.shadow.reach(false, |_| true) {
            let object = match from {
                From::Global(global) => m.get(&ROOTS[global]),
                From::Handle(index) => match self.held[index].as_ref().expect("it is not lost") {
                    Held::Root(root) => m.get(root),
                    Held::Local(local) => m.get(local),
                },
                From::Slot(place, slot) => match self.load(m, views[place], slot) {
                    Loaded::Object(next) => next,
                    other => panic!("slot {slot} of {:?} holds {other:?}", views[place]),
                },
            };
            views.push(View { id, object });
        }
        views
    }

    /// What a slot holds.
    fn load<'m, C: Collector, P: Probe>(
        &self,
        m: &'m Mutator<C, P>,
        View { id, object }: View<'m>,
        slot: u32,
    ) -> Loaded<'m> {
        let found = match self.shadow.objects[id].form.kind(slot) {
            SlotKind::Own => m.load(object, self.place::<Own>(id, slot)),
            SlotKind::Shared => return m.load_value(object, self.place::<Shared>(id, slot)),
            SlotKind::Borrow => m.upgrade(object, self.place::<Borrow>(id, slot)),
        };
        found.map_or(Loaded::Null, Loaded::Object)
    }

    /// Compares the objects viewed, then the accounts.
    pub(crate) fn compare<'m, C: Collector, P: Probe>(
        &self,
        m: &'m Mutator<C, P>,
        views: &[View<'m>],
    ) {
        let findable = self.shadow.findable();
        for view in views {
            let object = &self.shadow.objects[view.id];
            assert_eq!(m.word(view.object, word_of(object.form, 0)), view.id as u64, "its id");
            assert_eq!(m.word(view.object, word_of(object.form, 1)), object.data, "its data");
            for slot in object.form.slots(|_| true) {
                self.compare_slot(m, *view, slot, &findable);
            }
        }
        let held = self.shadow.reach(true, |kind| kind != SlotKind::Borrow);
        let bytes = held.iter().map(|&(id, _)| self.shadow.objects[id].form.layout().bytes());
        let found =
            verify(m.heap(), &m.context().roots, |object| m.collector().is_allocated(object));
        let found = found.unwrap_or_else(|defect| panic!("the heap is broken: {defect:?}"));
        assert_eq!(found.objects, held.len() as u64, "objects reachable");
        assert_eq!(found.bytes, bytes.map(u64::from).sum::<u64>(), "bytes reachable");
        assert_eq!(found, m.reachable().expect("address space"), "the survey finds the same");
        assert_eq!(m.footprint().total_bytes(), m.heap().budget().held_bytes());
        let (occupied, allocated) = (m.collector().occupied().objects, self.shadow.allocated());
        if self.shadow.discipline == Discipline::Traces {
            let reached = self.shadow.reach(true, |_| true).len() as u64;
            assert!((reached..=allocated).contains(&occupied), "{occupied} objects not reclaimed");
        } else {
            assert_eq!(occupied, allocated, "objects not reclaimed");
        }
    }

    fn compare_slot<'m, C: Collector, P: Probe>(
        &self,
        m: &'m Mutator<C, P>,
        view: View<'m>,
        slot: u32,
        findable: &[bool],
    ) {
        let object = &self.shadow.objects[view.id];
        let expected = match object.slot(slot) {
            Content::To(target)
                if object.form.kind(slot) == SlotKind::Borrow && !findable[target] =>
            {
                if self.shadow.discipline.trusts_programs() {
                    // It dangles: reading it is the mistake that this discipline allows.
                    return;
                }
                Content::Null
            }
            content => content,
        };
        let found = match self.load(m, view, slot) {
            Loaded::Null => Content::Null,
            Loaded::Int(int) => Content::Int(int),
            Loaded::Object(child) => {
                let Content::To(target) = expected else {
                    panic!("slot {slot} of {view:?} refers to an object, not to {expected:?}");
                };
                Content::To(m.word(child, word_of(self.shadow.objects[target].form, 0)) as Id)
            }
        };
        assert_eq!(found, expected, "slot {slot} of {view:?}");
    }
}
