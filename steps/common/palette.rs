//! A few colours in place of many, by median cut (Heckbert, 1982).

use super::picture::Picture;
use std::collections::BTreeMap;

/// Colours of an animation, at most: one of 256 is transparent.
const MOST: usize = 255;

/// A colour and its pixels.
type Counted = ([u8; 3], u64);

/// Colours that will be one, their length, and along which channel that is.
type ColorBox = (u8, usize, Vec<Counted>);

/// At most 255 colours, and for every colour of the pictures the index of the one that stands for it: itself, if there are
/// no more.
pub fn palette(pictures: &[Picture]) -> (Vec<[u8; 3]>, BTreeMap<[u8; 3], u8>) {
    let mut counts = BTreeMap::new();
    pictures.iter().flat_map(|picture| &picture.pixels).for_each(|&color| *counts.entry(color).or_insert(0) += 1);
    let mut boxes: Vec<ColorBox> = vec![measured(counts.into_iter().collect())];
    while boxes.len() < MOST {
        // The longest is cut in two, with as many pixels in both as can be.
        let longest = (0..boxes.len()).max_by_key(|&i| boxes[i].0).expect("there is one");
        if boxes[longest].0 == 0 {
            break;
        }
        let (_, channel, mut colors) = boxes.swap_remove(longest);
        colors.sort_by_key(|(color, _)| color[channel]);
        let half = colors.iter().map(|(_, count)| count).sum::<u64>().div_ceil(2);
        let mut before = 0;
        let cut = colors.iter().take_while(|(_, count)| {
            before += count;
            before <= half
        });
        let cut = cut.count().clamp(1, colors.len() - 1);
        let rest = colors.split_off(cut);
        boxes.extend([measured(colors), measured(rest)]);
    }
    let of_box =
        |(i, (_, _, colors)): (usize, &ColorBox)| Vec::from_iter(colors.iter().map(|(color, _)| (*color, i as u8)));
    let index = boxes.iter().enumerate().flat_map(of_box).collect();
    (boxes.iter().map(|(_, _, colors)| mean(colors)).collect(), index)
}

/// The largest difference between two of the colours along one channel is their length.
fn measured(colors: Vec<Counted>) -> ColorBox {
    let along = |channel: usize| {
        let shades = || colors.iter().map(|(color, _)| color[channel]);
        (shades().max().unwrap_or(0) - shades().min().unwrap_or(0), channel)
    };
    let (length, channel) = [0, 1, 2].map(along).into_iter().max().expect("three channels");
    (length, channel, colors)
}

fn mean(colors: &[Counted]) -> [u8; 3] {
    let count = colors.iter().map(|(_, count)| count).sum::<u64>().max(1);
    let sum = |channel: usize| colors.iter().map(|(color, count)| u64::from(color[channel]) * count).sum::<u64>();
    [0, 1, 2].map(|channel| ((sum(channel) + count / 2) / count) as u8)
}
