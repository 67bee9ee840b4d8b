//! Shapes: the layouts of a program's objects, declared once and computed at compile time.

use crate::memory::{Offset32, Offset64};
use crate::object::header::{EXTENDED_HEADER_BYTES, HEADER_BYTES, Layout, SlotKind};
use std::marker::PhantomData;

mod sealed {
    pub trait Sealed {}
}

/// How a slot holds its referent: [`Own`], [`Shared`] or [`Borrow`]; in arrays of one kind also [`Weak`]
/// or [`Ephemeral`].
pub trait Kind: sealed::Sealed + Copy {
    /// The kind as a value.
    const KIND: SlotKind;
}

/// Kinds that can be stored to by copying a reference. An own slot is filled by moving a root.
#[diagnostic::on_unimplemented(
    message = "an own slot has exactly one owner: move a root into it with `put`, `build` or `swap`",
    label = "cannot be stored to by copying a reference"
)]
pub trait NotOwn: Kind {}

/// Kinds that keep their referent alive, so that a load needs no check.
#[diagnostic::on_unimplemented(
    message = "a borrow slot keeps nothing alive: read it with `upgrade`, which may find nothing",
    label = "cannot be loaded without a check"
)]
pub trait Strong: Kind {}

/// Type of a slot that owns its referent, as `Box`.
#[derive(Clone, Copy, Debug)]
pub struct Own;
/// Type of a slot that is one of several holders, as `Rc` or a traced pointer.
#[derive(Clone, Copy, Debug)]
pub struct Shared;
/// Type of a slot that does not keep its referent alive, as `&` or `Weak`.
#[derive(Clone, Copy, Debug)]
pub struct Borrow;
/// Type of a slot that is cleared when its referent dies. Only arrays have such slots.
#[derive(Clone, Copy, Debug)]
pub struct Weak;
/// Type of a slot of ephemerons: see [`Slot::key`]. Only arrays have such slots, in pairs.
#[derive(Clone, Copy, Debug)]
pub struct Ephemeral;

macro_rules! kinds {
    ($($kind:ident),+) => {$(
        impl sealed::Sealed for $kind {}
        impl Kind for $kind {
            const KIND: SlotKind = SlotKind::$kind;
        }
    )+};
}
kinds!(Own, Shared, Borrow, Weak, Ephemeral);
impl NotOwn for Shared {}
impl NotOwn for Borrow {}
impl NotOwn for Weak {}
impl NotOwn for Ephemeral {}
impl Checked for Borrow {}
impl Checked for Weak {}
impl Checked for Ephemeral {}
impl Strong for Own {}
impl Strong for Shared {}

/// Kinds that do not keep their referent alive, so that a load needs a check.
#[diagnostic::on_unimplemented(
    message = "this slot keeps its referent alive: read it with `load`",
    label = "needs no check"
)]
pub trait Checked: Kind {}

/// The place of a slot in its object.
#[derive(Clone, Copy, Debug)]
pub struct Slot<K> {
    offset: Offset32,
    kind: PhantomData<K>,
}

impl<K: Kind> Slot<K> {
    /// Slot number `index` of a shape. Use the constants that [`shape!`](crate::shape) declares.
    pub const fn of_shape(index: u32) -> Self {
        Self { offset: Offset32::word((HEADER_BYTES / 4).wrapping_add(index)), kind: PhantomData }
    }

    /// Slot number `index` of an array.
    #[inline(always)]
    pub const fn element(index: u32) -> Self {
        let word = (EXTENDED_HEADER_BYTES / 4).wrapping_add(index);
        Self { offset: Offset32::word(word), kind: PhantomData }
    }

    /// Its offset in the object.
    #[inline(always)]
    pub const fn offset(self) -> Offset32 {
        self.offset
    }
}

impl Slot<Ephemeral> {
    /// The key of ephemeron `index`, not kept alive by it. When the key dies, both slots are cleared.
    #[inline(always)]
    pub const fn key(index: u32) -> Self {
        Self::element(index.wrapping_mul(2))
    }

    /// The value of ephemeron `index`, kept alive as long as the array and the key live.
    #[inline(always)]
    pub const fn value(index: u32) -> Self {
        Self::element(index.wrapping_mul(2).wrapping_add(1))
    }
}

/// The place of a payload word (64 bits) in its object.
#[derive(Clone, Copy, Debug)]
pub struct Word(Offset64);

impl Word {
    /// Word number `index` of a shape with `slots` slots. Use the constants that
    /// [`shape!`](crate::shape) declares.
    pub const fn of_shape(slots: u32, index: u32) -> Self {
        Self(Offset64::word((HEADER_BYTES / 8 + slots.div_ceil(2)).wrapping_add(index)))
    }

    /// Word number `index` of an array with `slots` slots.
    #[inline(always)]
    pub const fn element(slots: u32, index: u32) -> Self {
        Self(Offset64::word((EXTENDED_HEADER_BYTES / 8 + slots.div_ceil(2)).wrapping_add(index)))
    }

    /// Its offset in the object.
    #[inline(always)]
    pub const fn offset(self) -> Offset64 {
        self.0
    }
}

/// A kind of object with a fixed layout. Declared by [`shape!`](crate::shape).
pub trait Shape {
    /// Its layout, a constant that the compiler folds into the allocation path.
    const LAYOUT: Layout;
}

/// The index of `name` in `names`; for [`shape!`](crate::shape).
#[doc(hidden)]
pub const fn position(names: &[&str], name: &str) -> u32 {
    let mut index = 0;
    while index < names.len() {
        let (a, b) = (names[index].as_bytes(), name.as_bytes());
        if a.len() == b.len() {
            let mut byte = 0;
            while byte < a.len() && a[byte] == b[byte] {
                byte += 1;
            }
            if byte == a.len() {
                return index as u32;
            }
        }
        index += 1;
    }
    panic!("a field is missing from its own shape")
}

/// Declares a shape: its slots by kind, then its payload words. Each becomes a constant of the type.
///
/// ```
/// heap::shape! {
///     /// A node of a binary tree, with a link to its parent.
///     pub struct Node {
///         own LEFT, RIGHT;
///         borrow PARENT;
///         word KEY;
///     }
/// }
/// use heap::Shape;
/// assert_eq!(Node::LAYOUT.bytes(), 8 + 16 + 8);
/// ```
#[macro_export]
macro_rules! shape {
    ($(#[$meta:meta])* $vis:vis struct $name:ident {
        $(own $($own:ident),+;)?
        $(shared $($shared:ident),+;)?
        $(borrow $($borrow:ident),+;)?
        $(word $($word:ident),+;)?
    }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug)]
        $vis struct $name;

        #[allow(dead_code, missing_docs)]
        impl $name {
            const OWN_NAMES: &[&str] = &[$($(stringify!($own)),+)?];
            const SHARED_NAMES: &[&str] = &[$($(stringify!($shared)),+)?];
            const BORROW_NAMES: &[&str] = &[$($(stringify!($borrow)),+)?];
            const WORD_NAMES: &[&str] = &[$($(stringify!($word)),+)?];
            const SLOTS: u32 = (Self::OWN_NAMES.len() + Self::SHARED_NAMES.len()
                + Self::BORROW_NAMES.len()) as u32;
            $($($vis const $own: $crate::Slot<$crate::Own> = $crate::Slot::of_shape(
                $crate::shape_position(Self::OWN_NAMES, stringify!($own)));)+)?
            $($($vis const $shared: $crate::Slot<$crate::Shared> = $crate::Slot::of_shape(
                Self::OWN_NAMES.len() as u32
                + $crate::shape_position(Self::SHARED_NAMES, stringify!($shared)));)+)?
            $($($vis const $borrow: $crate::Slot<$crate::Borrow> = $crate::Slot::of_shape(
                (Self::OWN_NAMES.len() + Self::SHARED_NAMES.len()) as u32
                + $crate::shape_position(Self::BORROW_NAMES, stringify!($borrow)));)+)?
            $($($vis const $word: $crate::Word = $crate::Word::of_shape(
                Self::SLOTS, $crate::shape_position(Self::WORD_NAMES, stringify!($word)));)+)?
        }

        impl $crate::Shape for $name {
            const LAYOUT: $crate::Layout = $crate::Layout::shape(
                Self::OWN_NAMES.len() as u32,
                Self::SHARED_NAMES.len() as u32,
                Self::BORROW_NAMES.len() as u32,
                Self::WORD_NAMES.len() as u32,
            );
        }
    };
    ($(#[$meta:meta])* $vis:vis struct $name:ident { $($other:tt)* }) => {
        ::core::compile_error!(::core::concat!(
            "shape ", ::core::stringify!($name), ": each kind stands once at most, in the order of the layout, \
             with the names of its slots: `own A, B; shared C; borrow D; word E;`"
        ));
    };
}
