//! The threads that kernels run on.

/// Sets the number of threads (`torch.set_num_threads`); `None` and `Some(0)` mean one per core. The calling thread is one
/// of them. Without this call, the first parallel kernel starts one thread per core beside the calling one, which then
/// sleeps and wakes up for each kernel: a training step of a small autoencoder spends a quarter of its time there.
///
/// # Errors
/// If the threads cannot be made, or were made before.
pub fn start(threads: Option<usize>) -> Result<(), rayon::ThreadPoolBuildError> {
    rayon::ThreadPoolBuilder::new().num_threads(threads.unwrap_or(0)).use_current_thread().build_global()
}
