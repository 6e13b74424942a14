//! What both golden tests share: where PyTorch's values lie, how they are read, and when two tensors agree.

use safetensors::{Dtype, SafeTensors};
use std::path::{Path, PathBuf};
use tsukuru::Real;
use tsukuru::tensor::Tensor;

/// The folder that `GOLDEN_DIR` names, or the repository's own.
pub fn folder() -> PathBuf {
    let package = Path::new(env!("CARGO_MANIFEST_DIR")); // the repository's root, or `steps` below it
    let own = || package.ancestors().map(|folder| folder.join("tests/golden")).find(|folder| folder.is_dir());
    std::env::var_os("GOLDEN_DIR").map(PathBuf::from).or_else(own).expect("tests/golden is in the repository")
}

pub fn bytes(file: &str) -> Vec<u8> {
    let path = folder().join(file);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Numbers in f64, as they are compared; inputs are F32, results F64.
pub struct Golden {
    pub shape: Vec<usize>,
    pub numbers: Vec<f64>,
}

impl Golden {
    pub fn read(file: &SafeTensors, name: &str) -> Option<Golden> {
        let view = file.tensor(name).ok()?;
        let numbers = match view.dtype() {
            Dtype::F32 => view.data().chunks(4).map(|b| f64::from(f32::from_le_bytes(b.try_into().unwrap()))).collect(),
            Dtype::F64 => view.data().chunks(8).map(|b| f64::from_le_bytes(b.try_into().unwrap())).collect(),
            Dtype::I64 => view.data().chunks(8).map(|b| i64::from_le_bytes(b.try_into().unwrap()) as f64).collect(),
            other => panic!("{name}: {other:?} is not among F32, F64 and I64"),
        };
        Some(Golden { shape: view.shape().to_vec(), numbers })
    }

    pub fn tensor(&self) -> Tensor {
        let numbers: Vec<Real> = self.numbers.iter().map(|&x| x as Real).collect();
        Tensor::new(&self.shape[..], &numbers)
    }

    /// The relative error max|got - want| / max|want|, if it is at most `tol` and the shapes are equal. What should be
    /// zero must be zero.
    pub fn check(&self, what: &str, got: &Tensor, tol: f64) -> Result<f64, String> {
        if **got.shape() != self.shape[..] {
            return Err(format!("{what}: shape {}, expected {:?}", got.shape(), self.shape));
        }
        let mut largest = 0.0;
        let scale = self.numbers.iter().fold(0.0, |largest: f64, x| largest.max(x.abs()));
        for (i, (&got, &want)) in got.data().iter().zip(&self.numbers).enumerate() {
            let difference = (f64::from(got) - want).abs();
            if difference > tol * scale || difference.is_nan() {
                return Err(format!("{what}: entry {i} is {got}, expected {want}, off by {:.1e}", difference / scale));
            }
            largest = difference.max(largest);
        }
        Ok(if largest > 0.0 { largest / scale } else { 0.0 })
    }
}
