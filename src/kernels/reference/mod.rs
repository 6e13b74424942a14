//! The reference: what each kernel means, serial, safe and in obvious loops. Signatures are explained in [`super`]. A file
//! here has the name of the one in `fast` that computes the same.

mod attention;
mod bilinear;
mod conv;
mod elementwise;
mod layer_norm;
mod lookup;
mod matmul;
mod norm;
mod optim;
mod pool;
mod reduce;
mod strided;

pub use attention::{attention, attention_dx};
pub use bilinear::{upsample_bilinear2d, upsample_bilinear2d_dx};
pub use conv::{conv2d, conv2d_dw, conv2d_dx, conv2d_prepare, conv2d_prepared, conv2d_prepared_len};
pub use elementwise::{binary, map, map_assign, unary, zip, zip_assign};
pub use layer_norm::{layer_norm, layer_norm_dx};
pub use lookup::{gather_rows, scatter_rows};
pub use matmul::matmul;
pub use norm::{batch_norm, batch_norm_dx, channel_stats};
pub use optim::adam;
pub use pool::{max_pool2d, max_pool2d_dx};
pub use reduce::{max, reduced_strides, sum};
pub use strided::{read_strided, write_strided};
