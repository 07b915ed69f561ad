//! What a pickle's calls make and fill: arrays, their types, and numbers of these.

use super::machine::{Machine, Result};
use super::node::{Global, Held, Node, Pickled, Type};
use crate::data::scalar::Scalar;

impl<R> Machine<R> {
    /// The items of a tuple.
    fn tuple(&self, node: usize) -> Result<Vec<&Node>> {
        match self.nodes.get(node) {
            Some(Node::Tuple(items)) => Ok(items.iter().filter_map(|&item| self.nodes.get(item)).collect()),
            _ => Err("expected a tuple".to_owned()),
        }
    }

    /// What a call of a known object gives.
    pub(super) fn made(&self, called: usize, arguments: usize) -> Result<Node> {
        let Some(Node::Global(global)) = self.nodes.get(called) else {
            return Err("a call of what is no object".to_owned());
        };
        let arguments = self.tuple(arguments)?;
        let unlike = || format!("{global:?} with other arguments than NumPy writes");
        match (global, &arguments[..]) {
            (Global::Reconstruct, _) => Ok(Node::Array(Box::default())),
            (Global::Type, [descr, ..]) => Ok(Node::Type(Type::of(&descr.text().ok_or_else(unlike)?))),
            (Global::Dict, []) => Ok(Node::Dict(Vec::new())),
            (Global::FromBuffer, [Node::Bytes(bytes), Node::Type(Type(scalar)), Node::Tuple(shape), order]) => {
                let fortran = order.text().as_deref() == Some("F");
                let (shape, bytes) = (self.shape(shape)?, Some(bytes.clone()));
                Ok(Node::Array(Box::new(Pickled { shape, scalar: *scalar, fortran, bytes })))
            }
            (Global::Scalar, [Node::Type(Type(Some(scalar))), Node::Bytes(Held { here: Some(bytes), .. })])
                if !scalar.is_float() && bytes.len() == scalar.bytes =>
            {
                Ok(Node::Int(scalar.integer(bytes)))
            }
            _ => Err(unlike()),
        }
    }

    fn shape(&self, dims: &[usize]) -> Result<Vec<usize>> {
        let dim = |&dim: &usize| match self.nodes.get(dim) {
            Some(Node::Int(n)) => usize::try_from(*n).ok(),
            _ => None,
        };
        dims.iter().map(dim).collect::<Option<_>>().ok_or_else(|| "a shape that is no tuple of counts".to_owned())
    }

    /// Fills the array on top, or gives the type there its byte order.
    pub(super) fn build(&mut self, state: usize) -> Result<()> {
        let top = self.top()?;
        let filled = match (self.nodes.get(top), &self.tuple(state)?[..]) {
            (Some(Node::Type(Type(scalar))), [_, order, ..]) => {
                let big_endian = order.text().as_deref() == Some(">");
                Node::Type(Type(scalar.map(|scalar| Scalar { big_endian, ..scalar })))
            }
            (
                Some(Node::Array(_)),
                [_, Node::Tuple(shape), Node::Type(Type(scalar)), Node::Bool(fortran), Node::Bytes(bytes)],
            ) => {
                let (shape, bytes) = (self.shape(shape)?, Some(bytes.clone()));
                Node::Array(Box::new(Pickled { shape, scalar: *scalar, fortran: *fortran, bytes }))
            }
            _ => return Err("a state that is none of an array's".to_owned()),
        };
        match self.nodes.get_mut(top) {
            Some(node) => *node = filled,
            None => return Err("too few objects".to_owned()),
        }
        Ok(())
    }
}
