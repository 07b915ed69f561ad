//! Group norm, and batch norm with statistics of a lane's rows or running ones.

use serde_json::{Value, json};

use crate::caps::Layout;
use crate::kernels::conv::Geometry;
use crate::kernels::lib::halves::Halves;
use crate::kernels::moments::{Moments, Parts};
use crate::kernels::norm::{self, Statistics};
use crate::kernels::parts::SumSplit;
use crate::kernels::tiling::Product;
use crate::layers::table::size;
use crate::layers::{
    Backward, BatchNorm, Entry, Footprint, Form, Forward, GradientWays, HalvesOf, Images, Keeps, Kind, LaneTables,
    Mode, ModelError, Shape, Site, Tensors,
};
use crate::recording::windows::Running;
use crate::recording::{Recording, Span};

/// Group or batch norm, scale and shift a channel, the node's residual added, then ReLU where `relu`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Norm {
    /// Whose mean and variance.
    pub kind: NormKind,
    /// Before and after.
    pub shape: Shape,
    /// Offset of the scale.
    pub weight: usize,
    /// Offset of the shift.
    pub bias: usize,
    /// ReLU follows.
    pub relu: bool,
}

/// What a norm takes mean and variance over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NormKind {
    /// A sample's groups of channels.
    Group {
        /// Groups; they divide the channels.
        groups: usize,
    },
    /// A channel over a batch, or its running statistics.
    Batch {
        /// Offset of the running mean behind the parameters.
        mean: usize,
        /// Offset of the running variance.
        variance: usize,
    },
}

/// `{groupnorm = groups}`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GroupSpec {
    /// Number of groups.
    pub groups: usize,
}

impl Entry for GroupSpec {
    type Layer = Norm;
    const NAME: &'static str = "groupnorm";
    const FORM: Form<Self> = Form::Table {
        example: "2",
        keys: &["groupnorm"],
        read: |table| Ok(Self { groups: table.required(Self::NAME, size)? }),
    };

    fn to_json(&self) -> Value {
        json!({"groupnorm": self.groups})
    }

    fn append(&self, site: &mut Site<'_>) -> Result<Option<Norm>, ModelError> {
        let (channels, groups) = (site.shape.c, self.groups);
        if !channels.is_multiple_of(groups) {
            return Err(site.error(format!("{channels} channels don't divide into {groups} groups")));
        }
        Norm::append(site, |_| NormKind::Group { groups }).map(Some)
    }
}

/// `"batchnorm"`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BatchSpec;

impl Entry for BatchSpec {
    type Layer = Norm;
    const NAME: &'static str = "batchnorm";
    const FORM: Form<Self> = Form::Name(Self);

    fn append(&self, site: &mut Site<'_>) -> Result<Option<Norm>, ModelError> {
        Norm::append(site, |site| NormKind::of_batch(site.tensors, site.name, site.shape.c)).map(Some)
    }
}

impl NormKind {
    /// A batch norm, with running statistics for each of its channels.
    pub fn of_batch(tensors: &mut Tensors, name: &str, channels: usize) -> Self {
        let [mean, variance] = tensors.running(name, channels);
        Self::Batch { mean, variance }
    }
}

impl Norm {
    fn append(site: &mut Site<'_>, kind: impl Fn(&mut Site<'_>) -> NormKind) -> Result<Self, ModelError> {
        let shape = *site.shape;
        let [weight, bias] = site.scale_and_shift(vec![shape.c])?;
        *site.open = true;
        Ok(Self { kind: kind(site), shape, weight, bias, relu: false })
    }

    fn statistics(&self, of_rows: bool) -> Statistics {
        match self.kind {
            NormKind::Group { .. } => Statistics::Group,
            NormKind::Batch { .. } if of_rows => Statistics::Batch,
            NormKind::Batch { .. } => Statistics::Running,
        }
    }

    fn params(&self, layout: Layout, accumulate: bool) -> norm::Params {
        let (groups, mean, variance) = match self.kind {
            NormKind::Group { groups } => (groups, 0, 0),
            NormKind::Batch { mean, variance } => (1, mean, variance),
        };
        let sizes = norm::Uniforms {
            channels: self.shape.c as u32,
            groups: groups as u32,
            spatial: self.shape.spatial() as u32,
            scale_offset: self.weight as u32,
            bias_offset: self.bias as u32,
            mean_offset: mean as u32,
            variance_offset: variance as u32,
            relu: u32::from(self.relu),
            accumulate: u32::from(accumulate),
        };
        norm::Params { sizes, layout }
    }
}

impl Kind for Norm {
    fn name(&self) -> &'static str {
        match self.kind {
            NormKind::Group { .. } => GroupSpec::NAME,
            NormKind::Batch { .. } => BatchSpec::NAME,
        }
    }

    fn images(&self) -> Images {
        Images::Of(self.shape, self.shape)
    }

    fn tensors(&self) -> Vec<usize> {
        match self.kind {
            NormKind::Group { .. } => vec![self.weight, self.bias],
            NormKind::Batch { mean, variance } => vec![self.weight, self.bias, mean, variance],
        }
    }

    /// Sums run in blocks and trees; what is left is short.
    fn summands(&self) -> usize {
        64
    }

    /// With statistics of a lane's rows where the norm can have them.
    fn keeps(&self) -> Keeps {
        let params = self.params(Layout::default(), false);
        let kept = norm::span_sizes(self.statistics(true), params.channels, params.groups);
        let footprint = |values: u64| {
            let values = values as usize;
            if kept.per_lane { Footprint { row: 0, lane: values } } else { Footprint { row: values, lane: 0 } }
        };
        Keeps {
            saved: footprint(kept.stats),
            coefficients: footprint(kept.coefficients),
            moments: footprint(kept.moments),
        }
    }

    fn ends_with_relu(&self) -> bool {
        self.relu
    }

    /// Statistics are taken of f32. Where they are those of a lane's rows nothing beside them is f16, either.
    fn halves(&self, how: &HalvesOf) -> Halves {
        let statistics = self.statistics(how.batch_statistics);
        let layout = how.layout == Layout::ChannelsLast && Halves::fit(self.shape.c);
        let fit = layout && statistics != Statistics::Batch;
        Halves { x: fit && statistics == Statistics::Running, residual: fit, y: fit }
    }

    fn splits(&self, how: &GradientWays) -> Vec<(SumSplit, u32)> {
        let params = self.params(how.layout, false);
        params.split().map(|split| (split, params.tensors().size())).into_iter().collect()
    }

    fn forward(&self, rec: &mut Recording, lanes: &LaneTables, mode: &Mode, io: &Forward) {
        let samples = &lanes.samples;
        let (statistics, params) =
            (self.statistics(mode.batch_statistics), self.params(mode.layout, false).shifted(io.running.shift));
        let (perturbed, weights, running) = (mode.product.perturbed, io.weights, io.running.span);
        let parts = io.moments_of_parts.map_or(io.moments, |(_, span)| span);
        let kept = norm::Spans { stats: io.saved, coefficients: io.coefficients, moments: io.moments, parts };
        match io.moments_of_parts {
            Some(left) if !matches!(left.0.parts, Parts::Own { .. }) => {
                norm::record_from_moments(rec, samples, perturbed, &params, weights, left, &kept);
            }
            _ => {
                norm::record_statistics(rec, samples, statistics, perturbed, &params, weights, running, io.x, &kept);
            }
        }
        norm::record_apply(
            rec,
            samples,
            statistics,
            &params,
            io.x,
            io.coefficients,
            io.residual,
            io.y,
            mode.product.halves,
        );
    }

    fn backward(&self, rec: &mut Recording, lanes: &LaneTables, io: &Backward) {
        let (lanes, params) = (&lanes.samples, self.params(io.how.layout, io.accumulate));
        let statistics = self.statistics(io.batch_statistics);
        norm::record_grad_params(rec, lanes, statistics, &params, io.x, io.dy, io.saved, &io.target);
        if let Some(dx) = io.dx {
            let (weights, gradients) = (io.weights, io.target.gradients);
            norm::record_grad(rec, lanes, statistics, &params, weights, io.x, io.dy, io.saved, gradients, dx);
        }
    }

    fn add_relu(&mut self) -> bool {
        self.relu = true;
        true
    }

    fn adds_residual(&self) -> bool {
        !self.relu
    }

    fn relu_follows_residual(&self) -> bool {
        true
    }

    fn put_running_behind(&mut self, parameters: usize) {
        match &mut self.kind {
            NormKind::Group { .. } => {}
            NormKind::Batch { mean, variance } => {
                *mean += parameters;
                *variance += parameters;
            }
        }
    }

    fn batch_norm(&self) -> Option<BatchNorm> {
        match self.kind {
            NormKind::Group { .. } => None,
            NormKind::Batch { mean, variance } => {
                Some(BatchNorm { channels: self.shape.c, spatial: self.shape.spatial(), mean, variance })
            }
        }
    }

    fn update_running(&self, rec: &mut Recording, lanes: &LaneTables, moments: Span, running: Running) {
        if self.batch_norm().is_some() {
            let params = self.params(Layout::default(), false).shifted(running.shift);
            norm::record_running_update(rec, &lanes.samples, &params, moments, running.span);
        }
    }

    fn takes_moments(&self, batch_statistics: bool, left: Option<(&Product, &Geometry)>) -> Option<Moments> {
        match (self.kind, left) {
            (NormKind::Group { groups }, Some((how, geometry))) => Moments::of_groups(how, geometry, groups as u32),
            (NormKind::Batch { .. }, Some((how, geometry))) if batch_statistics => {
                Some(Moments::of_channels(how, geometry))
            }
            (NormKind::Batch { .. }, None) if batch_statistics => {
                Some(Moments::of_rows(self.shape.c as u32, self.shape.spatial() as u32))
            }
            (NormKind::Group { .. }, None) | (NormKind::Batch { .. }, _) => None,
        }
    }
}
