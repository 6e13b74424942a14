//! One hook to observe a calculation while it runs: [`crate::profile`] times every operation with it, and
//! [`crate::anomaly`] finds the first that makes a NaN.

use crate::graph::Grads;
use crate::shape::Shape;
use crate::tensor::Tensor;
use crate::variable::Variable;
use std::cell::RefCell;
use std::panic::Location;
use std::rc::Rc;

/// What has just happened on this thread.
pub enum Event<'a> {
    /// An operation has computed its output.
    Forward {
        /// The operation.
        name: &'static str,
        /// What it was computed from.
        inputs: &'a [&'a Variable],
        /// Its result.
        output: &'a Tensor,
        /// Where it was called.
        caller: &'static Location<'static>,
    },
    /// The backward rule of an operation begins.
    BackwardStart {
        /// The operation.
        name: &'static str,
        /// The gradient of its output.
        gy: &'a Variable,
        /// Where it was called.
        caller: &'static Location<'static>,
    },
    /// The backward rule of an operation has ended.
    BackwardEnd {
        /// The operation.
        name: &'static str,
        /// The gradients of its inputs.
        grads: &'a Grads,
        /// The shape of its output, and of that output's gradient.
        output: Shape,
        /// Where it was called.
        caller: &'static Location<'static>,
    },
    /// The operation under way takes so many additions and multiplications, counted directly.
    Flops(f64),
    /// An optimizer has updated one parameter.
    Update {
        /// The optimizer.
        name: &'static str,
        /// How many numbers it has read and written.
        numbers: usize,
    },
}

/// Sees every event of a thread.
pub type Hook = Rc<dyn Fn(&Event)>;

thread_local! {
    static HOOK: RefCell<Option<Hook>> = const { RefCell::new(None) };
}

/// Runs `work`; meanwhile `hook` sees every event of this thread. Inside another `with_hook`, the outer hook sees none
/// of them.
pub fn with_hook<T>(hook: Hook, work: impl FnOnce() -> T) -> T {
    struct Restore(Option<Hook>);
    impl Drop for Restore {
        fn drop(&mut self) {
            HOOK.replace(self.0.take());
        }
    }
    let _restore = Restore(HOOK.replace(Some(hook)));
    work()
}

/// Passes an event to the hook, if there is one.
pub(crate) fn emit<'a>(event: impl FnOnce() -> Event<'a>) {
    let hook = HOOK.with_borrow(Clone::clone);
    if let Some(hook) = hook {
        hook(&event());
    }
}
