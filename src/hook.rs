//! One hook for whoever wants to follow a calculation while it runs: [`crate::profile`] times every operation with it.

use crate::graph::Grads;
use crate::shape::Shape;
use crate::tensor::Tensor;
use crate::variable::Variable;
use std::cell::RefCell;
use std::rc::Rc;

/// What has just happened on this thread.
pub enum Event<'a> {
    /// The operation `name` has computed `output` from `inputs`.
    Forward { name: &'static str, inputs: &'a [&'a Variable], output: &'a Tensor },
    /// The backward rule of the operation `name` begins.
    BackwardStart { name: &'static str },
    /// It has computed the gradients of the operation's inputs from that of its output, of shape `output`.
    BackwardEnd { name: &'static str, grads: &'a Grads, output: Shape },
    /// The operation under way takes so many additions and multiplications, counted directly.
    Flops(f64),
    /// The optimizer `name` has updated one parameter, in a pass that read and wrote so many numbers.
    Update { name: &'static str, numbers: usize },
}

/// Sees every event of a thread.
pub type Hook = Rc<dyn Fn(&Event)>;

thread_local! {
    static HOOK: RefCell<Option<Hook>> = const { RefCell::new(None) };
}

/// Runs `work`; meanwhile `hook` sees every event of this thread. Inside another `with_hook`, the outer hook sees none of
/// them.
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

/// Shows the hook, if there is one, an event.
pub(crate) fn emit<'a>(event: impl FnOnce() -> Event<'a>) {
    let hook = HOOK.with_borrow(Clone::clone);
    if let Some(hook) = hook {
        hook(&event());
    }
}
