//! The IDX format, in which MNIST is published: a magic number, the size of each axis, and the numbers.
//!
//! ```text
//! byte 0  00 00    always
//!      2  08       what the numbers are: 08 is u8, the only kind read here
//!      3  03       how many axes: 3 for images (count, rows, columns), 1 for labels (count)
//!      4  u32 ...  the size of each axis, big-endian
//!      .. u8 ...   the numbers, the last axis fastest, and nothing after them
//! ```
//!
//! Files may be gzipped; their first two bytes tell, not their name. A file is not trusted: what its header promises
//! is compared with its length before any memory is asked for.

use super::DataError;
use super::gzip::{self, Gunzip};
use crate::files::{open_regular, write_whole};
use byteorder::{BigEndian, ReadBytesExt, WriteBytesExt};
use flate2::{Compression, write::GzEncoder};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};

/// So many numbers are read of a file at most; MNIST's longest has 47 million. A file longer than that is not read.
const MOST: u64 = 1 << 30;

/// Images of one size: (count, channels, rows, cols) bytes, of grey ones 0 black (background) to 255 white (ink).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Images {
    /// How many images.
    pub count: usize,
    /// Channels of each: 1 if they are grey, 3 (red, green, blue) if they are coloured. IDX files hold grey ones.
    pub channels: usize,
    /// Rows of each.
    pub rows: usize,
    /// Columns of each.
    pub cols: usize,
    /// (count, channels, rows, cols), row by row.
    pub pixels: Vec<u8>,
}

/// Reads images: u8, 3 axes.
///
/// # Errors
/// If the file cannot be read, is not an IDX file of images, is shorter or longer than its header says, or has more than
/// 2^30 pixels.
pub fn read_images(path: &Path) -> Result<Images, DataError> {
    images(Reader::open(path)?)
}

/// As [`read_images`], from a file that lies in memory. `path` is what messages call it.
///
/// # Errors
/// As [`read_images`].
pub fn images_from_bytes(path: &Path, bytes: &[u8]) -> Result<Images, DataError> {
    images(Reader::new(path, Box::new(bytes), bytes.len() as u64)?)
}

fn images(mut file: Reader) -> Result<Images, DataError> {
    let [count, rows, cols] = file.header("images")?;
    if rows == 0 || cols == 0 {
        return Err(file.wrong(8, "images of at least one pixel", format!("{rows} x {cols} pixels")));
    }
    let pixels = file.numbers(&[count, rows, cols])?;
    Ok(Images { count: count as usize, channels: 1, rows: rows as usize, cols: cols as usize, pixels })
}

/// Reads labels: u8, 1 axis.
///
/// # Errors
/// As [`read_images`].
pub fn read_labels(path: &Path) -> Result<Vec<u8>, DataError> {
    labels(Reader::open(path)?)
}

/// As [`read_labels`], from a file that lies in memory. `path` is what messages call it.
///
/// # Errors
/// As [`read_images`].
pub fn labels_from_bytes(path: &Path, bytes: &[u8]) -> Result<Vec<u8>, DataError> {
    labels(Reader::new(path, Box::new(bytes), bytes.len() as u64)?)
}

fn labels(mut file: Reader) -> Result<Vec<u8>, DataError> {
    let [count] = file.header("labels")?;
    file.numbers(&[count])
}

/// Writes grey images, gzipped if the name ends in `.gz`. The same images always make the same bytes.
///
/// # Errors
/// If the file cannot be written; it is then as it was before.
///
/// # Panics
/// If the images are not grey, `pixels` are not as many as the sizes say, or an image has none.
#[track_caller]
pub fn write_images(path: &Path, images: &Images) -> Result<(), DataError> {
    images.check();
    assert!(images.channels == 1, "write_images: expected grey images, found {} channels", images.channels);
    write(path, &[images.count, images.rows, images.cols], &images.pixels)
}

/// Writes labels. All else as [`write_images`].
///
/// # Errors
/// If the file cannot be written; it is then as it was before.
pub fn write_labels(path: &Path, labels: &[u8]) -> Result<(), DataError> {
    write(path, &[labels.len()], labels)
}

impl Images {
    /// (channels, rows, cols) of an image.
    pub fn size(&self) -> [usize; 3] {
        [self.channels, self.rows, self.cols]
    }

    #[track_caller]
    pub(super) fn check(&self) {
        let Images { count, channels, rows, cols, ref pixels } = *self;
        let size = channels.checked_mul(rows).and_then(|size| size.checked_mul(cols)).filter(|&size| size > 0);
        let wanted = size.and_then(|size| size.checked_mul(count));
        let found = pixels.len();
        assert!(wanted == Some(found), "images: {count} of {channels} x {rows} x {cols} with {found} pixels");
    }
}

/// An open file and how far it has been read.
struct Reader<'a> {
    path: PathBuf,
    bytes: Box<dyn Read + 'a>,
    offset: u64,
    /// No more than so many (unpacked) bytes can be in the file.
    most: u64,
}

impl<'a> Reader<'a> {
    fn open(path: &Path) -> Result<Reader<'a>, DataError> {
        let fail = |source| DataError::Read { path: path.into(), offset: 0, source };
        let file = open_regular(path).map_err(fail)?;
        let length = file.metadata().map_err(fail)?.len();
        Reader::new(path, Box::new(BufReader::new(file)), length)
    }

    /// `file` has `length` bytes, packed or not.
    fn new(path: &Path, mut file: Box<dyn BufRead + 'a>, length: u64) -> Result<Reader<'a>, DataError> {
        let start = file.fill_buf();
        let packed =
            start.map(gzip::is_gzip).map_err(|source| DataError::Read { path: path.into(), offset: 0, source })?;
        let (bytes, most): (Box<dyn Read>, u64) = match packed {
            true => (Box::new(Gunzip::new(file)), length.saturating_mul(gzip::MOST_PER_PACKED_BYTE)),
            false => (file, length),
        };
        Ok(Reader { path: path.into(), bytes, offset: 0, most })
    }

    /// The sizes of the `AXES` axes.
    fn header<const AXES: usize>(&mut self, what: &str) -> Result<[u32; AXES], DataError> {
        let magic = self.u32(&format!("the magic number of IDX {what}"))?;
        let [zero, zero_too, kind, axes] = magic.to_be_bytes();
        if (zero, zero_too) != (0, 0) {
            return Err(self.wrong(0, format!("the magic number 0000080{AXES} of IDX {what}"), format!("{magic:08x}")));
        }
        if kind != 8 {
            return Err(self.wrong(2, "numbers of type 08 (u8)", format!("type {kind:02x}{}", name_of(kind))));
        }
        if usize::from(axes) != AXES {
            let looks_like = ["", " (labels)", "", " (images)"].get(usize::from(axes)).unwrap_or(&"");
            return Err(self.wrong(3, format!("{AXES} as the number of axes ({what})"), format!("{axes}{looks_like}")));
        }
        let mut sizes = [0; AXES];
        for (axis, size) in sizes.iter_mut().enumerate() {
            *size = self.u32(&format!("the size of axis {axis}"))?;
        }
        Ok(sizes)
    }

    /// The next u32 of the header.
    fn u32(&mut self, what: &str) -> Result<u32, DataError> {
        let start = self.offset;
        let bytes = self.up_to(4)?;
        let found = format!("{} of its 4 bytes and the end of the file", bytes.len());
        bytes.as_slice().read_u32::<BigEndian>().map_err(|_| self.wrong(start, what, found))
    }

    /// As many numbers as the `sizes` promise, and then the end of the file.
    fn numbers(&mut self, sizes: &[u32]) -> Result<Vec<u8>, DataError> {
        let start = self.offset;
        let promised: u128 = sizes.iter().map(|&n| u128::from(n)).product();
        let sizes: Vec<String> = sizes.iter().map(u32::to_string).collect();
        let expected = format!("{promised} bytes ({})", sizes.join(" x "));
        if promised > u128::from(MOST) {
            return Err(self.wrong(4, format!("at most {MOST} bytes"), expected));
        }
        let most = self.most.saturating_sub(start);
        if promised > u128::from(most) {
            return Err(self.wrong(start, expected, format!("at most {most}")));
        }
        let numbers = self.up_to(promised as u64)?;
        if (numbers.len() as u128) < promised {
            return Err(self.wrong(start, expected, numbers.len().to_string()));
        }
        // Asking for one byte more also makes gzip compare its checksum.
        let end = self.offset;
        match self.up_to(1)?.len() {
            0 => Ok(numbers),
            _ => Err(self.wrong(end, "the end of the file", "more bytes")),
        }
    }

    /// The next `count` bytes, fewer at the end of the file. Memory grows with what arrives, not with `count`.
    fn up_to(&mut self, count: u64) -> Result<Vec<u8>, DataError> {
        let mut found = Vec::new();
        let result = (&mut self.bytes).take(count).read_to_end(&mut found);
        self.offset += found.len() as u64;
        result.map(|_| found).map_err(|source| match source.kind() {
            // flate2's and Gunzip's kinds; a file that is not packed has none of them.
            io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof => {
                self.wrong(self.offset, "a whole and sound gzip file", source.to_string())
            }
            _ => DataError::Read { path: self.path.clone(), offset: self.offset, source },
        })
    }

    fn wrong(&self, offset: u64, expected: impl Into<String>, found: impl Into<String>) -> DataError {
        DataError::Format { path: self.path.clone(), offset, expected: expected.into(), found: found.into() }
    }
}

fn name_of(kind: u8) -> &'static str {
    match kind {
        0x09 => " (i8)",
        0x0b => " (i16)",
        0x0c => " (i32)",
        0x0d => " (f32)",
        0x0e => " (f64)",
        _ => "",
    }
}

fn write(path: &Path, sizes: &[usize], numbers: &[u8]) -> Result<(), DataError> {
    let body = |out: &mut dyn Write| {
        out.write_u32::<BigEndian>(0x0800 | sizes.len() as u32)?;
        for &size in sizes {
            out.write_u32::<BigEndian>(size.try_into().map_err(io::Error::other)?)?;
        }
        out.write_all(numbers)
    };
    let gzip = path.extension().is_some_and(|end| end.eq_ignore_ascii_case("gz"));
    let result = write_whole(path, |mut out| match gzip {
        false => body(out),
        true => {
            // flate2 leaves the time stamp 0, so the bytes depend on nothing but the numbers.
            let mut packer = GzEncoder::new(&mut out, Compression::best());
            body(&mut packer)?;
            packer.finish().map(drop)
        }
    });
    result.map_err(|source| DataError::Write { path: path.into(), source })
}
