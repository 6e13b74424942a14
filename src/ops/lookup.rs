//! Numbers and rows of a table by index.

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
        self.reshape([shape.count(), 1]).embedding(&places).reshape([indices.len()])
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
        let (rows, width) = (shape[0], shape[1]);
        if let Some(outside) = indices.iter().find(|&&i| i >= rows) {
            panic!("embedding: index {outside} lies outside the table {shape}");
        }
        let y = Tensor::build([indices.len(), width], |y| kernels::gather_rows(self.value().data(), width, indices, y));
        let indices = indices.to_vec();
        record("embedding", &[self], &[], y, move |gy, _| vec![Some(gy.index_add(rows, &indices))])
    }

    /// The adjoint of [`Variable::embedding`]: a table of `rows` rows, where row i of this was added to row
    /// `indices[i]`.
    fn index_add(&self, rows: usize, indices: &[usize]) -> Variable {
        let width = self.shape()[1];
        let table =
            Tensor::build([rows, width], |table| kernels::scatter_rows(self.value().data(), width, indices, table));
        let indices = indices.to_vec();
        record("embedding_dx", &[self], &[], table, move |ggtable, _| vec![Some(ggtable.embedding(&indices))])
    }
}
