//! The machine that a pickle is a program of, as far as it builds data.

use super::node::{Global, Held, Node};
use std::collections::HashMap;
use std::io::{BufReader, Read, Seek};

/// Bytes that are held; longer ones stay in the file.
const SHORT: u64 = 1 << 8;
/// Most objects of a pickle. ImageNet32 has 128,000 labels in a file.
const MOST_NODES: usize = 1 << 21;
/// Most bytes of a name or a number in text.
const MOST_LINE: usize = 1 << 10;

/// A machine at its first opcode.
pub(super) struct Machine<R> {
    reader: BufReader<R>,
    /// Where the reader is, and where the file ends.
    at: u64,
    end: u64,
    pub(super) nodes: Vec<Node>,
    stack: Vec<usize>,
    marks: Vec<usize>,
    memo: HashMap<u64, usize>,
}

pub(super) type Result<T> = std::result::Result<T, String>;

impl<R: Read + Seek> Machine<R> {
    /// Of a file of `end` bytes.
    pub fn new(reader: BufReader<R>, end: u64) -> Self {
        let (nodes, stack, marks) = (Vec::new(), Vec::new(), Vec::new());
        Self { reader, at: 0, end, nodes, stack, marks, memo: HashMap::new() }
    }

    /// Runs to the end: all objects, and the number of the last one on the stack.
    ///
    /// # Errors
    /// Anything that isn't understood or doesn't fit, with its byte.
    pub fn run(mut self) -> Result<(Vec<Node>, usize)> {
        loop {
            let (at, [op]) = (self.at, self.take()?);
            match self.step(op) {
                Ok(true) => {}
                Ok(false) => {
                    let root = self.pop()?;
                    return Ok((self.nodes, root));
                }
                Err(message) => return Err(format!("byte {at}: {message}")),
            }
        }
    }

    /// Carries out an opcode; `false` at the end.
    fn step(&mut self, op: u8) -> Result<bool> {
        match op {
            b'.' => return Ok(false),
            0x80 => match self.take()? {
                [0..=5] => {}
                [other] => return Err(format!("protocol {other}, expected at most 5")),
            },
            0x95 => drop(self.take::<8>()?),
            b'(' => self.marks.push(self.stack.len()),
            b'0' => drop(self.pop()?),
            b'1' => drop(self.marked()?),
            b'2' => {
                let top = self.top()?;
                self.stack.push(top);
            }
            b'N' => self.push(Node::None)?,
            0x88 => self.push(Node::Bool(true))?,
            0x89 => self.push(Node::Bool(false))?,
            b'J' => {
                let value = i32::from_le_bytes(self.take()?);
                self.push(Node::Int(value.into()))?;
            }
            b'K' => {
                let [value] = self.take()?;
                self.push(Node::Int(value.into()))?;
            }
            b'M' => {
                let value = u16::from_le_bytes(self.take()?);
                self.push(Node::Int(value.into()))?;
            }
            0x8a => {
                let [length] = self.take()?;
                let value = self.long(length.into())?;
                self.push(Node::Int(value))?;
            }
            b'I' | b'L' => {
                let line = self.line()?;
                let node = match (op, line.as_str()) {
                    (b'I', "00") => Node::Bool(false),
                    (b'I', "01") => Node::Bool(true),
                    (_, text) => {
                        let value = text.trim_end_matches('L').parse();
                        Node::Int(value.map_err(|_| format!("`{}`, expected a whole number", text.escape_debug()))?)
                    }
                };
                self.push(node)?;
            }
            b'G' => {
                let value = f64::from_be_bytes(self.take()?);
                self.push(Node::Float(value))?;
            }
            b'U' | b'C' | 0x8c => {
                let [length] = self.take()?;
                self.push_bytes(op, length.into())?;
            }
            b'T' | b'B' | b'X' => {
                let length = u32::from_le_bytes(self.take()?);
                self.push_bytes(op, length.into())?;
            }
            0x8e | 0x8d | 0x96 => {
                let length = u64::from_le_bytes(self.take()?);
                self.push_bytes(op, length)?;
            }
            b']' => self.push(Node::List(Vec::new()))?,
            b')' => self.push(Node::Tuple(Vec::new()))?,
            b'}' => self.push(Node::Dict(Vec::new()))?,
            b'l' | b't' => {
                let items = self.marked()?;
                self.push(if op == b'l' { Node::List(items) } else { Node::Tuple(items) })?;
            }
            b'd' => {
                let items = self.marked()?;
                self.push(Node::Dict(pairs(&items)?))?;
            }
            0x85..=0x87 => {
                let from = self.stack.len().checked_sub(usize::from(op - 0x84)).ok_or("too few objects")?;
                let items = self.stack.split_off(from);
                self.push(Node::Tuple(items))?;
            }
            b'a' => {
                let item = self.pop()?;
                self.extend(vec![item])?;
            }
            b'e' | b'u' => {
                let items = self.marked()?;
                self.extend(items)?;
            }
            b's' => {
                let (value, key) = (self.pop()?, self.pop()?);
                self.extend(vec![key, value])?;
            }
            b'p' | b'g' => {
                let line = self.line()?;
                let place = line.parse().map_err(|_| format!("`{}`, expected a number", line.escape_debug()))?;
                self.remember_or_recall(op == b'p', place)?;
            }
            b'q' | b'h' => {
                let [place] = self.take()?;
                self.remember_or_recall(op == b'q', place.into())?;
            }
            b'r' | b'j' => {
                let place = u32::from_le_bytes(self.take()?);
                self.remember_or_recall(op == b'r', place.into())?;
            }
            0x94 => self.remember_or_recall(true, self.memo.len() as u64)?,
            b'c' => {
                let (module, name) = (self.line()?, self.line()?);
                self.push(Node::Global(Global::of(&module, &name)?))?;
            }
            0x93 => {
                let (name, module) = (self.pop()?, self.pop()?);
                let text = |node: usize| self.nodes.get(node).and_then(Node::text).unwrap_or_default();
                let global = Global::of(&text(module), &text(name))?;
                self.push(Node::Global(global))?;
            }
            b'R' => {
                let (arguments, called) = (self.pop()?, self.pop()?);
                let made = self.made(called, arguments)?;
                self.push(made)?;
            }
            b'b' => {
                let state = self.pop()?;
                self.build(state)?;
            }
            other => {
                let expected = "expected those of arrays, lists and dicts, of protocol 2 to 5";
                return Err(format!("opcode 0x{other:02x}, {expected}"));
            }
        }
        Ok(true)
    }

    fn take<const N: usize>(&mut self) -> Result<[u8; N]> {
        let mut bytes = [0; N];
        self.reader.read_exact(&mut bytes).map_err(|_| format!("it ends at byte {}, expected more", self.end))?;
        self.at += N as u64;
        Ok(bytes)
    }

    /// Text to the end of its line.
    fn line(&mut self) -> Result<String> {
        let mut line = Vec::new();
        loop {
            match self.take()? {
                [b'\n'] => return String::from_utf8(line).map_err(|_| "text that is no UTF-8".to_owned()),
                [byte] if line.len() < MOST_LINE => line.push(byte),
                _ => return Err(format!("a line of more than {MOST_LINE} bytes")),
            }
        }
    }

    /// A whole number of `length` bytes, with a sign.
    fn long(&mut self, length: usize) -> Result<i64> {
        let mut bytes = vec![0; length];
        for byte in &mut bytes {
            [*byte] = self.take()?;
        }
        let fill = if bytes.last().is_some_and(|byte| byte & 0x80 != 0) { 0xff } else { 0 };
        if bytes.len() > 8 {
            return Err(format!("a whole number of {length} bytes, expected at most 8"));
        }
        bytes.resize(8, fill);
        Ok(bytes.iter().rev().fold(0, |n: u64, &byte| n << 8 | u64::from(byte)) as i64)
    }

    fn push(&mut self, node: Node) -> Result<()> {
        if self.nodes.len() == MOST_NODES {
            return Err(format!("more than {MOST_NODES} objects"));
        }
        self.stack.push(self.nodes.len());
        self.nodes.push(node);
        Ok(())
    }

    /// Text or bytes of this length, which come next.
    fn push_bytes(&mut self, op: u8, length: u64) -> Result<()> {
        if length > self.end.saturating_sub(self.at) {
            return Err(format!(
                "{length} bytes announced, expected at most the {} left",
                self.end.saturating_sub(self.at)
            ));
        }
        let mut held = Held { at: self.at, length, here: None };
        if length <= SHORT {
            let mut bytes = vec![0; length as usize];
            self.reader.read_exact(&mut bytes).map_err(|e| e.to_string())?;
            held.here = Some(bytes);
        } else {
            // At most the file's length, which is below 2^63.
            self.reader.seek_relative(length as i64).map_err(|e| e.to_string())?;
        }
        self.at += length;
        self.push(if matches!(op, b'X' | 0x8c | 0x8d) { Node::Text(held) } else { Node::Bytes(held) })
    }

    fn pop(&mut self) -> Result<usize> {
        self.stack.pop().ok_or_else(|| "too few objects".to_owned())
    }

    /// What lies above the last mark.
    fn marked(&mut self) -> Result<Vec<usize>> {
        let from = self.marks.pop().filter(|&from| from <= self.stack.len()).ok_or("no mark")?;
        Ok(self.stack.split_off(from))
    }

    /// Adds items to the list or dict on top.
    fn extend(&mut self, items: Vec<usize>) -> Result<()> {
        let top = self.top()?;
        match self.nodes.get_mut(top) {
            Some(Node::List(list)) => list.extend(items),
            Some(Node::Dict(dict)) => dict.extend(pairs(&items)?),
            _ => return Err("items for what is neither a list nor a dict".to_owned()),
        }
        Ok(())
    }

    fn remember_or_recall(&mut self, remember: bool, place: u64) -> Result<()> {
        if remember {
            let top = self.top()?;
            self.memo.insert(place, top);
        } else {
            let node = *self.memo.get(&place).ok_or_else(|| format!("object {place} was never kept"))?;
            self.stack.push(node);
        }
        Ok(())
    }
}

impl<R> Machine<R> {
    /// The object on top of the stack.
    pub(super) fn top(&self) -> Result<usize> {
        self.stack.last().copied().ok_or_else(|| "too few objects".to_owned())
    }
}

/// Keys and values, which come in turn.
fn pairs(items: &[usize]) -> Result<Vec<(usize, usize)>> {
    let (pairs, rest) = items.as_chunks::<2>();
    if rest.is_empty() {
        Ok(pairs.iter().map(|&[key, value]| (key, value)).collect())
    } else {
        Err("a key without a value".to_owned())
    }
}
