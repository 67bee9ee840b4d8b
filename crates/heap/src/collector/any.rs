//! Collectors whose type is chosen at run time.
//!
//! A timed cell is compiled for its collector. Code that only watches (the conformance kit, checking
//! mode, footprints, the safety matrix) is compiled once, for [`AnyCollector`], which forwards every
//! operation through a table of functions. So watching code hardly adds to the build time, and a
//! collector costs one instance of each workload.

use crate::blocks::heap::Heap;
use crate::collector::Collector;
use crate::collector::caps::Caps;
use crate::collector::config::Config;
use crate::collector::inspect::{Colour, Inspect, Step};
use crate::collector::parts::Parts;
use crate::collector::room::Room;
use crate::context::Context;
use crate::context::events::Cause;
use crate::memory::budget::AllocResult;
use crate::memory::parameter::Parameter;
use crate::memory::value::{ObjectReference, Value};
use crate::object::header::{Layout, ObjectSlot, SlotKind};
use std::any::type_name;
use std::{fmt, io};

/// A memory-management discipline as a value: a collector's capabilities and constructor.
#[derive(Clone, Copy, Debug)]
pub struct CollectorFactory {
    /// Its capabilities.
    pub caps: Caps,
    /// The parameters that it reads.
    pub parameters: &'static [Parameter],
    /// Those of them that switch the algorithm above a size: [`Inspect::THRESHOLDS`].
    pub thresholds: &'static [Parameter],
    /// The path of the collector's type, through the modules of its crate.
    pub type_name: &'static str,
    make: fn(&Heap, &Config) -> io::Result<AnyCollector>,
}

impl CollectorFactory {
    /// The factory of collector `C`.
    pub fn of<C: Collector>() -> Self {
        Self {
            caps: const { C::CAPS.consistent() },
            parameters: C::PARAMETERS,
            thresholds: C::THRESHOLDS,
            type_name: type_name::<C>(),
            make: |heap, config| {
                let inner = Box::new(C::new(heap, config)?);
                Ok(AnyCollector { caps: C::CAPS, inner })
            },
        }
    }

    /// A collector for an empty heap.
    ///
    /// # Errors
    /// If the operating system refuses address space for its tables.
    pub fn collector(&self, heap: &Heap, config: &Config) -> io::Result<AnyCollector> {
        (self.make)(heap, config)
    }
}

/// A collector of some type, made by its [`CollectorFactory`].
pub struct AnyCollector {
    caps: Caps,
    inner: Box<dyn Operations>,
}

impl fmt::Debug for AnyCollector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AnyCollector").field("caps", &self.caps).finish_non_exhaustive()
    }
}

/// Declares a dyn-compatible trait with the operations of other traits, implements it for every collector,
/// and these traits for [`AnyCollector`]; the items in braces are those that it does not forward.
macro_rules! forwarded {
    ($(impl $trait:ident: { $($own:tt)* } $(fn $name:ident(
        &$([$mut:ident])? self $(, $argument:ident: $type:ty)*
    ) $(-> $result:ty)?;)+)+) => {
        trait Operations {
            $($(fn $name(&$($mut)? self $(, $argument: $type)*) $(-> $result)?;)+)+
        }

        impl<C: Collector> Operations for C {
            $($(fn $name(&$($mut)? self $(, $argument: $type)*) $(-> $result)? {
                $trait::$name(self $(, $argument)*)
            })+)+
        }

        $(impl $trait for AnyCollector {
            $($own)*

            $(fn $name(&$($mut)? self $(, $argument: $type)*) $(-> $result)? {
                self.inner.$name($($argument),*)
            })+
        })+
    };
}

forwarded! {
    impl Collector: {
        const CAPS: Caps = Caps::ANY;

        /// Always an error: a [`CollectorFactory`] makes one.
        fn new(_: &Heap, _: &Config) -> io::Result<Self> {
            Err(io::Error::other("an AnyCollector is made by a CollectorFactory"))
        }

        fn caps(&self) -> Caps {
            self.caps
        }
    }
    fn alloc(&[mut] self, cx: &mut Context, layout: Layout) -> AllocResult;
    fn parts(&self) -> Parts<'_>;
    fn store(&self, cx: &Context, slot: ObjectSlot, new: Value);
    fn load(&self, cx: &Context, kind: SlotKind, value: Value) -> Value;
    fn owner_lost(&self, cx: &Context, object: ObjectReference);
    fn root_added(&self, cx: &Context, object: ObjectReference);
    fn root_removed_deferred(&self, cx: &Context, object: ObjectReference);
    fn root_removed(&[mut] self, cx: &mut Context, object: ObjectReference, owned: bool);
    fn process_parked(&[mut] self, cx: &mut Context);
    fn free(&[mut] self, cx: &mut Context, object: ObjectReference);
    fn collect(&[mut] self, cx: &mut Context, cause: Cause);
    fn region_begin(&[mut] self, cx: &mut Context) -> u32;
    fn region_alloc(
        &[mut] self, cx: &mut Context, region: u32, layout: Layout
    ) -> AllocResult;
    fn region_end(&[mut] self, cx: &mut Context, region: u32);

    impl Inspect: {}
    fn verify(&self, cx: &Context) -> Result<(), String>;
    fn colour(&self, object: ObjectReference) -> Option<Colour>;
    fn step(&[mut] self, cx: &mut Context, step: Step);
    fn room(&self) -> Room;
    fn threads(&self) -> u32;
}

#[cfg(test)]
mod tests {
    /// Names of the functions that a text declares with these indents.
    fn declared<'t>(text: &'t str, indent: &str) -> Vec<&'t str> {
        let start = format!("{indent}fn ");
        let lines = text.lines().filter_map(|line| line.strip_prefix(start.as_str()));
        lines.filter_map(|rest| rest.split('(').next()).collect()
    }

    #[test]
    fn mutators_read_the_capabilities_of_values_not_of_types() {
        // The constant of [`super::AnyCollector`] has all of them, as no collector has.
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/mutator");
        let files = std::fs::read_dir(folder).expect("the folder of mutators");
        let files = files.map(|file| file.expect("a file").path()).filter(|path| path.is_file());
        for file in files.chain([format!("{folder}.rs").into()]) {
            let text = std::fs::read_to_string(&file).expect("it can be read");
            assert!(!text.contains("::CAPS"), "{} reads a constant", file.display());
        }
    }

    #[test]
    fn every_operation_of_a_collector_is_forwarded() {
        // One left out would silently use the default of the trait.
        let traits = [
            include_str!("../collector.rs").split("pub trait Collector").nth(1),
            include_str!("inspect.rs").split("pub trait Inspect").nth(1),
        ];
        let list = include_str!("any.rs").split("forwarded! {").nth(1).expect("the list");
        let list = list.split("#[cfg(test)]").next().expect("the text before the tests");
        let mut of_traits: Vec<_> =
            traits.into_iter().flat_map(|text| declared(text.expect("a trait"), "    ")).collect();
        of_traits.retain(|name| !["new", "caps"].contains(name));
        let mut forwarded = declared(list, "    ");
        of_traits.sort_unstable();
        forwarded.sort_unstable();
        assert_eq!(of_traits, forwarded);
    }
}
