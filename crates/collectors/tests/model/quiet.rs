//! Operations that may not reclaim, on views that were loaded before the first of them.
//!
//! A view stays valid up to the next operation that may reclaim, whatever happens to the slot that
//! it was loaded from: what is unlinked can be looked at and linked again.

use crate::compare::View;
use crate::player::{Held, Player, ROOTS, word_of};
use crate::program::{Pick, QuietOp};
use crate::shadow::{Content, GLOBALS, Id};
use heap::{Borrow, Collector, Mutator, Own, Probe, Ref, Shared, SlotKind};

/// Objects that operations mostly choose from.
const NEAR: usize = 6;

/// An object: three times in four one of the nearest to the roots, so that operations have something
/// to do with each other.
fn choose<'v, 'm>(views: &'v [View<'m>], pick: Pick) -> Option<&'v View<'m>> {
    let among = if pick.is_multiple_of(4) { views.len() } else { views.len().min(NEAR) };
    views.get(usize::from(pick).checked_rem(among)?)
}

impl Player {
    pub(crate) fn quietly<C: Collector, P: Probe>(&mut self, m: &Mutator<C, P>, run: &[QuietOp]) {
        let views = self.views(m);
        for &op in run {
            self.quiet_step(m, &views, op);
            self.compare(m, &views);
        }
    }

    fn quiet_step<'m, C: Collector, P: Probe>(
        &mut self,
        m: &'m Mutator<C, P>,
        views: &[View<'m>],
        op: QuietOp,
    ) {
        let unlinked = self.unlinked(views);
        let object = |pick: Option<Pick>| {
            let again = pick.is_some_and(|pick| pick.is_multiple_of(2)) && !unlinked.is_empty();
            choose(if again { &unlinked } else { views }, pick?)
        };
        let own = |kind| kind == SlotKind::Own;
        match op {
            QuietOp::Store(o, slot, target) => {
                if let Some((view, slot)) = self.slot(views, o, slot, |kind| !own(kind)) {
                    self.store(m, view, slot, object(target));
                }
            }
            QuietOp::Clear(reference) => {
                let filled = self.filled_slots(views);
                if let Some(place) = usize::from(reference).checked_rem(filled.len()) {
                    let (view, slot) = filled[place];
                    self.store(m, view, slot, None);
                }
            }
            QuietOp::StoreInt(o, slot, int) => {
                let shared = |kind| kind == SlotKind::Shared;
                if let Some((view, slot)) = self.slot(views, o, slot, shared) {
                    m.store_int(view.object, self.place::<Shared>(view.id, slot), int);
                    self.shadow.set(view.id, slot, Content::Int(int));
                }
            }
            QuietOp::Put(o, slot, root) => {
                if let Some((view, slot)) = self.slot(views, o, slot, own) {
                    let is_root = |held: &Held| matches!(held, Held::Root(_));
                    self.put(m, view, slot, root.and_then(|pick| self.handle(pick, is_root)));
                }
            }
            QuietOp::Take(o, slot) => {
                if let Some((view, slot)) = self.slot(views, o, slot, own) {
                    let root = m.take(view.object, self.place::<Own>(view.id, slot));
                    if let Content::To(child) = self.shadow.set(view.id, slot, Content::Null) {
                        self.shadow.push(true, Some(child));
                        self.held.push(Some(Held::Root(root.expect("the slot owns an object"))));
                    } else {
                        assert!(root.is_none(), "the slot owns nothing");
                    }
                }
            }
            QuietOp::Swap(a, s, b, t) => {
                let (from, to) = (self.slot(views, a, s, own), self.slot(views, b, t, own));
                if let (Some((a, s)), Some((b, t))) = (from, to) {
                    m.swap(a.object, self.place(a.id, s), b.object, self.place(b.id, t));
                    let from_a = self.shadow.objects[a.id].slot(s);
                    let from_b = self.shadow.set(b.id, t, from_a);
                    self.shadow.set(a.id, s, from_b);
                }
            }
            QuietOp::SetWord(o, word) => {
                if let Some(view) = choose(views, o) {
                    let form = self.shadow.objects[view.id].form;
                    m.set_word(view.object, word_of(form, 1), word);
                    self.shadow.objects[view.id].data = word;
                }
            }
            QuietOp::Keep(o) => {
                if let Some(view) = choose(views, o) {
                    self.new_local(m.keep(view.object), Some(view.id));
                }
            }
            QuietOp::Nowhere => self.new_local(m.nowhere(), None),
            QuietOp::Aim(local, to) => {
                if let Some(local) = self.handle(local, |held| matches!(held, Held::Local(_))) {
                    self.aim(m, local, object(to).map(|view| (view.id, view.object)));
                }
            }
            QuietOp::AimGlobal(global, to) => {
                let to = object(to).map(|view| (view.id, view.object));
                self.aim_global(m, usize::from(global) % GLOBALS, to);
            }
        }
    }

    pub(crate) fn store<'m, C: Collector, P: Probe>(
        &mut self,
        m: &'m Mutator<C, P>,
        holder: &View<'m>,
        slot: u32,
        target: Option<&View<'m>>,
    ) {
        let (kind, region) = {
            let object = &self.shadow.objects[holder.id];
            (object.form.kind(slot), object.region)
        };
        let allowed = |id| kind == SlotKind::Borrow || self.may_share(region, id);
        let target = target.filter(|target| allowed(target.id));
        let value = target.map(|target| target.object);
        if kind == SlotKind::Shared {
            m.store(holder.object, self.place::<Shared>(holder.id, slot), value);
        } else {
            m.store(holder.object, self.place::<Borrow>(holder.id, slot), value);
        }
        let content = target.map_or(Content::Null, |target| Content::To(target.id));
        self.shadow.set(holder.id, slot, content);
    }

    pub(crate) fn put<'m, C: Collector, P: Probe>(
        &mut self,
        m: &'m Mutator<C, P>,
        holder: &View<'m>,
        slot: u32,
        root: Option<usize>,
    ) {
        let (value, content) = match root {
            None => (None, Content::Null),
            Some(index) => {
                let target = self.part(index, true);
                let Some(Held::Root(root)) = self.held[index].take() else { unreachable!() };
                (Some(root), Content::To(target))
            }
        };
        m.put(holder.object, self.place(holder.id, slot), value);
        self.shadow.set(holder.id, slot, content);
    }

    pub(crate) fn aim<C: Collector, P: Probe>(
        &mut self,
        m: &Mutator<C, P>,
        local: usize,
        to: Option<(Id, Ref<'_>)>,
    ) {
        let Some(Held::Local(value)) = &self.held[local] else { unreachable!() };
        m.aim(value, to.map(|(_, object)| object));
        self.shadow.handles[local].as_mut().expect("it was picked").target = to.map(|(id, _)| id);
    }

    pub(crate) fn aim_global<C: Collector, P: Probe>(
        &mut self,
        m: &Mutator<C, P>,
        global: usize,
        to: Option<(Id, Ref<'_>)>,
    ) {
        m.aim_global(ROOTS[global], to.map(|(_, object)| object));
        self.shadow.globals[global] = to.map(|(id, _)| id);
    }

    /// A slot of some object, of a kind that is wanted.
    pub(crate) fn slot<'v, 'm>(
        &self,
        views: &'v [View<'m>],
        object: Pick,
        slot: Pick,
        wanted: impl Fn(SlotKind) -> bool,
    ) -> Option<(&'v View<'m>, u32)> {
        let view = choose(views, object)?;
        let slots = self.shadow.objects[view.id].form.slots(wanted);
        Some((view, *slots.get(usize::from(slot).checked_rem(slots.len())?)?))
    }

    /// What was viewed and cannot be reached any more: often chosen to be linked again.
    fn unlinked<'m>(&self, views: &[View<'m>]) -> Vec<View<'m>> {
        let reached = self.shadow.reach(false, |_| true);
        let is_unlinked = |view: &&View<'m>| reached.iter().all(|&(id, _)| id != view.id);
        views.iter().filter(is_unlinked).copied().collect()
    }

    /// The shared and borrow slots that refer to an object.
    fn filled_slots<'v, 'm>(&self, views: &'v [View<'m>]) -> Vec<(&'v View<'m>, u32)> {
        let slots = |view: &'v View<'m>| {
            let object = &self.shadow.objects[view.id];
            let slots = object.form.slots(|kind| kind != SlotKind::Own).into_iter();
            let filled = slots.filter(|&slot| matches!(object.slot(slot), Content::To(_)));
            filled.map(move |slot| (view, slot))
        };
        views.iter().flat_map(slots).collect()
    }
}
