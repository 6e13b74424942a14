//! [`Gunzip`]: a gzip file, unpacked while it is read.

use flate2::bufread::GzDecoder;
use std::io::{self, BufRead, Read};

/// Deflate cannot pack more than 1032 bytes into one, so no gzipped file holds more than this times its length.
pub(super) const MOST_PER_PACKED_BYTE: u64 = 1032;

/// Whether a file that begins so is gzipped.
pub(super) fn is_gzip(start: &[u8]) -> bool {
    start.starts_with(&[0x1f, 0x8b])
}

/// The members of a gzip file, one behind the other. As for the program gzip, zero bytes may follow the last one: tapes
/// and disks with blocks of one size pad files with them.
pub(super) struct Gunzip<R: BufRead> {
    /// `None` after the end of the file.
    member: Option<GzDecoder<R>>,
}

impl<R: BufRead> Gunzip<R> {
    pub fn new(file: R) -> Gunzip<R> {
        Gunzip { member: Some(GzDecoder::new(file)) }
    }
}

impl<R: BufRead> Read for Gunzip<R> {
    /// # Errors
    /// `InvalidData`, `InvalidInput` or `UnexpectedEof` if the file is damaged, or other bytes follow its members.
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while let Some(member) = &mut self.member {
            let count = member.read(out)?;
            if count > 0 || out.is_empty() {
                return Ok(count);
            }
            let mut rest = self.member.take().expect("just read").into_inner();
            match rest.fill_buf()?.first() {
                Some(0x1f) => self.member = Some(GzDecoder::new(rest)),
                _ => expect_zeros(rest)?,
            }
        }
        Ok(0)
    }
}

fn expect_zeros(mut rest: impl BufRead) -> io::Result<()> {
    loop {
        let bytes = rest.fill_buf()?;
        if bytes.is_empty() {
            return Ok(());
        }
        if let Some(byte) = bytes.iter().find(|&&byte| byte != 0) {
            let message = format!("the byte {byte:02x} after its end, where only zeros may follow");
            return Err(io::Error::new(io::ErrorKind::InvalidData, message));
        }
        let count = bytes.len();
        rest.consume(count);
    }
}
