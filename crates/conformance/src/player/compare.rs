//! Reads the objects of the shadow in the real heap, and compares the two.

use crate::detector::{Detector, Place, violate};
use crate::player::colours;
use crate::player::state::{Held, M, Player, ROOTS, View, word_of};
use crate::shadow::{Content, From, Id};
use heap::{
    BLOCK_BYTES, Borrow, Collector, Extent, Loaded, ObjectReference, Offset32, Own, Shared,
    SlotKind, verify,
};

/// Number of objects up to which all are compared after every operation; with more it would be slow.
const OFTEN_COMPARED: usize = 64;

impl Player<'_> {
    pub(crate) fn expect_nothing_taken(&self, content: Content, taken: bool) {
        if self.checks(Detector::Model) && (taken || content != Content::Null) {
            let found = if taken { "an object" } else { "nothing" };
            let message = format!("`take` found {found}, where {content:?} should be");
            violate(Detector::Model, message, None);
        }
    }

    /// All reachable objects, newest handle first. Missing ones are left out if the model is switched off.
    pub(crate) fn views<'m>(&self, m: &'m M) -> Vec<View<'m>> {
        // An object that only an ephemeron keeps is left out: a load would keep it longer.
        let reached = self.shadow.reach(false, |kind| !kind.is_weak());
        let mut found: Vec<Option<View<'m>>> = Vec::with_capacity(reached.len());
        for (id, from) in reached {
            let object = match from {
                From::Queue => None,
                From::Global(global) => m.try_get(&ROOTS[global]),
                From::Handle(index) => match &self.held[index] {
                    Some(Held::Root(root)) => Some(m.get(root)),
                    Some(Held::Local(local)) => m.try_get(local),
                    None => None,
                },
                From::Slot(place, slot) => {
                    found[place].and_then(|holder| match self.load(m, holder, slot) {
                        Loaded::Object(next) => Some(next),
                        other => {
                            self.differs(holder.id, slot, format!("{other:?}, not object #{id}"));
                            None
                        }
                    })
                }
            };
            if object.is_none() && !matches!(from, From::Slot(..)) {
                self.differs(id, 0, format!("object #{id} is rooted, but its root is empty"));
            }
            found.push(object.map(|object| View { id, object }));
        }
        found.into_iter().flatten().collect()
    }

    /// The objects that are allocated and have an id, whether the program can reach them or not. Litter has none.
    pub(crate) fn placed(&self, m: &M) -> Vec<(Id, ObjectReference)> {
        let memory = m.heap().memory();
        let id = |object| {
            let extent = Extent::of(memory, object);
            let word = extent.first + extent.slots.next_multiple_of(2);
            memory.read(object, Offset32::word(word)) as Id
        };
        let objects = m.collector().objects().into_iter().map(|object| (id(object), object));
        objects.filter(|&(id, _)| id < self.shadow.objects.len()).collect()
    }

    /// The content of a slot.
    fn load<'m>(&self, m: &'m M, View { id, object }: View<'m>, slot: u32) -> Loaded<'m> {
        let found = match self.shadow.objects[id].form.kind(slot) {
            SlotKind::Own => m.load(object, self.place::<Own>(id, slot)),
            SlotKind::Shared => return m.load_value(object, self.place::<Shared>(id, slot)),
            SlotKind::Borrow => m.upgrade(object, self.place::<Borrow>(id, slot)),
            SlotKind::Weak | SlotKind::Ephemeral => {
                unreachable!("weak slots are compared in `weak.rs`")
            }
        };
        found.map_or(Loaded::Null, Loaded::Object)
    }

    /// Compares the viewed objects, then the whole graph and the accounts; with many objects, not after every
    /// operation.
    pub(crate) fn compare<'m>(&self, m: &'m M, views: &[View<'m>]) {
        m.collector().poison(m.heap().memory());
        let every = (self.shadow.allocated() as usize + views.len()) / OFTEN_COMPARED + 1;
        if !self.begun().is_multiple_of(every) {
            return;
        }
        if self.checks(Detector::Model) || self.checks(Detector::Stamps) {
            let findable = self.shadow.findable();
            views.iter().for_each(|&view| self.compare_object(m, view, &findable));
        }
        self.verify(m);
        if self.checks(Detector::Colours) {
            colours::check(m);
        }
        self.compare_occupied(m, false);
        self.compare_account(m);
    }

    fn compare_object<'m>(&self, m: &'m M, view: View<'m>, findable: &[bool]) {
        let object = &self.shadow.objects[view.id];
        let id = m.word(view.object, word_of(object.form, 0));
        if id != view.id as u64 {
            self.differs(view.id, 0, format!("object #{id} is where object #{} was", view.id));
        }
        let data = m.word(view.object, word_of(object.form, 1));
        if data != object.data {
            self.differs(view.id, 0, format!("holds {data:#x}, not {:#x}", object.data));
        }
        for slot in object.form.slots(|kind| !kind.is_weak()) {
            self.compare_slot(m, view, slot, findable);
        }
    }

    fn compare_slot<'m>(&self, m: &'m M, view: View<'m>, slot: u32, findable: &[bool]) {
        let object = &self.shadow.objects[view.id];
        let expected = match object.slot(slot) {
            Content::To(target)
                if object.form.kind(slot) == SlotKind::Borrow && !findable[target] =>
            {
                if self.shadow.rules.trust_programs() {
                    // It dangles: this discipline allows the mistake of reading it.
                    return;
                }
                Content::Null
            }
            content => content,
        };
        let found = match (self.load(m, view, slot), expected) {
            (Loaded::Null, _) => Content::Null,
            (Loaded::Int(int), _) => Content::Int(int),
            (Loaded::Object(child), Content::To(target)) => {
                let form = self.shadow.objects[target].form;
                Content::To(m.word(child, word_of(form, 0)) as Id)
            }
            (Loaded::Object(_), _) => {
                self.differs(view.id, slot, format!("refers to an object, not to {expected:?}"));
                return;
            }
        };
        if found != expected {
            self.differs(view.id, slot, format!("holds {found:?}, not {expected:?}"));
        }
    }

    /// Verifies the graph without the model, then compares its size.
    fn verify(&self, m: &M) {
        if !self.checks(Detector::Verifier) && !self.checks(Detector::Model) {
            return;
        }
        let is_allocated = |object| m.collector().parts().is_allocated(object);
        match verify(m.heap(), &m.context().roots, is_allocated) {
            Err(defect) if self.checks(Detector::Verifier) => {
                let place = Place::of(defect.parent, defect.slot, defect.child);
                violate(Detector::Verifier, defect.what.to_owned(), Some(place));
            }
            Err(_) => {}
            Ok(found) if self.checks(Detector::Model) => {
                let held = self.shadow.reach(true, |kind| kind != SlotKind::Borrow);
                let form = |&(id, _): &(Id, From)| self.shadow.objects[id].form;
                let bytes: u64 = held.iter().map(|o| u64::from(form(o).layout().bytes())).sum();
                if (found.objects, found.bytes) != (held.len() as u64, bytes) {
                    let message = format!(
                        "{} objects of {} bytes can be reached, not {} of {bytes}",
                        found.objects,
                        found.bytes,
                        held.len()
                    );
                    violate(Detector::Model, message, None);
                }
            }
            Ok(_) => {}
        }
    }

    /// Verifies the tables of the collector.
    pub(crate) fn verify_tables(&self, m: &M) {
        if self.checks(Detector::Verifier)
            && let Err(message) = m.verify_collector()
        {
            violate(Detector::Verifier, message, None);
        }
    }

    /// Compares the number of allocated objects: it is exact, except under a discipline that reclaims at
    /// collections and has not just done so: there it lies between those that a collection would leave and those
    /// that the last one left, with all allocated since.
    pub(crate) fn compare_occupied(&self, m: &M, has_collected: bool) {
        if !self.checks(Detector::Liveness) {
            return;
        }
        let (occupied, allocated) =
            (m.collector().parts().allocated().objects, self.shadow.allocated());
        let least = if has_collected { allocated } else { self.shadow.kept() };
        if !(least..=allocated).contains(&occupied) {
            let expected = if least == allocated {
                allocated.to_string()
            } else {
                format!("{least} to {allocated}")
            };
            let message = format!("{occupied} objects are allocated, not {expected}");
            violate(Detector::Liveness, message, None);
        }
    }

    /// Compares the reserved bytes before and after regions that have ended.
    pub(crate) fn compare_growth(&self, before: u64, after: u64) {
        if self.checks(Detector::Account) && after > before + 2 * u64::from(BLOCK_BYTES) {
            let message = format!("regions that have ended hold {} bytes more", after - before);
            violate(Detector::Account, message, None);
        }
    }

    pub(crate) fn compare_account(&self, m: &M) {
        let (sum, held) = (m.footprint().total_bytes(), m.heap().budget().committed_bytes());
        if self.checks(Detector::Account) && sum != held {
            let message = format!("the parts hold {sum} bytes, the heap {held}");
            violate(Detector::Account, message, None);
        }
    }
}
