//! The fast storey: the same names as in [`super::reference`], parallel and vectorised.

pub mod cpu;
mod elementwise;
mod lookup;
mod loops;
mod norm;
mod optim;
mod pieces;
mod reduce;
mod spatial;
mod strided;
mod vmath;

pub use super::reference::*;
pub use elementwise::{map, map_assign, zip, zip_assign};
pub use lookup::{gather_rows, scatter_rows};
pub use norm::{batch_norm_dx, channel_affine, channel_stats};
pub use optim::adam;
pub use reduce::{max, sum};
pub use spatial::{max_pool2d, max_pool2d_dx, upsample_bilinear2d, upsample_bilinear2d_dx};
pub use strided::{read_strided, write_strided};
