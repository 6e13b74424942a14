//! [`Module`]: a struct of fields whose parameters have PyTorch's names.

use crate::tensor::Tensor;
use crate::variable::Variable;
use std::cell::{Cell, RefCell};
use std::collections::HashSet;
use std::ptr;
use std::rc::Rc;

/// What a `state_dict` holds under one name: a parameter, a buffer or a counter.
#[derive(Clone, Copy)]
pub enum Entry<'a> {
    /// Trained by gradients.
    Parameter(&'a Variable),
    /// Kept beside the parameters, such as the running mean of a batch norm.
    Buffer(&'a RefCell<Tensor>),
    /// A counter, such as `num_batches_tracked`.
    Count(&'a Cell<i64>),
}

impl Entry<'_> {
    /// Where the numbers lie: equal for two entries that share them, and for no others.
    fn address(&self) -> *const () {
        match self {
            Entry::Parameter(parameter) => Rc::as_ptr(&parameter.value).cast(),
            Entry::Buffer(buffer) => ptr::from_ref(*buffer).cast(),
            Entry::Count(count) => ptr::from_ref(*count).cast(),
        }
    }
}

/// A part of a model (`torch.nn.Module`). [`module!`](crate::module) implements it for a struct from the list of its
/// fields.
pub trait Module {
    /// Calls `visitor` with every entry below this part, in PyTorch's order of `state_dict()`. `name` is that of this
    /// part; the model itself has an empty one.
    fn visit<'a>(&'a self, name: &str, visitor: &mut dyn FnMut(&str, Entry<'a>));

    /// All entries with their names, such as `down1.convs.0.weight`. A shared weight is there under each of its names.
    fn entries(&self) -> Vec<(String, Entry<'_>)> {
        let mut entries = Vec::new();
        self.visit("", &mut |name, entry| entries.push((name.to_string(), entry)));
        entries
    }

    /// The entries, where a shared weight is there once, under its first name (`named_parameters()` and
    /// `named_buffers()` in PyTorch).
    fn distinct_entries(&self) -> Vec<(String, Entry<'_>)> {
        let (mut entries, mut seen) = (self.entries(), HashSet::new());
        entries.retain(|(_, entry)| seen.insert(entry.address()));
        entries
    }

    /// What an optimizer trains, in PyTorch's order of `parameters()`: a shared weight is there once.
    fn parameters(&self) -> Vec<Variable> {
        let parameter = |(_, entry)| if let Entry::Parameter(p) = entry { Some(Variable::clone(p)) } else { None };
        self.distinct_entries().into_iter().filter_map(parameter).collect()
    }

    /// How many numbers are trained; those of a shared weight count once.
    fn parameter_count(&self) -> usize {
        self.parameters().iter().map(|p| p.shape().count()).sum()
    }
}

impl Module for Variable {
    fn visit<'a>(&'a self, name: &str, visitor: &mut dyn FnMut(&str, Entry<'a>)) {
        visitor(name, Entry::Parameter(self));
    }
}

impl Module for RefCell<Tensor> {
    fn visit<'a>(&'a self, name: &str, visitor: &mut dyn FnMut(&str, Entry<'a>)) {
        visitor(name, Entry::Buffer(self));
    }
}

impl Module for Cell<i64> {
    fn visit<'a>(&'a self, name: &str, visitor: &mut dyn FnMut(&str, Entry<'a>)) {
        visitor(name, Entry::Count(self));
    }
}

/// A part that not every model of its kind has.
impl<M: Module> Module for Option<M> {
    fn visit<'a>(&'a self, name: &str, visitor: &mut dyn FnMut(&str, Entry<'a>)) {
        self.iter().for_each(|part| part.visit(name, visitor));
    }
}

/// Parts in a list, called `0`, `1`, .. (`torch.nn.ModuleList`).
impl<M: Module> Module for [M] {
    fn visit<'a>(&'a self, name: &str, visitor: &mut dyn FnMut(&str, Entry<'a>)) {
        self.iter().enumerate().for_each(|(i, part)| part.visit(&child_name(name, &i.to_string()), visitor));
    }
}

/// As a slice.
impl<M: Module> Module for Vec<M> {
    fn visit<'a>(&'a self, name: &str, visitor: &mut dyn FnMut(&str, Entry<'a>)) {
        self.as_slice().visit(name, visitor);
    }
}

/// As a slice.
impl<M: Module, const N: usize> Module for [M; N] {
    fn visit<'a>(&'a self, name: &str, visitor: &mut dyn FnMut(&str, Entry<'a>)) {
        self.as_slice().visit(name, visitor);
    }
}

/// A part of any type.
impl<M: Module + ?Sized> Module for Box<M> {
    fn visit<'a>(&'a self, name: &str, visitor: &mut dyn FnMut(&str, Entry<'a>)) {
        (**self).visit(name, visitor);
    }
}

/// A part that stands in several places of a model.
impl<M: Module + ?Sized> Module for Rc<M> {
    fn visit<'a>(&'a self, name: &str, visitor: &mut dyn FnMut(&str, Entry<'a>)) {
        (**self).visit(name, visitor);
    }
}

/// The full name of what is called `child` in the part `name`.
#[doc(hidden)]
pub fn child_name(name: &str, child: &str) -> String {
    if name.is_empty() { child.to_string() } else { format!("{name}.{child}") }
}

/// Implements [`Module`](crate::nn::Module) for a struct: `module!(Linear { weight, bias })`. The fields stand in
/// PyTorch's order and are called as in PyTorch, unless they say otherwise: `module!(Block { conv1: "convs.0" })`.
/// Fields without entries (sizes, settings) follow behind a semicolon: `module!(Dropout {; p, rng })`. A field that is
/// forgotten is a compile error.
///
/// ```
/// use tsukuru::nn::{Linear, Module};
/// use tsukuru::{module, random::Rng};
///
/// struct Model {
///     hidden: Linear,
///     out: Linear,
///     classes: usize,
/// }
///
/// module!(Model { hidden: "layers.0", out; classes });
///
/// let rng = &mut Rng::new(0, "init", 0);
/// let model = Model { hidden: Linear::new(4, 3, rng), out: Linear::new(3, 2, rng), classes: 2 };
/// let names: Vec<String> = model.entries().into_iter().map(|(name, _)| name).collect();
/// assert_eq!(names, ["layers.0.weight", "layers.0.bias", "out.weight", "out.bias"]);
/// ```
///
/// ```compile_fail
/// # use tsukuru::{module, nn::Linear};
/// struct Model {
///     hidden: Linear,
///     out: Linear,
/// }
///
/// module!(Model { hidden }); // error: pattern does not mention field `out`
/// ```
#[macro_export]
macro_rules! module {
    ($Struct:ident { $($field:ident $(: $name:literal)?),* $(,)? $(; $($other:ident),+ $(,)?)? }) => {
        impl $crate::nn::Module for $Struct {
            fn visit<'a>(&'a self, name: &str, visitor: &mut dyn FnMut(&str, $crate::nn::Entry<'a>)) {
                let $Struct { $($field,)* $($($other: _,)+)? } = self;
                let parts: &[(&str, &'a dyn $crate::nn::Module)] =
                    &[$(($crate::module!(@name $field $($name)?), $field)),*];
                parts.iter().for_each(|(field, part)| part.visit(&$crate::nn::child_name(name, field), visitor));
            }
        }
    };
    (@name $field:ident) => { stringify!($field) };
    (@name $field:ident $name:literal) => { $name };
}
