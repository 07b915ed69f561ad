// Pieces of operands that are f32 in memory: quads (lib/tile_slices.wgsl).
alias Piece = vec4<f32>;
const PIECE: u32 = 4u;
