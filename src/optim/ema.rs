//! The moving average of a model's weights.

use crate::Real;
use crate::kernels::{self, Binary};
use crate::nn::{Entry, Module};
use crate::tensor::Tensor;
use std::mem;

/// The exponential moving average of each weight over the last steps (Polyak and Juditsky, 1992, for a plain average):
/// it averages out the noise of single steps. A shared weight has one average.
///
/// Buffers are averaged like weights. The running mean of a batch norm belongs to the weights before it: that of the
/// last step, beside averaged weights, would be off by as much as the weights have moved meanwhile.
pub struct Ema {
    decay: f64,
    /// In the order of the model's entries, without its counters.
    averages: Vec<Tensor>,
}

impl Ema {
    /// Begins with the weights as they are. With `decay` d, about the last 1 / (1 - d) steps count.
    ///
    /// # Panics
    /// If `decay` is not at least 0 and below 1.
    #[track_caller]
    pub fn new(model: &dyn Module, decay: f64) -> Ema {
        assert!((0.0..1.0).contains(&decay), "moving average: decay {decay} is not within 0..1");
        let averages = model.distinct_entries().into_iter().filter_map(|(_, entry)| match entry {
            Entry::Parameter(parameter) => Some(parameter.value().clone()),
            Entry::Buffer(buffer) => Some(buffer.borrow().clone()),
            Entry::Count(_) => None,
        });
        Ema { decay, averages: averages.collect() }
    }

    /// Takes in the weights after step n, from 1: average += (1 - d) (weight - average) with
    /// d = min(decay, (1 + n) / (10 + n)). At first, when the weights still move far, only about the last ninth of the
    /// steps counts (`num_updates` of TensorFlow's ExponentialMovingAverage).
    ///
    /// # Panics
    /// If the model has other weights than the one that this began with.
    pub fn update(&mut self, model: &dyn Module, n: usize) {
        let decay = self.decay.min((1 + n) as f64 / (10 + n) as f64);
        let toward = Binary::Lerp((1.0 - decay) as Real);
        let mut averages = self.averages.iter_mut();
        for (name, entry) in model.distinct_entries() {
            let mut follow =
                |x: &Tensor| kernels::zip_assign(toward, next(&mut averages, &name, x).data_mut(), x.data());
            match entry {
                Entry::Parameter(parameter) => follow(&parameter.value()),
                Entry::Buffer(buffer) => follow(&buffer.borrow()),
                Entry::Count(_) => (),
            }
        }
    }

    /// Exchanges the weights of the model and their averages, without copying; called again, it puts both back.
    ///
    /// # Panics
    /// As [`update`](Ema::update).
    pub fn swap(&mut self, model: &dyn Module) {
        let mut averages = self.averages.iter_mut();
        for (name, entry) in model.distinct_entries() {
            let mut exchange = |x: &mut Tensor| mem::swap(next(&mut averages, &name, x), x);
            match entry {
                Entry::Parameter(parameter) => parameter.update(exchange),
                Entry::Buffer(buffer) => exchange(&mut buffer.borrow_mut()),
                Entry::Count(_) => (),
            }
        }
    }
}

/// The next average, which belongs to the weight `name`.
fn next<'a>(averages: &mut impl Iterator<Item = &'a mut Tensor>, name: &str, weight: &Tensor) -> &'a mut Tensor {
    let average = averages.next().filter(|average| average.shape() == weight.shape());
    average.unwrap_or_else(|| panic!("moving average: no average of shape {} for `{name}`", weight.shape()))
}
