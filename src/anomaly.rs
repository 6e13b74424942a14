//! Where a NaN comes from: [`detect_anomaly`] runs something and finds the first operation that computes an Inf or NaN,
//! forward or backward (`torch.autograd.set_detect_anomaly`, which looks for NaN only).
//!
//! Every result and gradient is looked through as it appears, which takes about as long as an addition. Under
//! [`no_grad`](crate::mode::no_grad), an operation that writes its result over its operand does not show itself; what it
//! spoils is found as the input of the next one. An infinity that is meant, such as ln 0 below a `clamp`, is an anomaly,
//! too.

use crate::Real;
use crate::hook::{Event, with_hook};
use crate::shape::Shape;
use crate::tensor::Tensor;
use std::cell::Cell;
use std::fmt;
use std::panic::Location;
use std::rc::Rc;

/// The first number of a calculation that is not finite.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Anomaly {
    /// The operation.
    pub name: &'static str,
    /// Which of its tensors holds the number.
    pub place: Place,
    /// The shape of that tensor.
    pub shape: Shape,
    /// Inf, -Inf or NaN.
    pub number: Real,
    /// Where the operation was called.
    pub caller: &'static Location<'static>,
}

/// A tensor that an operation reads or computes, forward or backward.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// The operation computed the number.
    Output,
    /// The number was there before: in the data, a constant, or a parameter that an optimizer has spoilt.
    Input(usize),
    /// The backward rule computed the number, as the gradient of this input.
    InputGradient(usize),
    /// The gradients that arrived from several uses of the output have such a sum, or `backward_from` began with one.
    OutputGradient,
}

impl fmt::Display for Anomaly {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let Anomaly { name, place, shape, number, caller } = self;
        let what = match place {
            Place::Output => format!("{name} computed {number} in its output of shape {shape}"),
            Place::Input(i) => format!("{name} got {number} in its input {i} of shape {shape}"),
            Place::InputGradient(i) => {
                format!("the backward rule of {name} computed {number} in the gradient of input {i} of shape {shape}")
            }
            Place::OutputGradient => {
                format!("the backward rule of {name} got {number} in the gradient of the output of shape {shape}")
            }
        };
        write!(f, "{what}; the operation was called at {caller}")
    }
}

/// Runs `work` on this thread. Returns its result and its first anomaly, if there is one.
///
/// ```
/// use tsukuru::{anomaly::{Place, detect_anomaly}, variable::Variable};
///
/// let x = Variable::parameter([4.0, 0.0]);
/// let ((), anomaly) = detect_anomaly(|| x.sqrt().sum(..).backward());
/// let anomaly = anomaly.expect("the root has no slope at 0");
/// assert_eq!((anomaly.name, anomaly.place), ("sqrt", Place::InputGradient(0)));
/// ```
pub fn detect_anomaly<T>(work: impl FnOnce() -> T) -> (T, Option<Anomaly>) {
    let (found, in_rule) = (Rc::new(Cell::new(None)), Cell::new(false));
    let first = found.clone();
    let hook = move |event: &Event| first.set(first.get().or_else(|| look_at(event, &in_rule)));
    let result = with_hook(Rc::new(hook), work);
    (result, found.get())
}

/// What is not finite in an event. `in_rule` is kept from event to event: a rule's own operations are part of it.
fn look_at(event: &Event, in_rule: &Cell<bool>) -> Option<Anomaly> {
    match *event {
        Event::Forward { name, inputs, output, caller } if !in_rule.get() => {
            let of = |place, x: &Tensor| Anomaly::of(name, place, x, caller);
            let output = of(Place::Output, output)?;
            let input = |(i, x): (usize, &&crate::variable::Variable)| of(Place::Input(i), &x.value());
            Some(inputs.iter().enumerate().find_map(input).unwrap_or(output))
        }
        Event::BackwardStart { name, gy, caller } => {
            in_rule.set(true);
            Anomaly::of(name, Place::OutputGradient, &gy.value(), caller)
        }
        Event::BackwardEnd { name, grads, caller, .. } => {
            in_rule.set(false);
            let grads = grads.iter().enumerate().filter_map(|(i, gx)| Some((i, gx.as_ref()?)));
            let mut wrong = grads.filter_map(|(i, gx)| Anomaly::of(name, Place::InputGradient(i), &gx.value(), caller));
            wrong.next()
        }
        _ => None,
    }
}

impl Anomaly {
    /// The first number of x that is not finite.
    fn of(name: &'static str, place: Place, x: &Tensor, caller: &'static Location<'static>) -> Option<Anomaly> {
        let number = *x.data().iter().find(|x| !x.is_finite())?;
        Some(Anomaly { name, place, shape: *x.shape(), number, caller })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backward::grad;
    use crate::mode::no_grad;
    use crate::variable::Variable;

    /// The first anomaly of `work`, with the line of its caller.
    fn first(work: impl FnOnce()) -> (&'static str, Place, Shape, String, u32) {
        let anomaly = detect_anomaly(work).1.expect("an anomaly");
        assert!(anomaly.caller.file().ends_with("anomaly.rs"), "{anomaly}");
        (anomaly.name, anomaly.place, anomaly.shape, anomaly.number.to_string(), anomaly.caller.line())
    }

    #[test]
    fn the_first_anomaly_is_named_with_its_caller() {
        let (x, vector, scalar) = (Variable::parameter([1.0, 0.0]), Shape::new(&[2]), Shape::SCALAR);
        let (forward, at) = (|| drop(1.0 / &x + x.ln() * Real::NAN), line!());
        assert_eq!(first(forward), ("div", Place::Output, vector, "inf".into(), at));
        assert_eq!(first(|| no_grad(forward)), ("div", Place::Output, vector, "inf".into(), at));

        let w = Variable::parameter(Real::NAN);
        let (forward, at) = (|| drop(x.exp() * &w), line!());
        assert_eq!(first(forward), ("mul", Place::Input(1), scalar, "NaN".into(), at));

        let (y, at) = (x.cos() * x.sqrt(), line!());
        assert_eq!(first(|| y.sum(..).backward()), ("sqrt", Place::InputGradient(0), vector, "inf".into(), at));

        let (h, at) = (Variable::parameter(0.0) * 1.0, line!());
        let y = &h * Real::MAX + &h * Real::MAX;
        assert_eq!(first(|| y.backward()), ("scale", Place::OutputGradient, scalar, "inf".into(), at));
    }

    #[test]
    fn a_calculation_without_anomaly_has_its_result() {
        let x = Variable::parameter([1.0, 2.0]);
        let (y, anomaly) = detect_anomaly(|| {
            let y = (x.square() * Variable::new(2.0)).sum(..);
            y.backward();
            y.item()
        });
        assert_eq!((y, anomaly), (10.0, None));
    }

    /// With create_graph, the rule's own division is an operation as well.
    #[test]
    fn what_a_rule_computes_is_the_rule_s() {
        let (x, vector) = (Variable::parameter([1.0, 0.0]), Shape::new(&[2]));
        let (y, at) = (x.sqrt(), line!());
        let gradient = || drop(grad(&y.sum(..), [&x], true));
        assert_eq!(first(gradient), ("sqrt", Place::InputGradient(0), vector, "inf".into(), at));
        let (forward, at) = (|| drop(x.ln()), line!());
        let after_backward = || {
            x.square().sum(..).backward();
            forward();
        };
        assert_eq!(first(after_backward), ("ln", Place::Output, vector, "-inf".into(), at));
    }

    #[test]
    fn an_anomaly_is_a_sentence() {
        let caller = Location::caller();
        for (place, said) in [
            (Place::Output, "sqrt computed NaN in its output of shape (2,)"),
            (Place::Input(3), "sqrt got NaN in its input 3 of shape (2,)"),
            (
                Place::InputGradient(3),
                "the backward rule of sqrt computed NaN in the gradient of input 3 of shape (2,)",
            ),
            (Place::OutputGradient, "the backward rule of sqrt got NaN in the gradient of the output of shape (2,)"),
        ] {
            let anomaly = Anomaly { name: "sqrt", place, shape: Shape::new(&[2]), number: Real::NAN, caller };
            assert_eq!(anomaly.to_string(), format!("{said}; the operation was called at {caller}"));
        }
    }
}
