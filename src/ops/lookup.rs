//! Numbers and rows by index.

use crate::graph::record;
use crate::kernels;
use crate::tensor::Tensor;
use crate::variable::Variable;

impl Variable {
    /// One number out of each row of x (N, columns): `y[n] = x[n, indices[n]]` (N); in PyTorch
    /// `x.gather(1, indices.unsqueeze(1)).squeeze(1)`.
    ///
    /// # Panics
    /// If x has not two axes, there is not one index for each row, or an index lies outside.
    #[track_caller]
    pub fn gather(&self, indices: &[usize]) -> Variable {
        let shape = self.shape();
        let fits = shape.len() == 2 && shape[0] == indices.len();
        assert!(fits, "gather: x {shape} with {} indices is not (indices, columns)", indices.len());
        let columns = shape[1];
        if let Some(outside) = indices.iter().find(|&&i| i >= columns) {
            panic!("gather: index {outside} is none of the {columns} columns of x {shape}");
        }
        let places: Vec<usize> = indices.iter().enumerate().map(|(row, i)| row * columns + i).collect();
        self.reshape([shape.count(), 1]).rows(&places).reshape([indices.len()])
    }

    /// The places `indices` (N) of one axis, in this order: `x.index_select(0, &[2, 0])` (2, ..) holds x\[2\] and
    /// x\[0\] of x (rows, ..). In dx, what came from one place several times is added up.
    ///
    /// # Panics
    /// If the axis does not exist, or an index lies outside it.
    #[track_caller]
    pub fn index_select(&self, axis: isize, indices: &[usize]) -> Variable {
        let shape = self.shape();
        let at = shape.axis("index_select", axis);
        if let Some(outside) = indices.iter().find(|&&i| i >= shape[at]) {
            panic!("index_select: index {outside} lies outside axis {axis} of x {shape}");
        }
        match at {
            0 => self.rows(indices),
            _ => self.transpose(0, axis).rows(indices).transpose(0, axis),
        }
    }

    /// The rows of this table (rows, width) at `indices` (N): `y[n] = table[indices[n]]` (N, width). In dtable each row
    /// of gy is added to the row that it came from.
    ///
    /// # Panics
    /// If the table has not two axes, or an index lies outside it.
    #[track_caller]
    pub fn embedding(&self, indices: &[usize]) -> Variable {
        let shape = self.shape();
        assert!(shape.len() == 2, "embedding: the table {shape} is not (rows, width)");
        if let Some(outside) = indices.iter().find(|&&i| i >= shape[0]) {
            panic!("embedding: index {outside} lies outside the table {shape}");
        }
        self.rows(indices)
    }

    /// `y[n] = x[indices[n]]`: x (rows, ..), y (N, ..).
    #[track_caller]
    fn rows(&self, indices: &[usize]) -> Variable {
        let shape = self.shape();
        let (rows, row) = (shape[0], &shape[1..]);
        let width = row.iter().product();
        let y_shape = [&[indices.len()], row].concat();
        let y = Tensor::build(&y_shape[..], |y| kernels::gather_rows(self.value().data(), width, indices, y));
        let indices = indices.to_vec();
        record("index_select", &[self], &[], y, move |gy, _| vec![Some(gy.add_rows(rows, &indices))])
    }

    /// The adjoint of [`Variable::rows`], from gy (N, ..) to gx (rows, ..): row n is added to row `indices[n]`.
    #[track_caller]
    fn add_rows(&self, rows: usize, indices: &[usize]) -> Variable {
        let shape = self.shape();
        let row = &shape[1..];
        let width = row.iter().product();
        let x_shape = [&[rows], row].concat();
        let gx = Tensor::build(&x_shape[..], |gx| kernels::scatter_rows(self.value().data(), width, indices, gx));
        let indices = indices.to_vec();
        record("index_add", &[self], &[], gx, move |ggx, _| vec![Some(ggx.rows(&indices))])
    }
}
