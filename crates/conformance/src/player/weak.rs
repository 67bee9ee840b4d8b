//! Weak slots, ephemerons and finalizable objects, which collections of the collector's own accord change.
//!
//! The shadow cannot know beforehand when such a collection clears a weak slot. So it reads the real heap, and
//! checks it: a slot may be cleared, and an object become finalizable, only if the program cannot reach the
//! object; and after a requested collection all of them must be.

use crate::detector::{Detector, violate};
use crate::player::state::{Held, M, Player, View, word_of};
use crate::program::{Form, Pick};
use crate::rules::Rules;
use crate::shadow::{Content, Id};
use heap::{Collector, Ephemeral, Extent, Ref, SlotKind, Value, Weak};
use std::collections::VecDeque;

impl Player<'_> {
    /// Registers a handle's object for finalization. Its tag is the number of the operation.
    pub(crate) fn finalize(&mut self, m: &mut M, handle: Pick) {
        let refers = |held: &Held| match held {
            Held::Root(_) => true,
            Held::Local(local) => m.try_get(local).is_some(),
        };
        let Some(index) = self.handle(handle, refers).filter(|_| m.collector().caps().finalizers)
        else {
            return;
        };
        let target = self.shadow.handles[index].and_then(|hold| hold.target);
        let tag = self.begun() as u32;
        match &self.held[index] {
            Some(Held::Root(root)) => m.finalize(root, tag),
            Some(Held::Local(local)) => m.finalize(local, tag),
            None => unreachable!("it was picked"),
        }
        self.shadow.registered.push((target.expect("it refers to an object"), tag));
    }

    /// Takes the next finalizable object.
    pub(crate) fn poll(&mut self, m: &mut M) {
        let expected = self.shadow.ready.pop_front();
        match (m.finalizable(), expected) {
            (Some((local, tag)), Some((id, expected))) if tag == expected => {
                self.is_object(m, m.get(&local), id, (id, 0));
                self.hold_local(local, Some(id));
                self.follow_weak(m, true);
            }
            (None, None) => {}
            (found, expected) => self.queue_differs(format!("gave {found:?}, not {expected:?}")),
        }
    }

    /// A local of the referent of a weak or ephemeral slot.
    pub(crate) fn upgrade<'m>(&mut self, m: &'m M, view: View<'m>, slot: u32) {
        let found = match self.shadow.objects[view.id].form.kind(slot) {
            SlotKind::Weak => m.upgrade(view.object, self.place::<Weak>(view.id, slot)),
            _ => m.upgrade(view.object, self.place::<Ephemeral>(view.id, slot)),
        };
        // Its content was compared after the last operation that may reclaim.
        if let (Some(object), Content::To(id)) = (found, self.shadow.objects[view.id].slot(slot)) {
            self.hold_local(m.local(object), Some(id));
            self.follow_weak(m, true);
        }
    }

    /// Follows the changes that collections made since the last call. With `was_hidden` the program has just obtained
    /// objects that it could not reach before: their slots may have been cleared meanwhile.
    pub(crate) fn follow_weak(&mut self, m: &M, was_hidden: bool) {
        let hides = |form| matches!(form, Form::WeakArray(_) | Form::Ephemerons(_));
        let nothing_hides = self.shadow.objects.iter().all(|object| !hides(object.form));
        if nothing_hides && self.shadow.registered.is_empty() && self.shadow.ready.is_empty() {
            return;
        }
        let is_reached = self.shadow.reached(&VecDeque::new());
        self.follow_queue(m, &is_reached);
        let views = self.views(m);
        for &view in &views {
            if hides(self.shadow.objects[view.id].form) {
                self.follow_array(m, view, &is_reached, was_hidden);
            }
        }
        self.follow_hidden(m, &views);
    }

    /// Follows the arrays that the program cannot read, for lost handles or finalizable objects hold them: a
    /// key that dies and becomes finalizable in the same collection would else seem to keep its value.
    fn follow_hidden(&mut self, m: &M, views: &[View<'_>]) {
        let mut is_hidden = self.shadow.reached(&self.shadow.ready);
        views.iter().for_each(|view| is_hidden[view.id] = false);
        for (hides, object) in is_hidden.iter_mut().zip(&self.shadow.objects) {
            *hides &= matches!(object.form, Form::WeakArray(_) | Form::Ephemerons(_));
        }
        if !is_hidden.contains(&true) || self.shadow.rules == Rules::CountsWeakly {
            return;
        }
        let memory = m.heap().memory();
        for (id, object) in self.placed(m).into_iter().filter(|&(id, _)| is_hidden[id]) {
            let extent = Extent::of(memory, object);
            for slot in self.shadow.objects[id].form.slots(|_| true) {
                if memory.read(object, extent.slot(slot)) == Value::NULL.bits() {
                    self.shadow.set(id, slot, Content::Null);
                }
            }
        }
    }

    /// Follows the queue of finalizable objects.
    fn follow_queue(&mut self, m: &M, is_reached: &[bool]) {
        let found: Vec<u32> = m.context().weak.ready().map(|(_, tag)| tag).collect();
        let known = self.shadow.ready.len();
        let expected = self.shadow.ready.iter().map(|&(_, tag)| tag);
        if found.len() < known || !expected.eq(found.iter().copied().take(known)) {
            let ready = &self.shadow.ready;
            self.queue_differs(format!("holds {found:?}, not {ready:?}"));
        }
        for &tag in found.iter().skip(known) {
            let watched = &mut self.shadow.registered;
            let Some(place) = watched.iter().position(|&(_, other)| other == tag) else {
                self.queue_differs(format!("holds {tag}, which is not registered any more"));
                continue;
            };
            let (id, _) = watched.remove(place);
            if is_reached[id] {
                self.queue_differs(format!("holds object #{id}, which can be reached"));
            }
            self.shadow.ready.push_back((id, tag));
        }
    }

    fn queue_differs(&self, what: String) {
        if self.checks(Detector::Model) {
            violate(Detector::Model, format!("the queue of finalizable objects {what}"), None);
        }
    }

    /// Follows the slots of one array.
    fn follow_array<'m>(
        &mut self,
        m: &'m M,
        view: View<'m>,
        is_reached: &[bool],
        was_hidden: bool,
    ) {
        let form = self.shadow.objects[view.id].form;
        if self.shadow.rules == Rules::CountsWeakly {
            return self.compare_counted(m, view);
        }
        let may_be_cleared = |key| match key {
            Content::To(key) => was_hidden || !is_reached[key],
            _ => true,
        };
        for slot in form.slots(|_| true) {
            let (holds, key) = {
                let object = &self.shadow.objects[view.id];
                let is_value = matches!(form, Form::Ephemerons(_)) && slot % 2 == 1;
                (object.slot(slot), object.slot(if is_value { slot - 1 } else { slot }))
            };
            let found = match form.kind(slot) {
                SlotKind::Weak => m.peek(view.object, self.place::<Weak>(view.id, slot)),
                _ => m.peek(view.object, self.place::<Ephemeral>(view.id, slot)),
            };
            match (found, holds) {
                (Some(object), Content::To(id)) => self.is_object(m, object, id, (view.id, slot)),
                (None, Content::To(_)) if may_be_cleared(key) => {
                    self.shadow.set(view.id, slot, Content::Null);
                }
                (None, Content::To(id)) => {
                    let what = format!("was cleared, though object #{id} can be reached");
                    self.differs(view.id, slot, what);
                }
                (Some(_), _) => self.differs(view.id, slot, "was not cleared".to_owned()),
                (None, _) => {}
            }
        }
    }

    /// Where weak slots are counted, they are null as soon as the referent is dead.
    fn compare_counted<'m>(&self, m: &'m M, view: View<'m>) {
        let (object, findable) = (&self.shadow.objects[view.id], self.shadow.findable());
        for slot in object.form.slots(|_| true) {
            let found = m.upgrade(view.object, self.place::<Weak>(view.id, slot));
            match (found, object.slot(slot)) {
                (Some(found), Content::To(id)) if findable[id] => {
                    self.is_object(m, found, id, (view.id, slot));
                }
                (None, Content::To(id)) if findable[id] => {
                    self.differs(view.id, slot, format!("is null, not object #{id}"));
                }
                (Some(_), _) => self.differs(view.id, slot, "is not null".to_owned()),
                (None, _) => {}
            }
        }
    }

    /// Checks that the object found in a slot is the expected one.
    fn is_object(&self, m: &M, object: Ref<'_>, id: Id, (holder, slot): (Id, u32)) {
        let found = m.word(object, word_of(self.shadow.objects[id].form, 0));
        if found != id as u64 {
            self.differs(holder, slot, format!("refers to object #{found}, not #{id}"));
        }
    }
}
