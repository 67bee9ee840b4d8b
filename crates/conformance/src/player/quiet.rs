//! Operations that may not reclaim, on views that were loaded before the first of them.
//!
//! A view stays valid up to the next operation that may reclaim, even if the slot changes from which it was
//! loaded: an unlinked object can be read and linked again.

use crate::player::state::{Held, M, Player, ROOTS, View, choose, word_of};
use crate::program::{Op, Pick};
use crate::shadow::{Content, GLOBALS, Id};
use heap::{Borrow, Ephemeral, Own, Ref, Shared, SlotKind, Weak};

impl Player<'_> {
    /// Does nothing and returns `None` if there is no operand.
    pub(crate) fn quiet_step<'m>(&mut self, m: &'m M, views: &[View<'m>], op: Op) -> Option<()> {
        let own = |kind| kind == SlotKind::Own;
        match op {
            Op::Store(o, slot, target) => {
                let (view, slot) = self.slot(views, o, slot, |kind| !own(kind))?;
                self.store(m, view, slot, self.stored(views, target));
            }
            Op::StoreSelf(o, slot) => {
                let (view, slot) = self.slot(views, o, slot, |kind| !own(kind))?;
                self.store(m, view, slot, Some(view));
            }
            Op::StoreAgain(place) => {
                let (view, slot) = self.filled_slot(views, place)?;
                self.store(m, view, slot, self.target(views, view, slot));
            }
            Op::Clear(place) => {
                let (view, slot) = self.filled_slot(views, place)?;
                self.store(m, view, slot, None);
            }
            Op::MoveSlot(place, o, slot) => {
                let (to, new) = self.slot(views, o, slot, |kind| !own(kind))?;
                let (from, old) = self.filled_slot(views, place)?;
                let target = self.target(views, from, old);
                self.store(m, from, old, None);
                self.store(m, to, new, target);
            }
            Op::StoreInt(o, slot, int) => {
                let shared = |kind| kind == SlotKind::Shared;
                let (view, slot) = self.slot(views, o, slot, shared)?;
                m.store_int(view.object, self.place::<Shared>(view.id, slot), int);
                self.shadow.set(view.id, slot, Content::Int(int));
            }
            Op::Put(o, slot, root) => {
                let (view, slot) = self.slot(views, o, slot, own)?;
                self.put(m, view, slot, root.and_then(|pick| self.root(pick)));
            }
            Op::Take(o, slot) => {
                let (view, slot) = self.slot(views, o, slot, own)?;
                self.take(m, view, slot);
            }
            Op::Swap(a, s, b, t) => {
                let (a, s) = self.slot(views, a, s, own)?;
                let (b, t) = self.slot(views, b, t, own)?;
                m.swap(a.object, self.place(a.id, s), b.object, self.place(b.id, t));
                let from_a = self.shadow.objects[a.id].slot(s);
                let from_b = self.shadow.set(b.id, t, from_a);
                self.shadow.set(a.id, s, from_b);
            }
            Op::SetWord(o, word) => {
                let view = choose(views, o)?;
                let form = self.shadow.objects[view.id].form;
                m.set_word(view.object, word_of(form, 1), word);
                self.shadow.objects[view.id].data = word;
            }
            Op::Keep(o) => {
                let view = choose(views, o)?;
                self.hold_local(m.local(view.object), Some(view.id));
            }
            Op::Upgrade(o, slot) => {
                let (view, slot) = self.slot(views, o, slot, SlotKind::is_weak)?;
                self.upgrade(m, view, slot);
            }
            Op::NullLocal => self.hold_local(m.null_local(), None),
            Op::Assign(local, to) => {
                let local = self.local(local)?;
                let to = self.stored(views, to);
                self.assign(m, local, to.map(|view| (view.id, view.object)));
            }
            Op::AssignGlobal(global, to) => {
                let to = self.stored(views, to).map(|view| (view.id, view.object));
                self.assign_global(m, usize::from(global) % GLOBALS, to);
            }
            _ => unreachable!("it may reclaim"),
        }
        Some(())
    }

    pub(crate) fn store<'m>(
        &mut self,
        m: &'m M,
        holder: View<'m>,
        slot: u32,
        target: Option<View<'m>>,
    ) {
        let View { id, object } = holder;
        let (kind, region) =
            (self.shadow.objects[id].form.kind(slot), self.shadow.objects[id].region);
        let allowed = |id| kind != SlotKind::Shared || self.may_share(region, id);
        let target = target.filter(|target| allowed(target.id));
        let value = target.map(|target| target.object);
        match kind {
            SlotKind::Own => unreachable!("own slots are filled by moves"),
            SlotKind::Shared => m.store(object, self.place::<Shared>(id, slot), value),
            SlotKind::Borrow => m.store(object, self.place::<Borrow>(id, slot), value),
            SlotKind::Weak => m.store(object, self.place::<Weak>(id, slot), value),
            SlotKind::Ephemeral => m.store(object, self.place::<Ephemeral>(id, slot), value),
        }
        let content = target.map_or(Content::Null, |target| Content::To(target.id));
        self.shadow.set(id, slot, content);
    }

    pub(crate) fn put<'m>(&mut self, m: &'m M, holder: View<'m>, slot: u32, root: Option<usize>) {
        let (value, content) = match root {
            None => (None, Content::Null),
            Some(index) => {
                let target = self.part(index, true);
                (Some(self.take_root(index)), Content::To(target))
            }
        };
        m.put(holder.object, self.place(holder.id, slot), value);
        self.shadow.set(holder.id, slot, content);
    }

    fn take<'m>(&mut self, m: &'m M, holder: View<'m>, slot: u32) {
        let root = m.take(holder.object, self.place::<Own>(holder.id, slot));
        let content = self.shadow.set(holder.id, slot, Content::Null);
        match (content, root) {
            (Content::To(child), Some(root)) => self.hold_root(root, child),
            (content, root) => self.expect_nothing_taken(content, root.is_some()),
        }
    }

    pub(crate) fn assign(&mut self, m: &M, local: usize, to: Option<(Id, Ref<'_>)>) {
        let Some(Held::Local(value)) = &self.held[local] else { unreachable!() };
        m.assign(value, to.map(|(_, object)| object));
        self.shadow.handles[local].as_mut().expect("it was picked").target = to.map(|(id, _)| id);
    }

    pub(crate) fn assign_global(&mut self, m: &M, global: usize, to: Option<(Id, Ref<'_>)>) {
        m.assign_global(ROOTS[global], to.map(|(_, object)| object));
        self.shadow.globals[global] = to.map(|(id, _)| id);
    }

    /// The object that an operation stores. An even pick chooses a viewed object that has become unreachable, if
    /// there is one, so that such objects are often linked again.
    fn stored<'m>(&self, views: &[View<'m>], pick: Option<Pick>) -> Option<View<'m>> {
        let pick = pick?;
        if pick.is_multiple_of(2) {
            let mut is_reached = vec![false; self.shadow.objects.len()];
            self.shadow.reach(false, |_| true).iter().for_each(|&(id, _)| is_reached[id] = true);
            let mut unlinked = views.iter().filter(|view| !is_reached[view.id]);
            if let Some(view) = unlinked.next() {
                return Some(*view);
            }
        }
        choose(views, pick / 2).copied()
    }

    /// The view of a slot's referent.
    fn target<'m>(&self, views: &[View<'m>], holder: View<'m>, slot: u32) -> Option<View<'m>> {
        let Content::To(target) = self.shadow.objects[holder.id].slot(slot) else { return None };
        views.iter().find(|view| view.id == target).copied()
    }

    /// One of the slots that do not own and refer to an object.
    fn filled_slot<'m>(&self, views: &[View<'m>], pick: Pick) -> Option<(View<'m>, u32)> {
        let mut filled = Vec::new();
        for &view in views {
            let edges = self.shadow.objects[view.id].edges();
            let first = filled.len();
            filled.extend(edges.filter(|edge| edge.2 != SlotKind::Own).map(|edge| (view, edge.0)));
            filled[first..].sort_by_key(|&(_, slot)| slot);
        }
        filled.get(usize::from(pick).checked_rem(filled.len())?).copied()
    }
}
