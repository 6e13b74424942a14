use crate::random::Rng;
use crate::variable::Variable;
use crate::{mode, module};
use std::cell::RefCell;
use std::rc::Rc;

/// Dropout (Srivastava et al., 2014): in training, each number is zero with probability p, and the others are divided
/// by 1 - p, so that the mean stays. Inside [`eval_mode`](mode::eval_mode) y = x.
///
/// All dropout layers of a model share one stream. A training loop that begins each step by
/// `stream.replace(Rng::new(seed, "dropout", step))` draws the same masks when it is resumed.
pub struct Dropout {
    p: f64,
    rng: Rc<RefCell<Rng>>,
}

module!(Dropout {; p, rng });

impl Dropout {
    /// Drops with probability `p` by random numbers from `rng`.
    ///
    /// # Panics
    /// If `p` is not within 0..=1.
    #[track_caller]
    pub fn new(p: f64, rng: &Rc<RefCell<Rng>>) -> Dropout {
        assert!((0.0..=1.0).contains(&p), "dropout: probability {p} is not within 0..=1");
        Dropout { p, rng: rng.clone() }
    }

    /// x of any shape to y of the same shape: see [`Variable::dropout`].
    pub fn forward(&self, x: &Variable) -> Variable {
        match mode::is_training() {
            true => x.dropout(self.p, &mut self.rng.borrow_mut()),
            false => x.clone(),
        }
    }
}
