//! [`Tensor`]: a shape and its numbers, without any graph.

mod arithmetic;

use crate::Real;
use crate::pool::Buffer;
use crate::shape::Shape;
use std::sync::Arc;

/// Numbers in a shape: contiguous, the last axis runs fastest. Cloning is cheap, and writing into a clone
/// copies it first, so no tensor ever changes under its other owners. `+ - * /` take tensors and numbers, and broadcast.
/// Printed, a tensor looks as in NumPy, and with `{:?}` as in PyTorch (`src/display.rs`).
///
/// ```
/// use tsukuru::tensor::Tensor;
///
/// let x = Tensor::from([[1.0, 2.0], [3.0, 4.0]]) * 0.5 - Tensor::from([0.0, 3.5]);
/// assert_eq!(x.to_string(), "[[ 0.5000 -2.5000]\n [ 1.5000 -1.5000]]");
/// assert_eq!(format!("{:?}", x.map(|x| 2.0 * x)), "tensor([[ 1., -5.],\n        [ 3., -3.]], shape=(2, 2))");
/// ```
#[derive(Clone)]
pub struct Tensor {
    shape: Shape,
    buffer: Arc<Buffer>,
}

impl Tensor {
    /// A copy of `numbers` in a shape.
    ///
    /// # Panics
    /// If `numbers` are not as many as `shape` says.
    #[track_caller]
    pub fn new(shape: impl Into<Shape>, numbers: &[Real]) -> Tensor {
        let shape = shape.into();
        assert!(
            shape.count() == numbers.len(),
            "tensor: shape {shape} holds {} numbers, not {}",
            shape.count(),
            numbers.len()
        );
        Tensor::build(shape, |data| data.copy_from_slice(numbers))
    }

    /// A tensor of `value` everywhere.
    ///
    /// # Panics
    /// If memory cannot hold the shape.
    #[track_caller]
    pub fn full(shape: impl Into<Shape>, value: Real) -> Tensor {
        Tensor::build(shape, |data| data.fill(value))
    }

    /// A tensor of zeros.
    ///
    /// # Panics
    /// If memory cannot hold the shape.
    #[track_caller]
    pub fn zeros(shape: impl Into<Shape>) -> Tensor {
        Tensor::full(shape, 0.0)
    }

    /// A tensor of ones.
    ///
    /// # Panics
    /// If memory cannot hold the shape.
    #[track_caller]
    pub fn ones(shape: impl Into<Shape>) -> Tensor {
        Tensor::full(shape, 1.0)
    }

    /// A tensor whose i-th number is f(i): the last axis runs fastest.
    ///
    /// # Panics
    /// If memory cannot hold the shape.
    #[track_caller]
    pub fn from_fn(shape: impl Into<Shape>, mut f: impl FnMut(usize) -> Real) -> Tensor {
        Tensor::build(shape, |data| data.iter_mut().enumerate().for_each(|(i, x)| *x = f(i)))
    }

    /// f of every number.
    pub fn map(&self, mut f: impl FnMut(Real) -> Real) -> Tensor {
        Tensor::build(self.shape, |y| y.iter_mut().zip(self.data()).for_each(|(y, &x)| *y = f(x)))
    }

    /// f of each number and the one at the same place in `other`.
    ///
    /// # Panics
    /// If the shapes differ.
    #[track_caller]
    pub fn zip(&self, other: &Tensor, mut f: impl FnMut(Real, Real) -> Real) -> Tensor {
        assert!(self.shape == other.shape, "zip: shapes {} and {} differ", self.shape, other.shape);
        let pairs = self.data().iter().zip(other.data());
        Tensor::build(self.shape, |y| y.iter_mut().zip(pairs).for_each(|(y, (&a, &b))| *y = f(a, b)))
    }

    /// A tensor of one number and no axes.
    pub fn scalar(value: Real) -> Tensor {
        Tensor::full(Shape::SCALAR, value)
    }

    /// A tensor whose numbers `write` fills in, every one of them: at first they are uninitialised (`torch.empty`), that is, those of an earlier tensor.
    ///
    /// # Panics
    /// If memory cannot hold the shape.
    #[track_caller]
    pub fn build(shape: impl Into<Shape>, write: impl FnOnce(&mut [Real])) -> Tensor {
        let shape = shape.into();
        let mut buffer = Buffer::scratch(shape.count());
        write(&mut buffer);
        Tensor { shape, buffer: Arc::new(buffer) }
    }

    /// The sizes of the axes.
    pub fn shape(&self) -> &Shape {
        &self.shape
    }

    /// The numbers, the last axis fastest.
    pub fn data(&self) -> &[Real] {
        &self.buffer
    }

    /// The numbers, to be changed. If another tensor shares them, they are copied first.
    pub fn data_mut(&mut self) -> &mut [Real] {
        if Arc::get_mut(&mut self.buffer).is_none() {
            *self = Tensor::build(self.shape, |data| data.copy_from_slice(&self.buffer));
        }
        Arc::get_mut(&mut self.buffer).expect("a buffer that was just made has one owner")
    }

    /// Whether no other tensor shares the numbers, so that writing into them needs no copy.
    pub fn is_unshared(&mut self) -> bool {
        Arc::get_mut(&mut self.buffer).is_some()
    }

    /// The one number of a tensor that holds one.
    ///
    /// # Panics
    /// If it holds more or none.
    #[track_caller]
    pub fn item(&self) -> Real {
        assert!(self.shape.count() == 1, "item: shape {} holds {} numbers, not one", self.shape, self.shape.count());
        self.buffer[0]
    }

    /// The same numbers in another shape, without copying them.
    ///
    /// # Panics
    /// If `shape` holds another number of elements.
    #[track_caller]
    pub fn reshape(&self, shape: impl Into<Shape>) -> Tensor {
        let shape = shape.into();
        let (from, count, wanted) = (self.shape, self.shape.count(), shape.count());
        assert!(count == wanted, "reshape: {from} into {shape}: {count} numbers into {wanted}");
        Tensor { shape, buffer: self.buffer.clone() }
    }
}

impl From<Real> for Tensor {
    fn from(value: Real) -> Tensor {
        Tensor::scalar(value)
    }
}

/// The same numbers, shared.
impl From<&Tensor> for Tensor {
    fn from(tensor: &Tensor) -> Tensor {
        tensor.clone()
    }
}

impl<const N: usize> From<[Real; N]> for Tensor {
    fn from(row: [Real; N]) -> Tensor {
        Tensor::new([N], &row)
    }
}

impl<const M: usize, const N: usize> From<[[Real; N]; M]> for Tensor {
    fn from(rows: [[Real; N]; M]) -> Tensor {
        Tensor::new([M, N], rows.as_flattened())
    }
}

impl PartialEq for Tensor {
    fn eq(&self, other: &Tensor) -> bool {
        self.shape == other.shape && self.data() == other.data()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writing_into_a_clone_leaves_the_original_alone() {
        let a = Tensor::from([1.0, 2.0, 3.0]);
        let mut b = a.clone();
        b.data_mut()[0] = 9.0;
        assert_eq!((a.data(), b.data()), (&[1.0, 2.0, 3.0][..], &[9.0, 2.0, 3.0][..]));
    }

    #[test]
    fn reshape_shares_the_numbers() {
        let a = Tensor::from([[1.0, 2.0], [3.0, 4.0]]);
        assert_eq!(a.reshape([4]).data().as_ptr(), a.data().as_ptr());
    }

    #[test]
    #[should_panic(expected = "reshape: (2, 2) into (3,): 4 numbers into 3")]
    fn reshape_keeps_the_count() {
        Tensor::zeros([2, 2]).reshape([3]);
    }
}
