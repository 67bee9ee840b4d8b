//! Keeps programs valid: they do nothing that a borrow checker would refuse.
//!
//! Disciplines that reclaim on the program's command trust it to hold no references to reclaimed objects. Programs
//! are random, so before an operation that reclaims, the references to its victims are cleared.

use crate::player::state::{M, Player};
use crate::rules::Rules;
use crate::shadow::{Content, GLOBALS, Hold, Id, Shadow};
use heap::{Root, Shared, SlotKind};

impl Player<'_> {
    /// Whether an object in this region, or in none, may refer to `target` by a shared slot: under ownership
    /// only within a region, since elsewhere nothing would drop the target.
    pub(crate) fn may_share(&self, region: Option<usize>, target: Id) -> bool {
        self.shadow.rules != Rules::Owns
            || region.is_some() && self.shadow.objects[target].region == region
    }

    pub(crate) fn consume(
        &mut self,
        m: &mut M,
        index: usize,
        effect: impl Fn(&mut Shadow, usize),
        operation: impl Fn(&mut M, Root),
    ) {
        if self.is_forbidden(|shadow| effect(shadow, index)) {
            return;
        }
        self.safely(m, |shadow| effect(shadow, index));
        operation(m, self.take_root(index));
        self.finish(|shadow| effect(shadow, index));
    }

    /// Before an operation that may reclaim parked objects and does no more.
    pub(crate) fn settle(&mut self, m: &M) {
        self.safely(m, |_| ());
        self.finish(|_| ());
    }

    /// After an operation that may reclaim.
    pub(crate) fn finish(&mut self, effect: impl Fn(&mut Shadow)) {
        effect(&mut self.shadow);
        self.shadow.settle();
    }

    /// The objects that an operation with this effect reclaims though they can be read: none, where the
    /// discipline itself ensures that.
    pub(crate) fn dying(&self, effect: impl Fn(&mut Shadow)) -> Vec<Id> {
        if !self.shadow.rules.trust_programs() {
            return Vec::new();
        }
        let mut after = self.shadow.clone();
        effect(&mut after);
        after.settle();
        let dies = |&id: &Id| after.is_freed(id) && !self.shadow.is_freed(id);
        (0..self.shadow.objects.len()).filter(dies).collect()
    }

    /// Whether a lost handle or object refers to an object that an operation with this effect reclaims. The
    /// program must not do it then, since it cannot clear that reference.
    pub(crate) fn is_forbidden(&self, effect: impl Fn(&mut Shadow)) -> bool {
        let dying = self.dying(effect);
        if dying.is_empty() {
            return false;
        }
        let lost = self.shadow.handles.iter().flatten().filter(|hold| hold.lost);
        let mut locals = lost.clone().filter(|hold| !hold.owned).filter_map(|hold| hold.target);
        if locals.any(|id| dying.contains(&id)) {
            return true;
        }
        if lost.count() == 0 {
            return false;
        }
        let readable: Vec<Id> = self.shadow.reach(false, |_| true).iter().map(|o| o.0).collect();
        let mut all = self.shadow.reach(true, |kind| kind != SlotKind::Borrow).into_iter();
        all.any(|(id, _)| {
            let refers = |(_, target, kind)| kind == SlotKind::Shared && dying.contains(&target);
            let is_lost = !readable.contains(&id) && !dying.contains(&id);
            is_lost && self.shadow.objects[id].edges().any(refers)
        })
    }

    /// Before an operation with this effect: clears every reference that a borrow checker would refuse. No
    /// readable reference but a borrow slot may lead to an object that is about to be reclaimed.
    pub(crate) fn safely(&mut self, m: &M, effect: impl Fn(&mut Shadow)) {
        let dying = self.dying(effect);
        if dying.is_empty() {
            return;
        }
        // All views first: clearing one reference may make another holder unreachable.
        let views = self.views(m);
        for (holder, slot) in self.shared_slots_into(&dying) {
            if let Some(view) = views.iter().find(|view| view.id == holder) {
                m.store(view.object, self.place::<Shared>(holder, slot), None);
            }
            self.shadow.set(holder, slot, Content::Null);
        }
        for index in 0..self.held.len() {
            let hold = self.shadow.handles[index];
            if let Some(Hold { owned: false, target: Some(id), lost: false }) = hold
                && dying.contains(&id)
            {
                self.assign(m, index, None);
            }
        }
        for global in 0..GLOBALS {
            if self.shadow.globals[global].is_some_and(|id| dying.contains(&id)) {
                self.assign_global(m, global, None);
            }
        }
    }

    /// The readable shared slots that refer to one of the dying objects and are not themselves in one.
    pub(crate) fn shared_slots_into(&self, dying: &[Id]) -> Vec<(Id, u32)> {
        let reached = self.shadow.reach(false, |_| true).into_iter().map(|(id, _)| id);
        let holders = reached.filter(|id| !dying.contains(id));
        let slots = holders.flat_map(|id| {
            let edges = self.shadow.objects[id].edges();
            let into = edges
                .filter(|&(_, target, kind)| kind == SlotKind::Shared && dying.contains(&target));
            into.map(move |(slot, ..)| (id, slot))
        });
        slots.collect()
    }
}
