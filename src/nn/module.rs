//! [`Module`]: a struct of fields whose parameters have PyTorch's names.

use crate::tensor::Tensor;
use crate::variable::Variable;
use std::cell::{Cell, RefCell};

/// One named thing that a model consists of.
#[derive(Clone, Copy)]
pub enum Entry<'a> {
    /// Trained by gradients.
    Parameter(&'a Variable),
    /// Kept beside them, as the running mean of a batch norm.
    Buffer(&'a RefCell<Tensor>),
    /// A counter, as `num_batches_tracked`.
    Count(&'a Cell<i64>),
}

/// A part of a model. [`module!`](crate::module) implements it for a struct from the list of its fields.
pub trait Module {
    /// Shows `visitor` every entry below this part, in PyTorch's order of `state_dict()`. `name` is that of this part.
    fn visit<'a>(&'a self, name: &str, visitor: &mut dyn FnMut(&str, Entry<'a>));

    /// All entries with their names, such as `down1.convs.0.weight`.
    fn entries(&self) -> Vec<(String, Entry<'_>)> {
        let mut entries = Vec::new();
        self.visit("", &mut |name, entry| entries.push((name.to_string(), entry)));
        entries
    }

    /// What an optimizer trains, in PyTorch's order of `parameters()`.
    fn parameters(&self) -> Vec<Variable> {
        let parameter = |(_, entry)| if let Entry::Parameter(p) = entry { Some(Variable::clone(p)) } else { None };
        self.entries().into_iter().filter_map(parameter).collect()
    }

    /// How many numbers are trained.
    fn parameter_count(&self) -> usize {
        self.parameters().iter().map(|p| p.shape().count()).sum()
    }
}

/// A part that not every model of its kind has.
impl<M: Module> Module for Option<M> {
    fn visit<'a>(&'a self, name: &str, visitor: &mut dyn FnMut(&str, Entry<'a>)) {
        if let Some(part) = self {
            part.visit(name, visitor);
        }
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

/// Implements [`Module`](crate::nn::Module) for a struct: `module!(Linear { weight, bias })`. The fields stand in
/// PyTorch's order and are called as in PyTorch, unless they say otherwise: `module!(Block { conv1: "convs.0" })`.
/// Fields that hold no entries (sizes, settings) are left out.
#[macro_export]
macro_rules! module {
    ($Struct:ident { $($field:ident $(: $name:literal)?),* $(,)? }) => {
        impl $crate::nn::Module for $Struct {
            fn visit<'a>(&'a self, name: &str, visitor: &mut dyn FnMut(&str, $crate::nn::Entry<'a>)) {
                let below = |field: &str| if name.is_empty() { field.to_string() } else { format!("{name}.{field}") };
                $($crate::nn::Module::visit(&self.$field, &below($crate::module!(@name $field $($name)?)), visitor);)*
            }
        }
    };
    (@name $field:ident) => { stringify!($field) };
    (@name $field:ident $name:literal) => { $name };
}
