//! The list of commands that a planner emits and a device runs.

use std::fmt;

use bytemuck::NoUninit;

use super::kernel::{Kernel, Params, Variant};
use super::lease::Lease;
use super::span::{BufferId, Span};

/// One kernel launch.
#[derive(Clone)]
pub struct Dispatch {
    /// The kernel's row of the host table.
    pub kernel: &'static Kernel,
    /// Constants that specialise it.
    pub variant: Variant,
    /// The uniform block of binding 0, as bytes.
    pub params: Vec<u8>,
    /// Storage bindings 1, 2, ... in the shader's order. Those behind the last that the device's shader declares are left out.
    pub bindings: Vec<Span>,
    /// Workgroups in x, y and z, each at most 65,535.
    pub grid: [u32; 3],
    /// Estimated arithmetic, in floating-point (or integer) operations: decides where submissions are cut.
    pub cost: u64,
    /// Estimated bytes that it moves: each operand once, by default all that it binds.
    pub bytes: u64,
}

/// One step of a [`Recording`].
#[derive(Clone)]
pub enum Command {
    /// Writes host bytes into a buffer.
    Upload {
        /// Target.
        buffer: BufferId,
        /// First byte, a multiple of 4.
        offset: u64,
        /// Content, a multiple of 4 bytes.
        data: Vec<u8>,
    },
    /// Sets a span to zero bytes.
    Clear(Span),
    /// Copies `from` into `to`, spans of equal length in different buffers.
    Copy {
        /// Source.
        from: Span,
        /// Target.
        to: Span,
    },
    /// Launches a kernel.
    Dispatch(Box<Dispatch>),
    /// Brings a span back to the host. Results come in the order of these commands.
    ReadBack(Span),
}

/// Commands in order. Each sees what those before it wrote. A recording that outlives the work that made it holds its buffers.
#[derive(Clone, Default)]
pub struct Recording {
    commands: Vec<Command>,
    leases: Vec<Lease>,
}

impl Recording {
    /// An empty list.
    pub fn new() -> Self {
        Self::default()
    }

    /// The commands in order.
    pub fn commands(&self) -> &[Command] {
        &self.commands
    }

    /// Appends an upload of plain data.
    pub fn upload<T: NoUninit>(&mut self, buffer: BufferId, offset: u64, data: &[T]) {
        let data: &[u8] = bytemuck::cast_slice(data);
        if !data.is_empty() {
            self.commands.push(Command::Upload { buffer, offset, data: data.to_vec() });
        }
    }

    /// Makes one upload of each run of uploads that follow each other here and in a buffer, with at most `gap` bytes between them, which
    /// become zeros: a device does each by itself.
    pub fn join_uploads(&mut self, gap: u64) {
        let mut joined: Vec<Command> = Vec::with_capacity(self.commands.len());
        for command in std::mem::take(&mut self.commands) {
            if let Command::Upload { buffer, offset, data } = &command
                && let Some(Command::Upload { buffer: last, offset: start, data: all }) = joined.last_mut()
                && buffer == last
                && let Some(between) = offset.checked_sub(*start + all.len() as u64)
                && between <= gap
            {
                all.resize(all.len() + between as usize, 0);
                all.extend_from_slice(data);
                continue;
            }
            joined.push(command);
        }
        self.commands = joined;
    }

    /// Appends zeroing of a span.
    pub fn clear(&mut self, span: Span) {
        self.commands.push(Command::Clear(span));
    }

    /// Appends a copy.
    pub fn copy(&mut self, from: Span, to: Span) {
        self.commands.push(Command::Copy { from, to });
    }

    /// Appends a kernel launch. An empty grid is dropped: it would compute nothing.
    pub fn dispatch<P: Params>(
        &mut self,
        kernel: &'static Kernel,
        variant: Variant,
        params: &P,
        bindings: &[Span],
        grid: [u32; 3],
        cost: u64,
    ) {
        debug_assert_eq!(kernel.params, P::LAYOUT, "{}: parameters of another kernel", kernel.name);
        if grid.contains(&0) {
            return;
        }
        let params = bytemuck::bytes_of(params).to_vec();
        let distinct = bindings.iter().enumerate().filter(|(i, span)| !bindings[..*i].contains(span));
        let bytes = distinct.map(|(_, span)| span.bytes).sum();
        let bindings = bindings.to_vec();
        let dispatch = Dispatch { kernel, variant, params, bindings, grid, cost, bytes };
        self.commands.push(Command::Dispatch(Box::new(dispatch)));
    }

    /// Notes that launches from command `first` on which bind `span` use only so many bytes of it, such as a layer its own tensors
    /// among all weights.
    pub fn uses(&mut self, first: usize, span: Span, bytes: u64) {
        let unused = span.bytes.saturating_sub(bytes);
        for command in self.commands.iter_mut().skip(first) {
            if let Command::Dispatch(dispatch) = command
                && dispatch.bindings.contains(&span)
            {
                dispatch.bytes = dispatch.bytes.saturating_sub(unused);
            }
        }
    }

    /// Appends a read-back.
    pub fn read_back(&mut self, span: Span) {
        self.commands.push(Command::ReadBack(span));
    }

    /// Appends another list.
    pub fn append(&mut self, other: Recording) {
        self.commands.extend(other.commands);
        self.leases.extend(other.leases);
    }

    /// Holds buffers that the commands name for as long as the recording lives.
    pub fn hold(&mut self, leases: impl IntoIterator<Item = Lease>) {
        self.leases.extend(leases);
    }

    /// The same commands on other spans, with other launches.
    pub fn map(&self, span: impl Fn(Span) -> Span, dispatch: impl Fn(&Dispatch) -> Dispatch) -> Self {
        let command = |command: &Command| match command {
            Command::Upload { buffer, offset, data } => {
                let to = span(Span { buffer: *buffer, offset: *offset, bytes: data.len() as u64 });
                Command::Upload { buffer: to.buffer, offset: to.offset, data: data.clone() }
            }
            Command::Clear(cleared) => Command::Clear(span(*cleared)),
            Command::Copy { from, to } => Command::Copy { from: span(*from), to: span(*to) },
            Command::Dispatch(launch) => Command::Dispatch(Box::new(dispatch(launch))),
            Command::ReadBack(read) => Command::ReadBack(span(*read)),
        };
        Self { commands: self.commands.iter().map(command).collect(), leases: self.leases.clone() }
    }

    /// How many kernels it launches.
    pub fn dispatches(&self) -> usize {
        self.commands.iter().filter(|c| matches!(c, Command::Dispatch(_))).count()
    }

    /// The estimated operations of all launches.
    pub fn cost(&self) -> u64 {
        self.commands.iter().map(|c| if let Command::Dispatch(d) = c { d.cost } else { 0 }).sum()
    }
}

impl fmt::Display for Recording {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for command in &self.commands {
            match command {
                Command::Upload { buffer, offset, data } => {
                    writeln!(f, "upload   b{} +{offset} {} B", buffer.0, data.len())?;
                }
                Command::Clear(s) => writeln!(f, "clear    b{} +{} {} B", s.buffer.0, s.offset, s.bytes)?,
                Command::Copy { from, to } => {
                    writeln!(f, "copy     b{} -> b{} {} B", from.buffer.0, to.buffer.0, from.bytes)?;
                }
                Command::Dispatch(d) => {
                    let bound: Vec<String> = d.bindings.iter().map(|s| format!("b{}", s.buffer.0)).collect();
                    writeln!(f, "dispatch {}{} {:?} [{}]", d.kernel.name, d.variant, d.grid, bound.join(" "))?;
                }
                Command::ReadBack(s) => writeln!(f, "readback b{} +{} {} B", s.buffer.0, s.offset, s.bytes)?,
            }
        }
        Ok(())
    }
}
