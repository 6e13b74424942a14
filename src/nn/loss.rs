//! Loss functions as modules: an operation with its settings, for where a loss is chosen and passed on like a layer.

use super::{Entry, Module};
use crate::ops::Reduction;
use crate::variable::Variable;

/// A struct with the settings as its fields, and its `forward`.
macro_rules! losses {
    ($($(#[$doc:meta])* $Name:ident $(($field:ident: $Type:ty))? => |$x:ident, $target:ident: $Target:ty| $y:expr;)+) => { $(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug)]
        pub struct $Name $((pub $Type))?;

        impl $Name {
            /// The loss, one number.
            ///
            /// # Panics
            /// As the operation.
            #[track_caller]
            pub fn forward(&self, $x: &Variable, $target: $Target) -> Variable {
                let $Name $(($field))? = *self;
                $y
            }
        }

        impl Module for $Name {
            fn visit<'a>(&'a self, _: &str, _: &mut dyn FnMut(&str, Entry<'a>)) {}
        }
    )+ };
}

losses! {
    /// [`Variable::mse_loss`]: x and target of one shape.
    MSELoss(reduction: Reduction) => |x, target: &Variable| x.mse_loss(target, reduction);

    /// [`Variable::cross_entropy`]: logits x (N, classes), and N target classes.
    CrossEntropyLoss => |x, targets: &[usize]| x.cross_entropy(targets);

    /// [`Variable::binary_cross_entropy`]: probabilities x and targets of one shape.
    BCELoss => |x, target: &Variable| x.binary_cross_entropy(target);

    /// [`Variable::binary_cross_entropy_with_logits`]: logits x and targets of one shape.
    BCEWithLogitsLoss => |x, target: &Variable| x.binary_cross_entropy_with_logits(target);
}
