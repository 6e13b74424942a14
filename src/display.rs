//! How tensors and Variables print: `{x}` in NumPy's brackets, with PyTorch's digits; `{x:?}` as `print(x)` of PyTorch, with
//! the shape, and where a Variable comes from. `{x:.2}` writes two digits after the point.
//!
//! ```
//! use tsukuru::variable::Variable;
//!
//! let x = Variable::parameter([[1.0, -2.5], [0.25, 10.0]]);
//! assert_eq!(x.to_string(), "[[ 1.0000 -2.5000]\n [ 0.2500 10.0000]]");
//! let y = x.sum(0);
//! assert_eq!(format!("{y:?}"), "tensor([1.2500, 7.5000], shape=(2,), grad_fn=<sum>)");
//! ```

use crate::Real;
use crate::tensor::Tensor;
use crate::variable::Variable;
use std::fmt;

/// A tensor of more numbers is long: it prints without the middle of its long axes.
const THRESHOLD: usize = 1000;
/// What is left of a long axis: so many places at its beginning and at its end.
const EDGE: usize = 3;
/// How many characters fit on a line.
const LINE: usize = 80;
/// Digits after the point.
const DIGITS: usize = 4;

impl fmt::Display for Tensor {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(&text(self, " ", 0, f.precision()))
    }
}

impl fmt::Debug for Tensor {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write_repr(self, "", f)
    }
}

impl fmt::Display for Variable {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        self.value().fmt(f)
    }
}

impl fmt::Debug for Variable {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let origin = match self.node.as_ref().map(|node| node.name()) {
            None => String::new(),
            Some(None) => ", requires_grad=True".to_string(),
            Some(Some(name)) => format!(", grad_fn=<{name}>"),
        };
        write_repr(&self.value(), &origin, f)
    }
}

fn write_repr(x: &Tensor, origin: &str, f: &mut fmt::Formatter) -> fmt::Result {
    let numbers = text(x, ", ", "tensor(".len(), f.precision());
    write!(f, "tensor({numbers}, shape={}{origin})", x.shape())
}

/// The numbers of x in nested brackets, with `separator` between them, where the first line begins `indent` characters
/// from the left.
fn text(x: &Tensor, separator: &str, indent: usize, digits: Option<usize>) -> String {
    let (shape, strides) = (x.shape(), x.shape().strides());
    if shape.count() == 0 {
        return "[]".to_string();
    }
    let long = shape.count() > THRESHOLD;
    let mut places = vec![0];
    for (size, stride) in shape.iter().zip(strides) {
        let (head, tail) = if is_cut(long, *size) { (EDGE, size - EDGE) } else { (*size, *size) };
        let along = (0..head).chain(tail..*size);
        places = places.iter().flat_map(|place| along.clone().map(move |i| place + i * stride)).collect();
    }
    let shown: Vec<Real> = places.into_iter().map(|place| x.data()[place]).collect();
    let notation = Notation::of(&shown, digits);
    let numbers: Vec<String> = shown.into_iter().map(|x| notation.write(x)).collect();
    let width = numbers.iter().map(String::len).max().unwrap_or(0);
    let numbers: Vec<String> = numbers.into_iter().map(|number| format!("{number:>width$}")).collect();
    brackets(&numbers, shape, long, separator, indent)
}

/// Whether the middle of an axis of this size is left out.
fn is_cut(long: bool, size: usize) -> bool {
    long && size > 2 * EDGE
}

/// The numbers that are shown of a tensor of these axes, from the outermost axis on.
fn brackets(numbers: &[String], axes: &[usize], long: bool, separator: &str, indent: usize) -> String {
    let Some((&size, inner)) = axes.split_first() else { return numbers[0].clone() };
    let parts = if is_cut(long, size) { 2 * EDGE } else { size };
    let parts = numbers.chunks(numbers.len() / parts);
    let mut parts: Vec<String> = parts.map(|part| brackets(part, inner, long, separator, indent + 1)).collect();
    if is_cut(long, size) {
        parts.insert(EDGE, "...".to_string());
    }
    if inner.is_empty() {
        let per_line = ((LINE - indent) / (numbers[0].len() + separator.len())).max(1);
        parts = parts.chunks(per_line).map(|line| line.join(separator)).collect();
    }
    let new_line = format!("{}{}{}", separator.trim_end(), "\n".repeat(inner.len().max(1)), " ".repeat(indent + 1));
    format!("[{}]", parts.join(&new_line))
}

/// How all numbers of a tensor are written.
enum Notation {
    /// `3.`
    Whole,
    /// `2.5000`, with so many digits after the point.
    Fixed(usize),
    /// `2.5000e-05`, likewise.
    Scientific(usize),
}

impl Notation {
    /// PyTorch's choice: scientific if fixed digits would be too many, or too few for the smallest number.
    fn of(numbers: &[Real], digits: Option<usize>) -> Notation {
        let finite = || numbers.iter().filter(|x| x.is_finite());
        let sizes = finite().map(|x| x.abs()).filter(|&size| size > 0.0);
        let (min, max) = sizes.fold((Real::INFINITY, 0.0), |(min, max), size| (min.min(size), size.max(max)));
        let whole = digits.is_none() && finite().all(|x| x.fract() == 0.0);
        let digits = digits.unwrap_or(DIGITS);
        match max / min > 1e3 || max > 1e8 || min < 1e-4 {
            true => Notation::Scientific(digits),
            false if whole => Notation::Whole,
            false => Notation::Fixed(digits),
        }
    }

    fn write(&self, x: Real) -> String {
        match *self {
            _ if x.is_nan() => "nan".to_string(),
            _ if x.is_infinite() => x.to_string(),
            Notation::Whole => format!("{x:.0}."),
            Notation::Fixed(digits) => format!("{x:.digits$}"),
            Notation::Scientific(digits) => {
                let text = format!("{x:.digits$e}");
                let (number, exponent) = text.split_once('e').expect("an exponent");
                format!("{number}e{:+03}", exponent.parse::<i32>().expect("a whole number"))
            }
        }
    }
}
