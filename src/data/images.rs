//! A folder of images by class: `CLASS/*.png`, or `train/CLASS/*.png` and `test/CLASS/*.png`; PNG, JPEG and WebP.

use super::file::require_folder;
use super::limit::{Limits, check_held};
use super::own::{Own, is_test};
use super::pages::{Origin, Paged};
use super::{DataError, Part, Values};
use crate::files::{self, Limit};
use image::imageops::FilterType;
use image::{DynamicImage, ImageDecoder, ImageReader};
use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The largest file of an image.
const LIMIT: Limit = Limit { bytes: 64 << 20, what: "an image" };
/// Pixels of an edge.
const MOST_EDGE: u32 = 16_384;
/// Bytes that a decoder may take.
const MOST_MEMORY: u64 = 512 << 20;
/// Pixels that a byte of a file can become: a deflated byte of one-bit pixels.
const MOST_EXPANSION: u64 = 1032 * 8;
/// Most classes.
const MOST_CLASSES: usize = 65_535;

/// What of a folder is no image, and no mistake.
const OTHERS: [&str; 2] = ["thumbs.db", "desktop.ini"];

/// Reads the images of a folder, within limits, in order of class and file name. They have
/// one size, or are resized to `size` (`[h, w]`). Without a test folder image i is a test image where i mod 5 is 4.
///
/// # Errors
/// A folder without classes; a file that is no such image, or of another size, by name.
pub(super) fn read(folder: &Path, size: Option<[u32; 2]>, limits: Limits) -> Result<Own, DataError> {
    require_folder(folder, "images by class (CLASS/*.png, or train/CLASS/*.png and test/CLASS/*.png)")?;
    let (train, test) = (folder.join("train"), folder.join("test"));
    let (parts, classes, test_indices) = if train.is_dir() {
        let classes = classes(&train)?;
        let of_train = files_of(&train, &classes)?;
        if test.is_dir() {
            for class in self::classes(&test)? {
                if classes.binary_search(&class).is_err() {
                    let path = test.join(&class);
                    return Err(DataError::Image { path, message: "expected a class of the train folder".to_owned() });
                }
            }
            let of_test = files_of(&test, &classes)?;
            ([first(of_train, limits.first[0]), first(of_test, limits.first[1])], classes.len(), None)
        } else {
            let (parts, indices) = by_place(of_train, limits.first);
            (parts, classes.len(), Some(indices))
        }
    } else {
        let classes = classes(folder)?;
        let (parts, indices) = by_place(files_of(folder, &classes)?, limits.first);
        (parts, classes.len(), Some(indices))
    };
    let headers = parts.iter().flatten().map(|(path, _)| header(path)).collect::<Result<Vec<_>, _>>()?;
    let colour = headers.iter().any(|header| header.colour);
    let Some(of_first) = headers.first() else {
        return Err(DataError::NotAFolder { path: folder.to_owned(), what: "images by class" });
    };
    let [h, w] = size.unwrap_or([of_first.height, of_first.width]);
    if size.is_none() {
        check_sizes(&parts, &headers)?;
    }
    let shape = [if colour { 3 } else { 1 }, h as usize, w as usize];
    let [train, test] = parts;
    Ok(Own {
        shape,
        classes: classes as u32,
        train: part(folder, train, shape, limits, 0)?,
        test: part(folder, test, shape, limits, 1)?,
        test_indices,
        clients: None,
    })
}

/// An image file and its class.
type Entry = (PathBuf, u32);

/// The names in a folder, sorted; hidden ones and what systems leave behind are passed over.
fn names(folder: &Path) -> Result<Vec<String>, DataError> {
    let read = |source| DataError::Read { path: folder.to_owned(), source };
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(read)? {
        let name = entry.map_err(read)?.file_name().to_string_lossy().into_owned();
        if !name.starts_with('.') && !OTHERS.contains(&name.to_ascii_lowercase().as_str()) {
            names.push(name);
        }
    }
    names.sort_unstable();
    Ok(names)
}

/// The classes of a part: its folders.
fn classes(folder: &Path) -> Result<Vec<String>, DataError> {
    let mut classes = names(folder)?;
    classes.retain(|name| folder.join(name).is_dir());
    if (1..=MOST_CLASSES).contains(&classes.len()) {
        Ok(classes)
    } else {
        let message = format!("{} folders, expected a folder for each of 1 to {MOST_CLASSES} classes", classes.len());
        Err(DataError::Image { path: folder.to_owned(), message })
    }
}

/// The files of a part, class by class.
fn files_of(folder: &Path, classes: &[String]) -> Result<Vec<Entry>, DataError> {
    let mut files = Vec::new();
    for (class, label) in classes.iter().zip(0..) {
        let of_class = folder.join(class);
        // A test part need not have every class.
        if !of_class.is_dir() {
            continue;
        }
        for name in names(&of_class)? {
            let path = of_class.join(&name);
            let extension = path.extension().and_then(|e| e.to_str()).unwrap_or_default().to_ascii_lowercase();
            if !["png", "jpg", "jpeg", "webp"].contains(&extension.as_str()) {
                return Err(DataError::Image {
                    path,
                    message: "expected a .png, .jpg, .jpeg or .webp file".to_owned(),
                });
            }
            files.push((path, label));
        }
    }
    Ok(files)
}

/// The first `limit` of each class, of 0 all.
fn first(files: Vec<Entry>, limit: u32) -> Vec<Entry> {
    let mut first = super::limit::FirstOfEach::new(limit);
    files.into_iter().filter(|(_, label)| first.takes(*label)).collect()
}

/// Training and test part by place, and the places of the test images.
fn by_place(files: Vec<Entry>, limits: [u32; 2]) -> ([Vec<Entry>; 2], Vec<u32>) {
    let mut first = limits.map(super::limit::FirstOfEach::new);
    let (mut parts, mut indices) = ([Vec::new(), Vec::new()], Vec::new());
    for (i, entry) in files.into_iter().enumerate() {
        let part = usize::from(is_test(i));
        if first[part].takes(entry.1) {
            if part == 1 {
                indices.push(i as u32);
            }
            parts[part].push(entry);
        }
    }
    (parts, indices)
}

/// What an image's header says.
struct Header {
    width: u32,
    height: u32,
    colour: bool,
}

/// An image's decoder, within limits.
fn decoder(bytes: &[u8]) -> image::ImageResult<impl ImageDecoder + '_> {
    let mut reader = ImageReader::new(Cursor::new(bytes)).with_guessed_format()?;
    let mut limits = image::Limits::default();
    limits.max_image_width = Some(MOST_EDGE);
    limits.max_image_height = Some(MOST_EDGE);
    limits.max_alloc = Some(MOST_MEMORY);
    reader.limits(limits);
    reader.into_decoder()
}

fn broken(path: &Path) -> impl Fn(image::ImageError) -> DataError {
    let path = path.to_owned();
    move |e| DataError::Image { path: path.clone(), message: format!("not a whole PNG, JPEG or WebP image: {e}") }
}

fn bytes_of(path: &Path) -> Result<Vec<u8>, DataError> {
    files::read(path, LIMIT).map_err(|e| DataError::Read { path: e.path, source: e.source })
}

fn header(path: &Path) -> Result<Header, DataError> {
    let bytes = bytes_of(path)?;
    let decoder = decoder(&bytes).map_err(broken(path))?;
    let (width, height) = decoder.dimensions();
    let most = MOST_EXPANSION * bytes.len() as u64;
    if width == 0 || height == 0 || u64::from(width) * u64::from(height) > most {
        let message = format!("{height} x {width} pixels, which a file of {} bytes can't hold", bytes.len());
        return Err(DataError::Image { path: path.to_owned(), message });
    }
    Ok(Header { width, height, colour: decoder.color_type().has_color() })
}

/// All images must be as large as the first one.
fn check_sizes(parts: &[Vec<Entry>; 2], headers: &[Header]) -> Result<(), DataError> {
    let mut all = parts.iter().flatten().zip(headers);
    let Some(((first, _), expected)) = all.next() else { return Ok(()) };
    let text = |header: &Header| format!("{} x {} pixels", header.height, header.width);
    match all.find(|(_, header)| (header.height, header.width) != (expected.height, expected.width)) {
        None => Ok(()),
        Some(((path, _), header)) => Err(DataError::Mismatch {
            path: path.clone(),
            found: text(header),
            expected: format!("{} (data.size = [h, w] resizes all)", text(expected)),
            other: first.clone(),
        }),
    }
}

/// The images of part `number`: decoded now, or when they are wanted where they would take too much memory.
fn part(folder: &Path, files: Vec<Entry>, shape: [usize; 3], limits: Limits, number: usize) -> Result<Part, DataError> {
    let area = shape.iter().product::<usize>();
    let bytes = (files.len() as u64).saturating_mul(area as u64);
    let (paths, labels): (Vec<PathBuf>, Vec<u32>) = files.into_iter().unzip();
    let numbers: Vec<u32> = (0..paths.len() as u32).collect();
    let images = Images { paths, shape };
    if limits.leaves(bytes) {
        return Ok(Part::paged(Paged::new(Arc::new(images), numbers), labels, area));
    }
    check_held(folder, bytes, number)?;
    let mut values = Values::none(false);
    images.read(&numbers, &mut values)?;
    Ok(Part::of(values, labels, area))
}

/// Images in files of their own.
#[derive(Debug)]
struct Images {
    paths: Vec<PathBuf>,
    shape: [usize; 3],
}

impl Origin for Images {
    fn floats(&self) -> bool {
        false
    }

    fn read(&self, numbers: &[u32], into: &mut Values) -> Result<(), DataError> {
        let Values::Bytes(pixels) = into else { return Ok(()) };
        numbers.iter().try_for_each(|&number| decode(&self.paths[number as usize], self.shape, pixels))
    }
}

/// Appends an image, channels first, resized where it has another size.
fn decode(path: &Path, [channels, h, w]: [usize; 3], pixels: &mut Vec<u8>) -> Result<(), DataError> {
    let bytes = bytes_of(path)?;
    let mut image = decoder(&bytes).and_then(DynamicImage::from_decoder).map_err(broken(path))?;
    if (image.height() as usize, image.width() as usize) != (h, w) {
        image = image.resize_exact(w as u32, h as u32, FilterType::Triangle);
    }
    if channels == 1 {
        pixels.extend_from_slice(image.to_luma8().as_raw());
    } else {
        let image = image.to_rgb8();
        (0..3).for_each(|c| pixels.extend(image.as_raw().iter().skip(c).step_by(3)));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
